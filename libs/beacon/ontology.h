// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/beacon/filter.h"

namespace genofed::beacon {

// The hierarchy of a data folder's terms: what came with it, parent -> children, and the Human
// Phenotype Ontology (data/ontologies). Cycles do no harm.
class Ontology {
 public:
  Ontology() = default;
  explicit Ontology(std::map<std::string, std::vector<std::string>> children);

  // Takes in what the Human Phenotype Ontology says that these terms, and those that came with the
  // folder, are kinds of. Others have no descendants here, for no record has them.
  void AddHpo(std::vector<std::string> terms);

  // The terms that a filter for `term` stands for, itself among them. Descendants without bound; similar ones by the
  // number of steps along the hierarchy in either direction: high 1, medium 2, low 3. (Beacon leaves the model to the
  // implementation; each level contains the one before.)
  std::set<std::string> Expand(const std::string& term, bool descendants, Similarity similarity) const;
  // These terms and all that they are a kind of.
  std::set<std::string> WithAncestors(const std::vector<std::string>& terms) const;
  const std::map<std::string, std::vector<std::string>>& children() const { return children_; }

 private:
  std::map<std::string, std::vector<std::string>> children_, parents_;
};

}  // namespace genofed::beacon
