// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "libs/cohort/cohort.h"
#include "libs/cohort/people.h"
#include "libs/core/mutex.h"
#include "libs/genomics/individuals.h"
#include "services/discovery/domain/cross_table.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// An opened dataset version: the segments of its genotypes and what is known of its people, row by
// row. Immutable, for any number of threads.
class Cohort {
 public:
  // `individuals` has one entry for each row of the genotypes, or none at all. `batches`: how many
  // rows were added together, first to last; empty: all at once. `files`: what it was made of.
  Cohort(std::string dataset, std::int32_t version, std::unique_ptr<const cohort::Cohort> genotypes,
         std::span<const genomics::Individual> individuals,
         std::vector<std::uint32_t> batches = {}, std::string files = {});

  const std::string& dataset() const { return dataset_; }
  std::int32_t version() const { return version_; }
  // The same wherever a row and a site mean the same.
  const std::string& files() const { return files_; }
  genomics::Assembly assembly() const { return genotypes_->assembly(); }
  std::uint32_t rows() const { return genotypes_->n_people(); }
  const cohort::Cohort& genotypes() const { return *genotypes_; }
  // What people can be found by: terms that were recorded, and all that these are a kind of.
  std::vector<std::string> TermsToFind() const { return people_.Terms(); }
  // Terms as they were recorded.
  const genomics::TermBitmaps& terms() const { return terms_; }
  // Rows from the first on that are counted when people are let in by at least `least` at a time:
  // whole batches, and of the last ones only if enough have come together.
  std::uint32_t Released(std::int64_t least) const;

  // Those of `among` for whom every filter holds. A term has everybody who has it or a kind of it,
  // as far as the Human Phenotype Ontology says so. Nobody is of a sex, an age or a term where no
  // individuals were published.
  genomics::Bitmap Select(std::span<const FilterGroup> filters,
                          const genomics::Bitmap& among) const;

  // What is known of each of these rows, which ascend; ages are of completed years.
  std::vector<genomics::Individual> Describe(std::span<const std::uint32_t> rows) const;

  // How many of `rows` are in each cell. No individuals: nobody is.
  std::vector<std::int64_t> Distribute(std::span<const CrossCell> cells,
                                       const genomics::Bitmap& rows) const;

  // Buffers for one query.
  class Buffers {
   public:
    explicit Buffers(const Cohort& cohort);
    ~Buffers();
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    cohort::Workspace& operator*() const { return *workspace_; }

   private:
    const Cohort& cohort_;
    std::unique_ptr<cohort::Workspace> workspace_;
  };

 private:
  bool Add(const Filter& filter, cohort::Selection& selection) const;
  genomics::Bitmap HaveNear(const Filter& filter) const;
  genomics::Bitmap Holds(const Filter& filter, const genomics::Bitmap& among) const;

  std::string dataset_;
  std::int32_t version_;
  std::string files_;
  std::vector<std::uint32_t> batches_;
  std::unique_ptr<const cohort::Cohort> genotypes_;
  bool described_;  // individuals were published
  genomics::TermBitmaps terms_;
  cohort::People people_;
  std::vector<genomics::Sex> sexes_;  // by row
  std::vector<std::int16_t> ages_;    // completed years; -1: not known
  mutable Mutex mutex_;
  mutable std::vector<std::unique_ptr<cohort::Workspace>> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
