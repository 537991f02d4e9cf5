// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/reference.h"

#include <htslib/faidx.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <system_error>

#include "libs/genomics/hts_quiet.h"
#include "libs/genomics/variant.h"

namespace genofed::genomics {
namespace {

// Records come sorted, so one block serves many look-ups.
constexpr std::int64_t kBlock = 1 << 20;
constexpr std::int64_t kMargin = 64 << 10;

struct FaidxDeleter {
  void operator()(faidx_t* index) const { fai_destroy(index); }
};

class FaidxReference final : public Reference {
 public:
  FaidxReference(faidx_t* index, BaseCase base_case) : index_(index), base_case_(base_case) {
    for (int i = 0; i < faidx_nseq(index); ++i) {
      std::string raw = faidx_iseq(index, i);
      if (auto name = NormaliseContig(raw); name.ok()) names_.emplace(*name, raw);
    }
  }

  std::int64_t Length(std::string_view contig) const override {
    auto found = names_.find(contig);
    return found == names_.end()
               ? -1
               : static_cast<std::int64_t>(faidx_seq_len(index_.get(), found->second.c_str()));
  }

  Result<std::string_view> View(std::string_view contig, std::int64_t start,
                                std::int64_t length) override {
    if (contig == block_contig_ && length >= 0 && start >= block_start_ &&
        start + length <= block_start_ + static_cast<std::int64_t>(block_.size())) {
      return std::string_view(block_).substr(static_cast<std::size_t>(start - block_start_),
                                             static_cast<std::size_t>(length));
    }
    std::int64_t size = Length(contig);
    if (size < 0)
      return Error(StatusCode::kNotFound, "CONTIG_UNKNOWN", "the reference lacks this contig");
    std::int64_t stop = std::min(size, start + length);
    if (start < 0 || length < 0) return InvalidField("start", "RANGE_INVALID", "negative range");
    if (start >= stop) return std::string_view();
    if (contig != block_contig_ || start < block_start_ ||
        stop > block_start_ + static_cast<std::int64_t>(block_.size())) {
      GF_TRY(Load(contig, start, std::min(size, std::max(stop, start + kBlock))));
    }
    return std::string_view(block_).substr(static_cast<std::size_t>(start - block_start_),
                                           static_cast<std::size_t>(stop - start));
  }

 private:
  // A margin before the wanted place serves left-alignment, which walks towards the start.
  Status Load(std::string_view contig, std::int64_t start, std::int64_t stop) {
    std::int64_t from = std::max<std::int64_t>(0, start - kMargin);
    hts_pos_t got = 0;
    char* bases =
        faidx_fetch_seq64(index_.get(), names_.find(contig)->second.c_str(), from, stop - 1, &got);
    std::unique_ptr<char, decltype(&std::free)> owned(bases, &std::free);
    if (bases == nullptr || got != stop - from) {
      block_contig_.clear();
      return Error(StatusCode::kDataLoss, "REFERENCE_FAILED",
                   "the reference FASTA does not match its index");
    }
    block_.assign(bases, static_cast<std::size_t>(got));
    if (base_case_ == BaseCase::kUpper) block_ = UpperBases(block_);
    block_contig_ = contig;
    block_start_ = from;
    return absl::OkStatus();
  }

  std::unique_ptr<faidx_t, FaidxDeleter> index_;
  BaseCase base_case_;
  std::map<std::string, std::string, std::less<>> names_;  // normalised -> as in the FASTA
  std::string block_contig_;
  std::int64_t block_start_ = 0;
  std::string block_;
};

}  // namespace

Result<std::string> Reference::Fetch(std::string_view contig, std::int64_t start,
                                     std::int64_t length) {
  GF_ASSIGN(std::string_view bases, View(contig, start, length));
  return std::string(bases);
}

Result<std::unique_ptr<Reference>> Reference::Open(const std::filesystem::path& fasta,
                                                   BaseCase base_case) {
  SilenceHtslib();
  // An absolute path of an existing file cannot be taken for a URL by htslib.
  std::error_code error;
  std::string path = std::filesystem::absolute(fasta, error).string();
  if (error || !std::filesystem::is_regular_file(path, error) ||
      path.find("##") != std::string::npos) {
    return Error(StatusCode::kNotFound, "REFERENCE_FAILED", "no reference FASTA {}",
                 fasta.filename().string());
  }
  // Without FAI_CREATE: a missing index is the operator's to make, not a file we drop beside the
  // data.
  faidx_t* index = fai_load3(path.c_str(), nullptr, nullptr, 0);
  if (index == nullptr) {
    return Error(StatusCode::kFailedPrecondition, "REFERENCE_FAILED",
                 "{} has no readable .fai index; run samtools faidx", fasta.filename().string());
  }
  return std::make_unique<FaidxReference>(index, base_case);
}

}  // namespace genofed::genomics
