// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/disclosure/mechanism.h"
#include "services/discovery/app/allele_names.h"
#include "services/discovery/app/budgets.h"
#include "services/discovery/app/consent_view.h"
#include "services/discovery/app/disclosure_audit.h"
#include "services/discovery/app/genotypes.h"
#include "services/discovery/app/node_frequencies.h"
#include "services/discovery/app/record_access.h"
#include "services/discovery/app/view_cache.h"

namespace genofed::discovery {

// Of which people a project is shown the records, in record granularity, and the exact number in
// any. Of individuals, without distributions.
struct RecordsAsked {
  OpenedDatasets opened;
  std::string individual;  // IndividualId; empty: everybody who matches
  // Of each dataset.
  std::int64_t skip = 0;  // pages
  std::int32_t limit = 10;
};

// Answers from the cohorts of this node. Every number goes through libs/disclosure, and is
// charged to the account that asks before it is told; but for those who read a dataset as a project
// that the country approved, which the ledger says first (record_access.h). Thread-safe.
class NodeDiscovery {
 public:
  // `budgets` is null where the policy has no budget. Without `frequencies`, "rarer than" is by the
  // annotations alone; without `names`, alleles have none; without `records`, nothing is opened.
  NodeDiscovery(const ConsentView& view, std::string country,
                const disclosure::Mechanism& mechanism, Budgets* budgets, DisclosureAudit& audit,
                const Clock& clock, const NodeFrequencies* frequencies = nullptr,
                const Genotypes& genotypes = OwnGenotypes::Get(),
                const AlleleNames* names = nullptr, RecordAccess* records = nullptr);

  // One entry for each dataset that was considered, found or not, but for those withheld, because
  // the account's budget is spent (CheckTold where that is all of them). Errors: Unavailable
  // CONSENT_STALE, BUDGET_UNKNOWN; InvalidArgument ASSEMBLY_MISSING when several assemblies would
  // be mixed up, QUERY_UNSUPPORTED, RESPONSE_TOO_LARGE; DataLoss INDEX_CORRUPT; those of
  // `genotypes` and of RecordAccess.
  Result<Answer> Run(const Context& ctx, const Query& query, const RecordsAsked& asked = {}) const;

  // The sexes, and terms by which some dataset would be found. Sorted. Counted once for each view.
  Result<std::vector<FilteringTerm>> Terms(const Context& ctx) const;

 private:
  // An answer about one dataset and what it tells.
  struct Finding {
    DatasetAnswer answer;
    std::vector<Spending> spendings;
    bool suppressed = false;
    std::optional<TableName> table = {};
  };

  Result<Finding> Examine(const Context& ctx, const Holding& holding, const Query& query) const;
  // What a project is shown. `bytes`: of the records in the answer.
  Result<Finding> Show(const Context& ctx, const Holding& holding, const Query& query,
                       std::int64_t epoch, const Project& project, const RecordsAsked& asked,
                       std::size_t& bytes) const;
  Result<genomics::Bitmap> Matching(const Context& ctx, const Cohort& cohort, const Query& query,
                                    const genomics::Bitmap& rows,
                                    std::optional<TableName>& table) const;
  Result<std::vector<IndividualRecord>> Page(const Cohort& cohort, const genomics::Bitmap& rows,
                                             const RecordsAsked& asked, std::size_t& bytes) const;
  // `table` becomes the one before where not all shards have the newest.
  Result<std::uint64_t> CountCarriers(const Context& ctx, const Cohort& cohort,
                                      const VariantPattern& pattern, const genomics::Bitmap& rows,
                                      const cohort::Live* live,
                                      std::shared_ptr<const AppliedFrequencies>& table) const;
  // Of one allele, among everybody or among those whom filters select where budgets allow that.
  bool AsksFrequencies(const Query& query) const;
  // What a question may cost at most, whatever its answer is.
  double Worst(const Query& query) const;
  // Whether a budget allows all cells of the distributions at once.
  bool TellsDistributions(const Query& query) const;
  bool CellsAreAll() const;
  std::size_t CountsTogether(const Query& query) const;
  void AddUpCells(const Query& query, const disclosure::Shown& shown, DatasetAnswer& answer) const;
  void AddDistributions(const Holding& holding, const Query& query, const genomics::Bitmap& rows,
                        Finding& finding) const;
  // Frequencies among `rows`: everybody who permits them, or whom the question's filters select.
  Status AddAlleles(const Context& ctx, const Holding& holding, const Query& query,
                    const genomics::Bitmap& rows, Finding& finding) const;
  Result<std::vector<FilteringTerm>> CountTerms(const Context& ctx, const View& view) const;
  Result<Answer> Tell(const Context& ctx, const Query& query, Answer answer,
                      std::vector<Finding> findings) const;

  const ConsentView& view_;
  const std::string country_;
  const disclosure::Mechanism& mechanism_;
  const Telling telling_;
  const NodeFrequencies* const frequencies_;
  const Genotypes& genotypes_;
  const AlleleNames* const names_;
  RecordAccess* const records_;
  mutable ViewCache<View, std::vector<FilteringTerm>> terms_;
};

// Label of a term where this service knows one: of the sexes, and by the Human Phenotype Ontology.
std::string TermLabel(std::string_view id);

}  // namespace genofed::discovery
