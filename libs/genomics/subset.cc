// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/subset.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "libs/core/strings.h"
#include "libs/genomics/vcf_writer.h"

namespace genofed::genomics {
namespace {

// What stands for an allele that is not to be told.
constexpr std::array<std::string_view, 2> kUnspecified = {"<*>", "<NON_REF>"};

bool IsUnspecified(std::string_view alt) {
  return std::find(kUnspecified.begin(), kUnspecified.end(), alt) != kUnspecified.end();
}

bool IsWord(std::string_view text, std::string_view more) {
  return !text.empty() && text.size() <= 256 && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           more.find(c) != std::string_view::npos;
  });
}

// Which FORMAT fields the output has: genotypes and declared numbers. Text could hold anything.
bool KeepFormat(const VcfDefinition& field) {
  if (field.id == "GT") return false;  // written with its own definition
  bool numeric = field.type == "Integer" || field.type == "Float";
  return numeric && IsWord(field.id, "_.") && IsWord(field.number, ".");
}

std::string HeaderText(const VcfHeader& in, const std::vector<std::string>& names) {
  std::string out = "##fileformat=VCFv4.2\n##FILTER=<ID=PASS,Description=\"All filters passed\">\n";
  std::set<std::string> seen = {"PASS"};
  for (const std::string& filter : in.filters) {
    if (!IsWord(filter, "_.-+") || !seen.insert(filter).second) continue;
    out += fmt::format("##FILTER=<ID={},Description=\"Filter of the source file\">\n", filter);
  }
  for (const VcfContig& contig : in.contigs) {
    if (contig.name.empty()) continue;
    std::string length = contig.length ? fmt::format(",length={}", *contig.length) : "";
    std::string assembly =
        in.assembly ? fmt::format(",assembly={}", AssemblyName(*in.assembly)) : "";
    out += fmt::format("##contig=<ID={}{}{}>\n", contig.raw, length, assembly);
  }
  out +=
      "##INFO=<ID=AC,Number=A,Type=Integer,Description=\"Allele count in the genotypes of this "
      "file\">\n"
      "##INFO=<ID=AF,Number=A,Type=Float,Description=\"Allele frequency in the genotypes of this "
      "file\">\n"
      "##INFO=<ID=AN,Number=1,Type=Integer,Description=\"Called alleles in the genotypes of this "
      "file\">\n"
      "##FORMAT=<ID=GT,Number=1,Type=String,Description=\"Genotype\">\n";
  std::set<std::string> formats;
  for (const VcfDefinition& field : in.formats) {
    if (!KeepFormat(field) || !formats.insert(field.id).second) continue;
    out += fmt::format("##FORMAT=<ID={},Number={},Type={},Description=\"{}\">\n", field.id,
                       field.number, field.type, "Field of the source file");
  }
  out += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  for (const std::string& name : names) {
    if (!name.empty()) out += "\t" + name;
  }
  out += "\n";
  return out;
}

bool Inside(const ScannedRecord& record, const std::optional<Region>& region) {
  if (!region) return true;
  return record.contig == region->contig && record.pos < region->end &&
         record.pos + static_cast<std::int64_t>(record.ref.size()) > region->start;
}

}  // namespace

// Makes the line of a record; keeps what it worked out for FORMAT, which is the same in most.
class SubsetStage::Rewriter {
 public:
  explicit Rewriter(const VcfHeader& header) {
    for (const VcfDefinition& field : header.formats) {
      if (KeepFormat(field)) numeric_formats_.insert(field.id);
    }
    for (const std::string& filter : header.filters) {
      if (IsWord(filter, "_.-+")) filters_.insert(filter);
    }
  }

