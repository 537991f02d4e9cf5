// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/ontology.h"

#include <algorithm>

#include "libs/clinical/terminology.h"

namespace genofed::beacon {
namespace {

using Edges = std::map<std::string, std::vector<std::string>>;

// The neighbours of `frontier` that are new to `seen`.
std::vector<std::string> Step(const std::vector<std::string>& frontier, std::initializer_list<const Edges*> along,
                              std::set<std::string>& seen) {
  std::vector<std::string> next;
  for (const std::string& term : frontier) {
    for (const Edges* edges : along) {
      const auto found = edges->find(term);
      if (found == edges->end()) continue;
      for (const std::string& other : found->second) {
        if (seen.insert(other).second) next.push_back(other);
      }
    }
  }
  return next;
}

// The Human Phenotype Ontology.
struct Hpo {
  Edges children, parents;

  // Made at the first call.
  static const Hpo& Get() {
    static const Hpo hpo = [] {
      const auto& terminology = clinical::Terminology::Embedded();
      Hpo made;
      for (const std::uint32_t id : terminology.HpoTerms()) {
        for (const std::uint32_t parent : terminology.HpoParents(id)) {
          made.children[clinical::HpoId(parent)].push_back(clinical::HpoId(id));
          made.parents[clinical::HpoId(id)].push_back(clinical::HpoId(parent));
        }
      }
      return made;
    }();
    return hpo;
  }
};

bool IsHpo(std::string_view term) { return term.starts_with("HP:"); }

}  // namespace

Ontology::Ontology(Edges children) : children_(std::move(children)) {
  for (const auto& [parent, terms] : children_) {
    for (const std::string& child : terms) parents_[child].push_back(parent);
  }
}

void Ontology::AddHpo(std::vector<std::string> terms) {
  for (const auto& [parent, children] : children_) {
    terms.push_back(parent);
    terms.insert(terms.end(), children.begin(), children.end());
  }
  std::erase_if(terms, [](const std::string& term) { return !IsHpo(term); });
  std::set<std::string> seen;
  while (!terms.empty()) {
    const std::string term = std::move(terms.back());
    terms.pop_back();
    if (!seen.insert(term).second) continue;
    const auto above = Hpo::Get().parents.find(term);
    if (above == Hpo::Get().parents.end()) continue;
    for (const std::string& parent : above->second) {
      children_[parent].push_back(term);
      parents_[term].push_back(parent);
      terms.push_back(parent);
    }
  }
}

std::set<std::string> Ontology::WithAncestors(const std::vector<std::string>& terms) const {
  std::set<std::string> out(terms.begin(), terms.end());
  for (std::vector<std::string> frontier = terms; !frontier.empty();) frontier = Step(frontier, {&parents_}, out);
  return out;
}

std::set<std::string> Ontology::Expand(const std::string& term, bool descendants, Similarity similarity) const {
  std::set<std::string> out = {term};
  if (descendants) {
    for (std::vector<std::string> frontier = {term}; !frontier.empty();) frontier = Step(frontier, {&children_}, out);
  }
  std::set<std::string> near = {term};
  std::vector<std::string> frontier = {term};
  for (int steps = static_cast<int>(similarity); steps > 0 && !frontier.empty(); --steps)
    frontier =
        Step(frontier, {&children_, &parents_, &Hpo::Get().children, &Hpo::Get().parents}, near);
  out.merge(near);
  return out;
}

}  // namespace genofed::beacon
