// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libs/disclosure/mechanism.h"
#include "libs/genomics/individuals.h"

namespace genofed::discovery {

// People whom something is true of, as published.
struct PeopleGroup {
  std::string dimension;
  std::string id;
  std::int64_t individuals = 0;

  bool operator==(const PeopleGroup&) const = default;
};

// What a catalogue may say about a dataset version.
struct Statistics {
  std::int64_t individuals = 0;  // 0: too few to say
  disclosure::Precision precision = disclosure::Precision::kExact;
  std::vector<PeopleGroup> groups;

  bool operator==(const Statistics&) const = default;
};

// One way to look at people, not yet disclosed.
struct Dimension {
  struct Group {
    std::string id;
    std::string canonical;  // the question that it answers
    std::int64_t people = 0;
  };
  std::string name;
  bool divides = false;  // everybody is in exactly one group
  std::vector<Group> groups;
};

// Sex, age and phenotype of those who may be counted, in the order in which they matter. Phenotypes
// are told by organ system (the divisions of HP:0000118), none of which is a part of another: a
// term and a kind of it would give away who has the one without the other.
std::vector<Dimension> DimensionsOf(std::span<const genomics::Individual> people,
                                    const genomics::Bitmap& counted);

}  // namespace genofed::discovery