  void SetColumns(const VcfHeader& header, std::span<const std::int32_t> column_of_row,
                  std::span<const std::string> names, bool drop_unobserved) {
    columns_.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!names[i].empty()) columns_.push_back(static_cast<std::size_t>(column_of_row[i]));
    }
    n_rows_ = names.size();
    n_forgotten_ = column_of_row.size() - n_rows_;
    drop_unobserved_ = drop_unobserved;
    n_columns_ = header.samples.size();
  }

  // Counts the alleles of the rows that are written, and finds those that are not to be told of:
  // nobody carries them, or nobody but forgotten people.
  void CountAlleles(const SiteCall& site) {
    counts_.assign(site.record.alts.size() + 1, 0);
    lost_.assign(counts_.size(), false);
    an_ = site.an - 2 * n_forgotten_;  // who is not among the calls is 0/0
    for (const Call& call : site.calls) {
      const bool forgotten = call.index >= n_rows_;
      if (forgotten) an_ += 2;
      for (const int allele : {call.first, call.second}) {
        if (allele < 0) continue;
        const auto at = static_cast<std::size_t>(allele);
        if (forgotten) {
          lost_[at] = at > 0;
          --an_;
        } else {
          ++counts_[at];
        }
      }
    }
    for (std::size_t i = 1; i < counts_.size(); ++i)
      lost_[i] = (lost_[i] || (drop_unobserved_ && !IsUnspecified(site.record.alts[i - 1]))) &&
                 counts_[i] == 0;
    if (lost() == 0) return;
    unspecified_.clear();
    const auto offer = [&](std::string name) {
      if (std::find(site.record.alts.begin(), site.record.alts.end(), name) ==
          site.record.alts.end())
        unspecified_.push_back(std::move(name));
    };
    for (const std::string_view name : kUnspecified) offer(std::string(name));
    // The index knows those two; for analyses there are as many as it takes.
    for (std::size_t i = 1; drop_unobserved_ && unspecified_.size() < lost(); ++i)
      offer(fmt::format("<UNOBSERVED_{}>", i));
  }
  bool observed() const {
    return std::any_of(counts_.begin() + 1, counts_.end(), [](std::uint64_t n) { return n > 0; });
  }
  std::size_t lost() const {
    return static_cast<std::size_t>(std::count(lost_.begin(), lost_.end(), true));
  }
  // Whether the record, however it was written, would tell of them.
  bool tells() const { return lost() > 0 && (!observed() || lost() > unspecified_.size()); }

  void Rewrite(const ScannedRecord& record, std::string& out) {
    out.clear();
    for (std::size_t i = 0; i < 6; ++i) {
      if (i == 4 && lost() > 0)
        AppendAlleles(record, out);
      else
        out.append(record.columns[i]);
      out.push_back('\t');
    }
    AppendFilter(record.columns[6], out);
    AppendInfo(out);
    if (record.columns[8] != format_) PrepareFormat(record.columns[8]);
    out.append(kept_format_);
    if (all_kept_ && record.samples_are_lanes) {
      AppendLanes(record.samples, out);
    } else {
      AppendSamples(record.samples, out);
    }
  }

 private:
  void AppendAlleles(const ScannedRecord& record, std::string& out) const {
    auto instead = unspecified_.begin();
    for (std::size_t i = 1; i < lost_.size(); ++i) {
      if (i > 1) out.push_back(',');
      out.append(lost_[i] ? std::string_view(*instead++) : std::string_view(record.alts[i - 1]));
    }
  }

  // Filters that the header does not declare are left out; BCF cannot hold them.
  void AppendFilter(std::string_view text, std::string& out) const {
    std::size_t before = out.size();
    if (text == "PASS") out.append(text);
    if (text != "PASS" && text != ".") {
      for (std::string_view name : Split(text, ';')) {
        if (!filters_.contains(name)) continue;
        if (out.size() > before) out.push_back(';');
        out.append(name);
      }
    }
    out.append(out.size() == before ? ".\t" : "\t");
  }

  void AppendInfo(std::string& out) const {
    auto to = std::back_inserter(out);
    if (counts_.size() > 1) {
      for (std::size_t i = 1; i < counts_.size(); ++i)
        fmt::format_to(to, "{}{}", i > 1 ? "," : "AC=", counts_[i]);
      for (std::size_t i = 1; i < counts_.size(); ++i) {
        out += i > 1 ? "," : ";AF=";
        if (an_ == 0) {
          out.push_back('.');
        } else {
          fmt::format_to(to, "{:.6g}", static_cast<double>(counts_[i]) / static_cast<double>(an_));
        }
      }
      out.push_back(';');
    }
    fmt::format_to(to, "AN={}\t", an_);
  }

  void PrepareFormat(std::string_view format) {
    format_ = format;
    kept_format_.clear();
    kept_.clear();
    all_kept_ = true;
    std::set<std::string_view> seen;
    std::size_t index = 0;
    for (std::string_view id : Split(format, ':')) {
      bool keep = (index == 0 || numeric_formats_.contains(id)) && seen.insert(id).second;
      all_kept_ = all_kept_ && keep;
      if (keep) {
        if (index > 0) kept_format_.push_back(':');
        kept_format_.append(id);
        kept_.push_back(index);
      }
      ++index;
    }
  }

  // Columns of three characters: four bytes each are copied, but for the last column of the record,
  // which has no tab.
  void AppendLanes(std::string_view samples, std::string& out) const {
    std::size_t at = out.size();
    out.resize(at + 4 * columns_.size());
    char* to = out.data() + at;
    for (std::size_t column : columns_) {
      *to = '\t';
      if (column == 0) {
        std::memcpy(to + 1, samples.data(), 3);
      } else {
        std::memcpy(to, samples.data() + 4 * column - 1, 4);
      }
      to += 4;
    }
  }

  void AppendSamples(std::string_view samples, std::string& out) {
    tabs_.clear();
    FindTabs(samples, n_columns_, tabs_);
    tabs_.push_back(static_cast<std::uint32_t>(samples.size()));
    for (std::size_t column : columns_) {
      std::size_t begin = column == 0 ? 0 : tabs_[column - 1] + 1;
      out.push_back('\t');
      AppendSample(samples.substr(begin, tabs_[column] - begin), out);
    }
  }

  void AppendSample(std::string_view sample, std::string& out) const {
    if (all_kept_) {
      out.append(sample);
      return;
    }
    std::size_t index = 0;
    std::size_t next = 0;
    for (std::size_t at = 0; at <= sample.size() && next < kept_.size(); ++index) {
      std::size_t end = std::min(sample.size(), sample.find(':', at));
      if (kept_[next] == index) {
        if (next++ > 0) out.push_back(':');
        out.append(sample.substr(at, end - at));
      }
      at = end + 1;
    }
  }

  std::vector<std::size_t> columns_;
  std::size_t n_columns_ = 0;
  std::size_t n_rows_ = 0;         // that have a column, or are nobody's
  std::uint64_t n_forgotten_ = 0;  // rows behind those
  bool drop_unobserved_ = false;
  std::set<std::string, std::less<>> numeric_formats_;
  std::set<std::string, std::less<>> filters_;
  std::vector<std::uint64_t> counts_;          // by allele; that of REF is not complete
  std::vector<bool> lost_;                     // by allele
  std::vector<std::string> unspecified_;  // names for lost alleles that the record does not have
  std::uint64_t an_ = 0;
  std::string format_;  // that kept_format_, kept_ and all_kept_ belong to
  std::string kept_format_;
  std::vector<std::size_t> kept_;
  bool all_kept_ = true;
  std::vector<std::uint32_t> tabs_;
};

