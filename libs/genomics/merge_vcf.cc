// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/merge_vcf.h"

#include <htslib/hts.h>
#include <htslib/kseq.h>
#include <htslib/kstring.h>
#include <htslib/tbx.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "libs/core/strings.h"
#include "libs/genomics/hts_quiet.h"
#include "libs/genomics/vcf_writer.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kFixedColumns = 9;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "MERGE_INVALID", "{}", why);
}

// A line of an input and where its first nine columns end.
class Line {
 public:
  // False when there are fewer columns, or POS is no number.
  bool Parse(std::string text) {
    text_ = std::move(text);
    std::size_t at = 0;
    for (std::size_t& end : ends_) {
      end = text_.find('\t', at);
      if (end == std::string::npos) return false;
      at = end + 1;
    }
    auto parsed = ParseInt(column(1));
    pos_ = parsed.value_or(0);
    return parsed.ok();
  }
  std::string_view column(std::size_t i) const {
    const std::size_t begin = i == 0 ? 0 : ends_[i - 1] + 1;
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  std::string_view samples() const { return std::string_view(text_).substr(ends_.back() + 1); }
  std::int64_t pos() const { return pos_; }
  std::string_view ref() const { return column(3); }
  std::string_view alt() const { return column(4); }
  std::string_view format() const { return column(8); }
  // The order within a contig.
  auto key() const { return std::tuple(pos_, ref(), alt()); }

 private:
  std::string text_;
  std::int64_t pos_ = 0;
  std::array<std::size_t, kFixedColumns> ends_ = {};
};

class Input {
 public:
  static Result<std::unique_ptr<Input>> Open(const std::filesystem::path& path) {
    auto input = std::unique_ptr<Input>(new Input());
    input->file_.reset(hts_open(path.c_str(), "r"));
    if (input->file_ == nullptr || tbx_index_build(path.c_str(), 0, &tbx_conf_vcf) != 0)
      return Invalid("an input is not a bgzipped, sorted VCF");
    input->index_.reset(tbx_index_load(path.c_str()));
    if (input->index_ == nullptr) return Invalid("an input cannot be indexed");
    kstring_t line = KS_INITIALIZE;
    while (hts_getline(input->file_.get(), KS_SEP_LINE, &line) >= 0 && line.s[0] == '#')
      input->header_.emplace_back(line.s, line.l);
    ks_free(&line);
    if (input->header_.empty() || !input->header_.back().starts_with("#CHROM\t"))
      return Invalid("an input has no header");
    auto names = Split(input->header_.back(), '\t');
    for (std::size_t i = kFixedColumns; i < names.size(); ++i)
      input->samples_.emplace_back(names[i]);
    return input;
  }
  ~Input() { ks_free(&buffer_); }
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  const std::vector<std::string>& header() const { return header_; }
  const std::vector<std::string>& samples() const { return samples_; }
  // The record to be merged next; nothing at the end of the contig.
  const std::optional<Line>& head() const { return head_; }

  // Goes to the first record of a contig, if there is one.
  Status Start(const std::string& contig) {
    head_.reset();
    next_.reset();
    waiting_.clear();
    const int id = tbx_name2id(index_.get(), contig.c_str());
    iterator_.reset(id < 0 ? nullptr : tbx_itr_queryi(index_.get(), id, 0, HTS_POS_MAX));
    return Advance();
  }
  Status Advance() {
    if (waiting_.empty()) GF_TRY(ReadPosition());
    head_.reset();
    if (waiting_.empty()) return absl::OkStatus();
    head_ = std::move(waiting_.back());
    waiting_.pop_back();
    return absl::OkStatus();
  }

 private:
  Input() = default;

