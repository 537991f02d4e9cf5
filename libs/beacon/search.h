// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libs/beacon/collection.h"
#include "libs/beacon/request.h"
#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::beacon {

struct Found {
  // One of several conditions on different types. Of variants: those that meet it, or whoever of
  // their carriers does.
  struct Either {
    genomics::Bitmap variants, people, biosamples;
  };
  genomics::Bitmap rows;    // of the type that was asked for, in all datasets
  genomics::Bitmap people;  // who meets the conditions on people and samples, and the parent
  std::optional<genomics::Bitmap> biosamples = {};  // that meet them; none: all
  std::vector<Either> either = {};

  // Whether somebody who carries a variant of `rows` meets all conditions: they alone may be what
  // tells of it.
  bool Counts(std::uint32_t variant, const Carrier& carrier) const;
};

// The records that a request asks for. People outside `permitted` are not there: neither they, nor
// what is theirs.
//
// A filter looks at records of its scope: of the one it names; else of the type that is asked for,
// if the term or field occurs there; else of every type where it does. Filters of one scope hold of
// the same record, and the answer is what belongs to such records: a variant with individual-scoped
// filters is one that somebody carries who meets them all. Errors: those of `ctx` alone, which is
// looked at all the while.
Result<Found> Search(const Context& ctx, const Collection& collection, const Request& request,
                     const genomics::Bitmap& permitted, Look look = Look::kShared);

// Rows of one dataset, in the order of the folder. `dataset` is a row of collection.datasets().
std::vector<std::uint32_t> RowsOf(const Collection& collection, EntryType type, const genomics::Bitmap& rows,
                                  std::uint32_t dataset);

}  // namespace genofed::beacon