SubsetStage::SubsetStage(std::vector<std::string> names, OpenWriter open, SubsetOptions options)
    : names_(std::move(names)), open_(std::move(open)), options_(std::move(options)) {}
SubsetStage::~SubsetStage() = default;

std::unique_ptr<SubsetStage> SubsetStage::ToSink(std::vector<std::string> names, ByteSink sink,
                                                 SubsetOptions options) {
  auto open = [sink = std::move(sink)](const VcfHeader&, const std::string& text) {
    return VcfWriter::ToSink(sink, text);
  };
  return std::unique_ptr<SubsetStage>(
      new SubsetStage(std::move(names), std::move(open), std::move(options)));
}

std::unique_ptr<SubsetStage> SubsetStage::ToFile(std::vector<std::string> names,
                                                 std::filesystem::path output,
                                                 SubsetOptions options) {
  auto open = [output = std::move(output)](
                  const VcfHeader& header,
                  const std::string& text) -> Result<std::unique_ptr<VcfWriter>> {
    if (header.contigs.empty() && output.extension() == ".bcf") {
      return Error(StatusCode::kFailedPrecondition, "CONTIG_NOT_IN_HEADER",
                   "BCF needs contig lines, and the input's header has none");
    }
    return VcfWriter::Create(output, text);
  };
  return std::unique_ptr<SubsetStage>(
      new SubsetStage(std::move(names), std::move(open), std::move(options)));
}

