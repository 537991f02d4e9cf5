// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/beacon/filter.h"

namespace genofed::beacon {

// The hierarchy of terms that came with a data folder: parent -> children. Cycles do no harm.
class Ontology {
 public:
  Ontology() = default;
  explicit Ontology(std::map<std::string, std::vector<std::string>> children);

  // The terms that a filter for `term` stands for, itself among them. Descendants without bound; similar ones by the
  // number of steps along the hierarchy in either direction: high 1, medium 2, low 3. (Beacon leaves the model to the
  // implementation; each level contains the one before.)
  std::set<std::string> Expand(const std::string& term, bool descendants, Similarity similarity) const;
  const std::map<std::string, std::vector<std::string>>& children() const { return children_; }

 private:
  std::map<std::string, std::vector<std::string>> children_, parents_;
};

}  // namespace genofed::beacon
