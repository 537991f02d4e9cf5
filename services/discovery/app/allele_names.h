// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/genomics/reference.h"
#include "libs/genomics/variant_names.h"

namespace genofed::discovery {

// HGVS and VRS names of alleles of cohorts. Of insertions and deletions only with the site's
// reference, which names a sequence by what it is, base for base: then VRS identifiers of
// substitutions are its own, too. Thread-safe.
class AlleleNames {
 public:
  using OpenReference = std::function<Result<std::unique_ptr<genomics::Reference>>()>;

  // `open` null: there is no reference, and sequences are those that NCBI publishes.
  explicit AlleleNames(OpenReference open = nullptr);

  // Reads each sequence of the reference once, half a minute for a genome. Until a sequence was
  // read, alleles on it have no names. Errors: those of the reference, and that nobody waits any
  // more.
  Status Prepare(const Context& ctx);

  // Empty names where there are none: also where REF is not what stands in the reference.
  genomics::VariantNames Of(genomics::Assembly assembly, const genomics::Variant& variant) const;

 private:
  static constexpr std::size_t kMaxFree = 16;
  struct Sequence {
    std::string refget;
    bool has_bases = false;  // in the reference
  };

  void Know(genomics::Assembly assembly, const std::string& contig, Sequence sequence)
      ABSL_LOCKS_EXCLUDED(mutex_);
  Result<std::unique_ptr<genomics::Reference>> Take() const ABSL_LOCKS_EXCLUDED(mutex_);
  void GiveBack(std::unique_ptr<genomics::Reference> reference) const ABSL_LOCKS_EXCLUDED(mutex_);

  const OpenReference open_;
  mutable Mutex mutex_;
  std::map<std::pair<genomics::Assembly, std::string>, Sequence> known_ ABSL_GUARDED_BY(mutex_);
  mutable std::vector<std::unique_ptr<genomics::Reference>> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace genofed::discovery