Status SubsetStage::Begin(const VcfHeader& header, std::span<const std::int32_t> column_of_row) {
  std::set<std::string_view> seen;
  const std::size_t n_forgotten = options_.forgotten.size();
  GF_CHECK(names_.size() + n_forgotten == column_of_row.size());
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (names_[i].empty() && column_of_row[i] < 0) continue;
    if (column_of_row[i] < 0) {
      return InvalidField(fmt::format("keep[{}].old_name", i), "SAMPLE_UNKNOWN",
                          "no such sample in the file");
    }
    if (!IsWord(names_[i], "_.-") || !seen.insert(names_[i]).second) {
      return InvalidField(fmt::format("keep[{}]", i), "SAMPLE_INVALID",
                          "a name is not acceptable or comes twice");
    }
  }
  if (writer_ != nullptr) {  // the next of several files
    rewriter_->SetColumns(header, column_of_row, names_, options_.drop_unobserved);
    return absl::OkStatus();
  }
  GF_ASSIGN(writer_, open_(header, HeaderText(header, names_)));
  rewriter_ = std::make_unique<Rewriter>(header);
  rewriter_->SetColumns(header, column_of_row, names_, options_.drop_unobserved);
  return absl::OkStatus();
}

Status SubsetStage::Take(const SiteCall& site) {
  rewriter_->CountAlleles(site);
  // A block without its END would be a record of one base; the index has all of it.
  if (site.record.is_reference_block || !Inside(site.record, options_.region) ||
      (options_.drop_unobserved && !rewriter_->observed()) || rewriter_->tells()) {
    ++outside_;
    return absl::OkStatus();
  }
  rewriter_->Rewrite(site.record, line_);
  ++records_;
  return writer_->Write(line_);
}

Status SubsetStage::Finish() { return writer_->Commit(); }

Result<SubsetReport> SubsetVcf(const VcfInput& input, std::span<const SampleRename> keep,
                               const std::filesystem::path& output, const SubsetOptions& options) {
  std::vector<std::string> rows;
  std::vector<std::string> names;
  for (const SampleRename& sample : keep) {
    rows.push_back(sample.old_name);
    names.push_back(sample.new_name);
  }
  rows.insert(rows.end(), options.forgotten.begin(), options.forgotten.end());
  auto stage = SubsetStage::ToFile(std::move(names), output, options);
  SiteConsumer* stages[] = {stage.get()};
  if (keep.empty())
    return Error(StatusCode::kInvalidArgument, "NO_SAMPLES", "no sample is to be kept");
  GF_ASSIGN(PassReport pass, RunPass(input, rows, {}, stages));
  GF_TRY(stage->Finish());
  return SubsetReport{stage->records(), stage->outside(), std::move(pass.set_aside)};
}

}  // namespace genofed::genomics