  // All records of the next position, in the order that inputs agree on.
  Status ReadPosition() {
    if (next_) waiting_.push_back(*std::exchange(next_, std::nullopt));
    while (iterator_ != nullptr) {
      const int read = tbx_itr_next(file_.get(), index_.get(), iterator_.get(), &buffer_);
      if (read < -1) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read an input");
      if (read < 0) {
        iterator_.reset();
        break;
      }
      Line line;
      if (!line.Parse(std::string(buffer_.s, buffer_.l)))
        return Invalid("an input has a record without genotypes");
      if (!waiting_.empty() && line.pos() != waiting_.front().pos()) {
        next_ = std::move(line);
        break;
      }
      waiting_.push_back(std::move(line));
    }
    std::stable_sort(waiting_.begin(), waiting_.end(),
                     [](const Line& a, const Line& b) { return b.key() < a.key(); });
    return absl::OkStatus();
  }

  struct Close {
    void operator()(htsFile* file) const { hts_close(file); }
    void operator()(tbx_t* index) const { tbx_destroy(index); }
    void operator()(hts_itr_t* iterator) const { hts_itr_destroy(iterator); }
  };
  std::unique_ptr<htsFile, Close> file_;
  std::unique_ptr<tbx_t, Close> index_;
  std::unique_ptr<hts_itr_t, Close> iterator_;
  kstring_t buffer_ = KS_INITIALIZE;
  std::vector<std::string> header_;
  std::vector<std::string> samples_;
  std::vector<Line> waiting_;  // of one position, the next one last
  std::optional<Line> next_;   // of the position after it
  std::optional<Line> head_;
};

using Inputs = std::vector<std::unique_ptr<Input>>;

struct Output {
  std::string header;
  std::vector<std::string> contigs;
  std::size_t samples = 0;
  std::vector<std::vector<std::size_t>> sample_of_column;  // by input
  AbsentGenotype absent;
};

Output PlanOutput(const Inputs& inputs, const AbsentGenotype& absent) {
  Output out;
  out.absent = absent;
  std::string columns = "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT";
  std::set<std::string_view> seen;
  std::map<std::string_view, std::size_t> numbers;
  constexpr std::string_view kContig = "##contig=<ID=";
  for (const auto& input : inputs) {
    for (const std::string& line : input->header()) {
      if (!line.starts_with("##") || !seen.insert(line).second) continue;
      out.header += line + "\n";
      if (!line.starts_with(kContig)) continue;
      std::string name =
          line.substr(kContig.size(), line.find_first_of(",>", kContig.size()) - kContig.size());
      if (std::ranges::find(out.contigs, name) == out.contigs.end())
        out.contigs.push_back(std::move(name));
    }
    out.sample_of_column.emplace_back();
    for (const std::string& sample : input->samples()) {
      const auto [number, fresh] = numbers.try_emplace(sample, numbers.size());
      out.sample_of_column.back().push_back(number->second);
      if (fresh) columns += "\t" + sample;
    }
  }
  out.samples = numbers.size();
  out.header += columns + "\n";
  return out;
}

// Sums of INFO AC (by allele) and AN, as SubsetVcf writes them.
struct Counts {
  std::vector<std::int64_t> ac;
  std::int64_t an = 0;

  void Add(std::string_view info) {
    for (std::string_view field : Split(info, ';')) {
      if (field.starts_with("AN=")) an += ParseInt(field.substr(3)).value_or(0);
      if (!field.starts_with("AC=")) continue;
      auto values = Split(field.substr(3), ',');
      ac.resize(std::max(ac.size(), values.size()));
      for (std::size_t i = 0; i < values.size(); ++i) ac[i] += ParseInt(values[i]).value_or(0);
    }
  }
  std::string Text() const {
    std::string counts, frequencies;
    for (std::size_t i = 0; i < ac.size(); ++i) {
      const char* comma = i == 0 ? "" : ",";
      counts += fmt::format("{}{}", comma, ac[i]);
      frequencies += an == 0 ? fmt::format("{}.", comma)
                             : fmt::format("{}{:.6g}", comma,
                                           static_cast<double>(ac[i]) / static_cast<double>(an));
    }
    return ac.empty() ? fmt::format("AN={}", an)
                      : fmt::format("AC={};AF={};AN={}", counts, frequencies, an);
  }
};

// The records of one site become a line.
class LineMerger {
 public:
  explicit LineMerger(const Output& out) : out_(out), genotypes_(out.samples) {}

