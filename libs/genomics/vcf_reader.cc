// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_reader.h"

#include "libs/genomics/line_source.h"
#include "libs/genomics/vcf_scanner.h"

namespace genofed::genomics {
namespace {

constexpr std::uint64_t kRecordsBetweenLooks = 1024;

// Reads one allele of a genotype that was judged before, and moves behind it.
std::int8_t TakeAllele(const char*& p, const char* end) {
  if (*p == '.') {
    ++p;
    return kAlleleMissing;
  }
  int index = 0;
  while (p != end && *p >= '0' && *p <= '9') index = index * 10 + (*p++ - '0');
  return static_cast<std::int8_t>(index);
}

// One genotype that was judged before. `p` ends up at the tab or colon behind it.
void TakeGenotype(const char*& p, const char* end, std::size_t alleles, std::int8_t* out) {
  if (p != end && (*p == '/' || *p == '|')) ++p;  // 4.4
  out[0] = TakeAllele(p, end);
  out[1] = kAlleleAbsent;
  auto at_separator = [&] { return p != end && (*p == '/' || *p == '|'); };
  if (at_separator()) out[1] = TakeAllele(++p, end);
  if (at_separator()) {
    out[0] = out[1] = kAlleleMissing;  // more than two
    while (p != end && *p != '\t' && *p != ':') ++p;
  }
  // Only the allele of a missing ALT passes the judgement without existing.
  for (int i = 0; i < 2; ++i) {
    if (out[i] >= static_cast<int>(alleles)) out[i] = kAlleleMissing;
  }
}

}  // namespace

VcfReader::~VcfReader() = default;

Result<std::unique_ptr<VcfReader>> VcfReader::Open(const std::filesystem::path& path,
                                                   Reference* reference) {
  GF_ASSIGN(auto source, LineSource::OpenPath(path));
  return Start(std::move(source), reference);
}

Result<std::unique_ptr<VcfReader>> VcfReader::OpenFd(int fd, Reference* reference) {
  GF_ASSIGN(auto source, LineSource::OpenFd(fd));
  return Start(std::move(source), reference);
}

Result<std::unique_ptr<VcfReader>> VcfReader::Start(std::unique_ptr<LineSource> source,
                                                    Reference* reference) {
  std::unique_ptr<VcfReader> reader(new VcfReader());
  VcfReader* raw = reader.get();
  auto sink = [raw](const VcfIssue& issue) {
    VcfEffect effect = EffectOf(issue.code);
    if (effect == VcfEffect::kRecordSetAside || effect == VcfEffect::kFileRejected) {
      raw->problem_ = ToFinding(issue, "");
    }
  };
  GF_ASSIGN(reader->scanner_, VcfScanner::Open(std::move(source), sink, reference));
  return reader;
}

const VcfHeader& VcfReader::header() const { return scanner_->header(); }
std::string_view VcfReader::line() const { return scanner_->line(); }
std::uint64_t VcfReader::line_number() const { return scanner_->line_number(); }

Result<VcfReader::Outcome> VcfReader::Next(VcfRecord& record) {
  while (true) {
    if (++read_ % kRecordsBetweenLooks == 0) GF_TRY(ctx_.Alive());
    GF_ASSIGN(bool more, scanner_->Next());
    if (!more) return Outcome::kEnd;
    switch (scanner_->verdict()) {
      case VcfVerdict::kSetAside:
        record.line = scanner_->line_number();
        return Outcome::kRejected;
      case VcfVerdict::kLeaveOut:
        ++left_out_;
        break;
      case VcfVerdict::kUse:
        Fill(scanner_->site(), record);
        return Outcome::kRecord;
    }
  }
}

void VcfReader::Fill(const VcfSite& site, VcfRecord& record) const {
  record.contig = site.contig;
  record.pos = site.pos;
  record.ref = UpperBases(site.ref());
  record.alts.clear();
  for (std::string_view alt : site.alts) {
    bool bases = ClassifyAllele(alt) == AlleleKind::kBases;
    record.alts.push_back(bases ? UpperBases(alt) : std::string(alt));
  }
  record.filter = site.filter();
  record.line = site.line_number;
  const std::size_t samples = header().samples.size();
  record.alleles.resize(2 * samples);
  const char* p = site.samples.data();
  const char* const end = p + site.samples.size();
  for (std::size_t i = 0; i < samples; ++i) {
    TakeGenotype(p, end, site.allele_count(), record.alleles.data() + 2 * i);
    while (p != end && *p != '\t') ++p;
    if (p != end) ++p;
  }
}

}  // namespace genofed::genomics
