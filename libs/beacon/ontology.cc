// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/ontology.h"

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

}  // namespace

Ontology::Ontology(Edges children) : children_(std::move(children)) {
  for (const auto& [parent, terms] : children_) {
    for (const std::string& child : terms) parents_[child].push_back(parent);
  }
}

std::set<std::string> Ontology::Expand(const std::string& term, bool descendants, Similarity similarity) const {
  std::set<std::string> out = {term};
  if (descendants) {
    for (std::vector<std::string> frontier = {term}; !frontier.empty();) frontier = Step(frontier, {&children_}, out);
  }
  std::set<std::string> near = {term};
  std::vector<std::string> frontier = {term};
  for (int steps = static_cast<int>(similarity); steps > 0 && !frontier.empty(); --steps)
    frontier = Step(frontier, {&children_, &parents_}, near);
  out.merge(near);
  return out;
}

}  // namespace genofed::beacon
