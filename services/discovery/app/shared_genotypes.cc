// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/shared_genotypes.h"

#include <latch>
#include <optional>

namespace genofed::discovery {
namespace {

using genomics::Bitmap;
using Form = VariantPattern::Form;

ShardQuestion QuestionOf(const Cohort& cohort, const Bitmap& rows, const VariantPattern* pattern,
                         const AppliedFrequencies* frequencies) {
  return {cohort.dataset(), cohort.version(),
          cohort.files(),   rows,
          pattern,          frequencies != nullptr ? frequencies->name.digest : ""};
}

// What another process says is looked at: a number that cannot be must not go further.
Status Confused() {
  return Error(
      StatusCode::kInternal, "SHARD_CONFUSED",
      "another shard's answer cannot be: it is of others than those who were asked about, or of "
      "another place");
}

bool CanBe(const genomics::AlleleCounts& counts, std::uint64_t people) {
  return counts.n_het <= people && counts.n_hom <= people && counts.n_hemi <= people &&
         counts.n_individuals <= people && counts.an <= 2 * people && counts.ac <= counts.an &&
         counts.ac == counts.n_het + 2 * counts.n_hom + counts.n_hemi;
}

bool IsOf(const VariantPattern& pattern, const genomics::Variant& variant) {
  return variant.pos == pattern.start && variant.alt == pattern.alt &&
         (pattern.form == Form::kAtStart || variant.ref == pattern.ref);
}

}  // namespace

SharedGenotypes::SharedGenotypes(cohort::Shard own,
                                 std::vector<std::unique_ptr<ShardClient>> others,
                                 std::unique_ptr<WorkerPool> workers)
    : own_(own), others_(std::move(others)), workers_(std::move(workers)) {
  GF_CHECK(others_.size() == own_.of && own_.number < own_.of);
}

SharedGenotypes::~SharedGenotypes() = default;

std::vector<std::uint32_t> SharedGenotypes::Owners(const Cohort& cohort,
                                                   const VariantPattern& pattern) const {
  // An allele lies where it begins, however far another one reaches.
  if (pattern.form == Form::kExact || pattern.form == Form::kAtStart)
    return {cohort::ShardOf(
        pattern.contig, static_cast<std::uint32_t>(pattern.start / cohort::kTileBases), own_.of)};
  return cohort.genotypes().ShardsOf(FilterOf(pattern, nullptr), own_.of);
}

Result<std::uint64_t> SharedGenotypes::CountCarriers(const Context& ctx, const Cohort& cohort,
                                                     const VariantPattern& pattern,
                                                     const Bitmap& rows, const cohort::Live* live,
                                                     const AppliedFrequencies* frequencies) const {
  const std::vector<std::uint32_t> owners = Owners(cohort, pattern);
  if (owners.empty()) return 0;
  const ShardQuestion question = QuestionOf(cohort, rows, &pattern, frequencies);
  if (owners.size() > 1) {
    GF_ASSIGN(const Bitmap carriers, FindTogether(ctx, owners, cohort, question, frequencies));
    return carriers.Count();
  }
  if (owners.front() != own_.number) {
    GF_ASSIGN(const std::uint64_t count, others_[owners.front()]->Count(ctx, question));
    if (count > rows.Count()) return Confused();
    return count;
  }
  return OwnGenotypes::Get().CountCarriers(ctx, cohort, pattern, rows, live, frequencies);
}

Result<Bitmap> SharedGenotypes::Carriers(const Context& ctx, const Cohort& cohort,
                                         const VariantPattern& pattern, const Bitmap& rows,
                                         const AppliedFrequencies* frequencies) const {
  return FindTogether(ctx, Owners(cohort, pattern), cohort,
                      QuestionOf(cohort, rows, &pattern, frequencies), frequencies);
}

Result<Bitmap> SharedGenotypes::FindTogether(const Context& ctx,
                                             const std::vector<std::uint32_t>& owners,
                                             const Cohort& cohort, const ShardQuestion& question,
                                             const AppliedFrequencies* frequencies) const {
  std::vector<std::optional<Result<Bitmap>>> found(owners.size());
  // Shared: a worker may still be saying that it is done when this thread goes on.
  const auto missing = std::make_shared<std::latch>(static_cast<std::ptrdiff_t>(owners.size()));
  const auto ask = [&](std::size_t i) {
    found[i] = owners[i] == own_.number
                   ? OwnGenotypes::Get().Carriers(ctx, cohort, *question.pattern, question.rows,
                                                  frequencies)
                   : others_[owners[i]]->Carriers(ctx, question);
    missing->count_down();
  };
  std::vector<std::size_t> here;  // on this thread: its own tiles, and what no worker has room for
  for (std::size_t i = 0; i < owners.size(); ++i) {
    if (owners[i] == own_.number || !workers_->Submit([&ask, i, missing] { ask(i); }))
      here.push_back(i);
  }
  for (const std::size_t i : here) ask(i);
  missing->wait();  // no call outlives the deadline
  Bitmap carriers(question.rows.size());
  for (const auto& part : found) {
    GF_TRY(part->status());
    if ((*part)->size() != question.rows.size() ||
        (*part)->CountAnd(question.rows) != (*part)->Count())
      return Confused();
    carriers.Or(**part);
  }
  return carriers;
}

Result<std::vector<FoundAllele>> SharedGenotypes::FindAlleles(const Context& ctx,
                                                              const Cohort& cohort,
                                                              const VariantPattern& pattern,
                                                              const Bitmap& rows,
                                                              const cohort::Live* live) const {
  const std::uint32_t owner = Owners(cohort, pattern).front();
  if (owner == own_.number)
    return OwnGenotypes::Get().FindAlleles(ctx, cohort, pattern, rows, live);
  GF_ASSIGN(const std::vector<FoundAllele> found,
            others_[owner]->Alleles(ctx, QuestionOf(cohort, rows, &pattern, nullptr)));
  for (const FoundAllele& allele : found) {
    if (!IsOf(pattern, allele.variant) || !CanBe(allele.counts, rows.Count())) return Confused();
  }
  return found;
}

Status SharedGenotypes::ForEachSite(const Context& ctx, const Cohort& cohort,
                                    const std::string& contig, std::uint32_t megabase,
                                    const Bitmap& rows, const TakeSite& take) const {
  const std::uint32_t owner = cohort::ShardOf(contig, megabase, own_.of);
  if (owner == own_.number)
    return OwnGenotypes::Get().ForEachSite(ctx, cohort, contig, megabase, rows, take);
  const ShardQuestion question = QuestionOf(cohort, rows, nullptr, nullptr);
  const std::uint64_t alleles = 2 * rows.Count();
  std::int64_t start = megabase * cohort::kTileBases;
  const std::int64_t end = start + cohort::kTileBases;
  while (start < end) {
    GF_TRY(ctx.Alive());
    GF_ASSIGN(const SitePiece piece, others_[owner]->Sites(ctx, question, contig, start, end));
    if (piece.next <= start || piece.next > end) return Confused();
    std::int64_t last = start;
    for (const SitePiece::Site& site : piece.sites) {
      if (site.position < last || site.position >= piece.next) return Confused();
      last = site.position;
      const auto carriers = std::uint64_t{site.n_het} + site.n_hom + site.n_hemi;
      if (site.missing > alleles || 2 * carriers > alleles) return Confused();
      take({site.position, site.n_het, site.n_hom, site.n_hemi, site.missing, site.ref, site.alt},
           alleles - site.missing);
    }
    start = piece.next;
  }
  return absl::OkStatus();
}

}  // namespace genofed::discovery
