// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "services/discovery/app/shard_answers.h"

namespace genofed::discovery {
namespace {

// Of a piece of sites: small enough for a message, wherever there are many or long alleles.
constexpr std::int64_t kMaxPieceBases = 100'000;
constexpr std::size_t kMaxPieceBytes = 2U << 20;
constexpr std::size_t kSiteBytes = 32;  // besides its texts

}  // namespace

ShardAnswers::ShardAnswers(const cohort::Shard& own, const ConsentView& view,
                           const NodeFrequencies& frequencies, std::function<void()> behind)
    : own_(own), view_(view), frequencies_(frequencies), behind_(std::move(behind)) {}

Result<ShardAnswers::Opened> ShardAnswers::Find(const cohort::Shard& asked,
                                                const ShardQuestion& question) const {
  if (asked.number != own_.number || asked.of != own_.of)
    return Error(
        StatusCode::kFailedPrecondition, "SHARD_MISMATCH",
        "this is shard {} of {}, and was asked as shard {} of {}: discovery.shards must be "
        "the same at all processes",
        own_.number + 1, own_.of, asked.number + 1, asked.of);
  const auto behind = [&](std::string_view what) {
    behind_();
    return Error(StatusCode::kFailedPrecondition, "SHARD_BEHIND",
                 "shard {} of {} has not opened the same {} of {} version {}", own_.number + 1,
                 own_.of, what, question.dataset, question.version);
  };
  Opened opened{view_.Find(question.dataset, question.version), nullptr};
  if (opened.cohort == nullptr || opened.cohort->files() != question.files) return behind("files");
  if (opened.cohort->rows() != question.rows.size())
    return InvalidField("rows", "ROWS_MISMATCH", "must be as many as the cohort has");
  if (question.table.empty()) return opened;
  opened.frequencies = frequencies_.Find(*opened.cohort, question.table);
  if (opened.frequencies == nullptr) return behind("table of frequencies");
  return opened;
}

Result<std::uint64_t> ShardAnswers::Count(const Context& ctx, const cohort::Shard& asked,
                                          const ShardQuestion& question) const {
  GF_ASSIGN(const Opened opened, Find(asked, question));
  return OwnGenotypes::Get().CountCarriers(ctx, *opened.cohort, *question.pattern, question.rows,
                                           nullptr, opened.frequencies.get());
}

Result<genomics::Bitmap> ShardAnswers::Carriers(const Context& ctx, const cohort::Shard& asked,
                                                const ShardQuestion& question) const {
  GF_ASSIGN(const Opened opened, Find(asked, question));
  return OwnGenotypes::Get().Carriers(ctx, *opened.cohort, *question.pattern, question.rows,
                                      opened.frequencies.get());
}

Result<std::vector<FoundAllele>> ShardAnswers::Alleles(const Context& ctx,
                                                       const cohort::Shard& asked,
                                                       const ShardQuestion& question) const {
  const VariantPattern::Form form = question.pattern->form;
  if (form != VariantPattern::Form::kExact && form != VariantPattern::Form::kAtStart)
    return InvalidField("query", "FIELD_INVALID", "must be one place");
  GF_ASSIGN(const Opened opened, Find(asked, question));
  return OwnGenotypes::Get().FindAlleles(ctx, *opened.cohort, *question.pattern, question.rows,
                                         nullptr);
}

Result<SitePiece> ShardAnswers::Sites(const Context& ctx, const cohort::Shard& asked,
                                      const ShardQuestion& question, const std::string& contig,
                                      std::int64_t start, std::int64_t end) const {
  if (start < 0 || end <= start || end > genomics::kMaxPosition + cohort::kTileBases)
    return InvalidField("start", "FIELD_INVALID", "must be the start of a range");
  GF_ASSIGN(const Opened opened, Find(asked, question));
  SitePiece piece;
  piece.next = std::min(end, start + kMaxPieceBases);
  std::size_t bytes = 0;
  bool full = false;
  GF_TRY(OwnGenotypes::Get().ForEachSiteOf(
      ctx, *opened.cohort, contig, start, piece.next, question.rows,
      [&](const cohort::SiteCounts& site, std::uint64_t) {
        if (full) return;
        // Alleles of one position stay together, so that the next piece begins behind it.
        if (bytes > kMaxPieceBytes && piece.sites.back().position != site.position) {
          full = true;
          piece.next = site.position;
          return;
        }
        bytes += kSiteBytes + site.ref.size() + site.alt.size();
        piece.sites.push_back({site.position, site.n_het, site.n_hom, site.n_hemi, site.missing,
                               std::string(site.ref), std::string(site.alt)});
      }));
  return piece;
}

}  // namespace genofed::discovery
