// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/record_scanner.h"

#include <algorithm>

#include "libs/genomics/base_signs.h"
#include "libs/genomics/bcf_source.h"
#include "libs/genomics/bgzf_reader.h"
#include "libs/genomics/vcf_scanner.h"

namespace genofed::genomics {
namespace {

Result<std::unique_ptr<BgzfReader>> OpenBytes(const VcfInput& input) {
  if (const int* fd = std::get_if<int>(&input)) return BgzfReader::Open(*fd);
  return BgzfReader::OpenPath(std::get<std::filesystem::path>(input));
}

bool AreLowerCaseBases(std::string_view allele) {
  return allele.size() <= kMaxAlleleLength &&
         (BaseSignsOf(allele) & (kLowerCase | kNoBase)) == kLowerCase;
}

}  // namespace

RecordScanner::RecordScanner(ScanOptions options) : options_(std::move(options)) {}
RecordScanner::~RecordScanner() = default;

const VcfHeader& RecordScanner::header() const { return scanner_->header(); }

Result<std::unique_ptr<RecordScanner>> RecordScanner::Open(const VcfInput& input,
                                                           const ScanOptions& options) {
  std::unique_ptr<RecordScanner> scanner(new RecordScanner(options));
  GF_TRY(scanner->Start(input));
  return scanner;
}

Status RecordScanner::Start(const VcfInput& input) {
  auto sink = [this](const VcfIssue& issue) {
    VcfEffect effect = EffectOf(issue.code);
    if (effect == VcfEffect::kRecordSetAside || effect == VcfEffect::kFileRejected)
      problem_ = ToFinding(issue, "");
    if (options_.on_issue) options_.on_issue(issue);
  };
  GF_ASSIGN(auto bytes, OpenBytes(input));
  std::unique_ptr<LineSource> source;
  if (bytes->kind() == BgzfReader::Kind::kBcf && !options_.text) {
    GF_ASSIGN(auto bcf, BcfSource::Open(std::move(bytes)));
    bcf_ = bcf.get();
    source = std::move(bcf);
  } else {
    GF_ASSIGN(source, LineSource::Open(std::move(bytes)));
  }
  GF_ASSIGN(scanner_, VcfScanner::Open(std::move(source), sink, options_.reference));
  return absl::OkStatus();
}

Result<RecordScanner::Outcome> RecordScanner::Next() {
  VcfVerdict verdict = VcfVerdict::kSetAside;
  GF_ASSIGN(bool more, bcf_ == nullptr ? ReadSite(&verdict) : ReadBcfSite(&verdict));
  if (!more) return Outcome::kEnd;
  if (verdict != VcfVerdict::kSetAside && !header().samples.empty()) {
    record_.calls.clear();
    if (!(bcf_ == nullptr ? TakeGenotypes() : TakeBcfGenotypes())) verdict = VcfVerdict::kSetAside;
  }
  if (verdict == VcfVerdict::kSetAside) return Outcome::kSetAside;
  if (verdict == VcfVerdict::kLeaveOut) return Outcome::kLeftOut;
  Fill();
  return Outcome::kRecord;
}

Result<bool> RecordScanner::ReadSite(VcfVerdict* verdict) {
  GF_ASSIGN(bool more, scanner_->NextSite());
  *verdict = scanner_->verdict();
  site_ = &scanner_->site();
  return more;
}

Result<bool> RecordScanner::ReadBcfSite(VcfVerdict* verdict) {
  GF_ASSIGN(bool more, bcf_->NextRecord());
  if (!more) return false;
  bcf_line_.clear();
  bcf_samples_.clear();
  site_ = &bcf_site_;
  bool has_samples = !header().samples.empty();
  if (!bcf_->AppendSite(bcf_line_) || (has_samples && !bcf_->AppendFormat(bcf_line_))) {
    scanner_->ReportUndecodable();
    return true;
  }
  if (has_samples) bcf_line_ += '\t';
  *verdict = scanner_->conformance().CheckSite(bcf_line_, bcf_->line_number(), bcf_site_);
  return true;
}

// False when the record is set aside.
bool RecordScanner::TakeGenotypes() {
  const std::size_t samples = header().samples.size();
  bool judged = false;
  if (!site_->only_genotypes && (options_.judge_values || !site_->has_genotypes)) {
    if (scanner_->conformance().CheckSamples(*site_) == VcfVerdict::kSetAside) return false;
    judged = true;
  }
  if (!site_->has_genotypes) return true;  // and so left out
  if (ScanText(site_->samples, samples, site_->allele_count(), record_.calls,
               &record_.samples_are_lanes))
    return true;
  // Something unusual: the careful judge says whether it is wrong.
  if (!judged && scanner_->conformance().CheckSamples(*site_) == VcfVerdict::kSetAside)
    return false;
  TakeText(site_->samples, samples, site_->allele_count(), record_.calls);
  return true;
}

bool RecordScanner::TakeBcfGenotypes() {
  auto genotypes = bcf_->genotypes();
  const std::size_t samples = header().samples.size();
  if (genotypes && (site_->only_genotypes || !options_.judge_values)) {
    std::span<const std::uint8_t> data(reinterpret_cast<const std::uint8_t*>(genotypes->first.data),
                                       genotypes->stride * samples);
    std::size_t width = genotypes->first.size == 0 ? 0 : genotypes->stride / genotypes->first.size;
    if (ScanBcf(data, width, genotypes->first.size, samples, site_->allele_count(), record_.calls))
      return true;
  }
  if (!bcf_->AppendSamples(bcf_samples_)) {
    scanner_->ReportUndecodable();
    return false;
  }
  bcf_site_.samples = std::string_view(bcf_samples_).substr(1);  // behind the first tab
  return TakeGenotypes();
}

void RecordScanner::Fill() {
  const VcfSite& site = *site_;
  record_.contig = site.contig;
  record_.pos = site.pos;
  record_.end = site.end;
  record_.line = site.line_number;
  record_.passed = site.filter() == "PASS" || site.filter() == ".";
  record_.is_reference_block = site.is_block;
  record_.has_unspecified = site.has_unspecified;
  record_.columns = site.columns;
  record_.samples = site.samples;
  record_.ref = site.ref();
  // One by one: as a block they would wait until what was just written has left the store buffer.
  record_.alts.clear();
  for (std::string_view alt : site.alts) record_.alts.push_back(alt);
  if (!upper_.empty()) upper_.clear();
  auto raise = [this](std::string_view& allele) {
    if (AreLowerCaseBases(allele)) allele = upper_.emplace_back(UpperBases(allele));
  };
  raise(record_.ref);
  for (std::string_view& alt : record_.alts) raise(alt);
}

}  // namespace genofed::genomics