  // `lines[i]` is null where input i has no record of the site. Valid until the next call.
  std::string& Merge(const std::vector<const Line*>& lines) {
    const Line& first =
        **std::ranges::find_if(lines, [](const Line* line) { return line != nullptr; });
    std::string_view id = ".", filter = first.column(6);
    bool same_format = true;
    Counts counts;
    for (const Line* line : lines) {
      if (line == nullptr) continue;
      if (id == ".") id = line->column(2);
      if (filter == "PASS" || filter == ".") filter = line->column(6);
      same_format = same_format && line->format() == first.format();
      counts.Add(line->column(7));
    }
    TakeGenotypes(lines, same_format);
    FillIn(first, counts);
    line_ = fmt::format("{}\t{}\t{}\t{}\t{}\t.\t{}\t{}\t{}", first.column(0), first.pos(), id,
                        first.ref(), first.alt(), filter, counts.Text(),
                        same_format ? first.format() : "GT");
    for (std::string_view genotype : genotypes_) line_.append("\t").append(genotype);
    return line_;
  }

 private:
  void TakeGenotypes(const std::vector<const Line*>& lines, bool same_format) {
    std::ranges::fill(genotypes_, std::string_view());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i] == nullptr) continue;
      std::string_view rest = lines[i]->samples();
      for (const std::size_t sample : out_.sample_of_column[i]) {
        const std::string_view cell = rest.substr(0, rest.find('\t'));
        rest.remove_prefix(std::min(rest.size(), cell.size() + 1));
        genotypes_[sample] = same_format ? cell : cell.substr(0, cell.find(':'));
      }
    }
  }

  void FillIn(const Line& first, Counts& counts) {
    for (std::size_t sample = 0; sample < genotypes_.size(); ++sample) {
      if (!genotypes_[sample].empty()) continue;
      genotypes_[sample] =
          out_.absent ? out_.absent(sample, first.column(0), first.pos() - 1) : "./.";
      counts.an += std::ranges::count(genotypes_[sample], '0');
    }
  }

  const Output& out_;
  std::vector<std::string_view> genotypes_;  // by sample
  std::string line_;
};

// No sample has records of this contig in two inputs.
Status CheckSamples(const Inputs& inputs, const Output& out) {
  std::vector<bool> taken(out.samples);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i]->head()) continue;
    for (const std::size_t sample : out.sample_of_column[i]) {
      if (taken[sample]) return Invalid("a sample has records of a contig in two inputs");
      taken[sample] = true;
    }
  }
  return absl::OkStatus();
}

Status MergeContig(Inputs& inputs, const std::string& contig, const Output& out,
                   VcfWriter& writer) {
  for (auto& input : inputs) GF_TRY(input->Start(contig));
  GF_TRY(CheckSamples(inputs, out));
  LineMerger merger(out);
  std::vector<const Line*> lines(inputs.size());
  while (true) {
    const Line* least = nullptr;
    for (const auto& input : inputs) {
      if (input->head() && (least == nullptr || input->head()->key() < least->key()))
        least = &*input->head();
    }
    if (least == nullptr) return absl::OkStatus();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const bool here = inputs[i]->head() && inputs[i]->head()->key() == least->key();
      lines[i] = here ? &*inputs[i]->head() : nullptr;
    }
    GF_TRY(writer.Write(merger.Merge(lines)));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (lines[i] != nullptr) GF_TRY(inputs[i]->Advance());
    }
  }
}

}  // namespace

Status MergeVcf(std::span<const std::filesystem::path> paths, const std::filesystem::path& output,
                const AbsentGenotype& absent) {
  SilenceHtslib();
  if (paths.empty()) return Invalid("there is no input");
  Inputs inputs;
  for (const auto& path : paths) {
    GF_ASSIGN(auto input, Input::Open(path));
    inputs.push_back(std::move(input));
  }
  const Output out = PlanOutput(inputs, absent);
  GF_ASSIGN(auto writer, VcfWriter::Create(output, out.header));
  for (const std::string& contig : out.contigs) GF_TRY(MergeContig(inputs, contig, out, *writer));
  return writer->Commit();
}

}  // namespace genofed::genomics
