// SPDX-License-Identifier: Apache-2.0
#include "libs/phenotype/hpo_graph.h"

#include <algorithm>
#include <utility>

#include "libs/clinical/terminology.h"
#include "libs/core/strings.h"

namespace genofed::phenotype {
namespace {

constexpr std::uint32_t kAbnormality = 118;  // HP:0000118
constexpr std::string_view kPrefix = "HP:";

}  // namespace

HpoGraph::HpoGraph(const clinical::Terminology& terminology) : terminology_(terminology) {
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> children;
  for (const std::uint32_t id : terminology.HpoTerms()) {
    for (const std::uint32_t parent : terminology.HpoParents(id)) children[parent].push_back(id);
  }
  // Every term after all it is a kind of.
  std::unordered_map<std::uint32_t, std::size_t> waiting;
  std::vector<std::uint32_t> found = {kAbnormality};
  std::unordered_map<std::uint32_t, bool> seen = {{kAbnormality, true}};
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const std::uint32_t child : children[found[i]]) {
      ++waiting[child];
      if (!std::exchange(seen[child], true)) found.push_back(child);
    }
  }
  std::vector<std::uint32_t> ready = {kAbnormality};
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const auto node = static_cast<Node>(i);
    nodes_[ready[i]] = node;
    std::vector<Node> above = {node};
    for (const std::uint32_t parent : terminology.HpoParents(ready[i])) {
      const auto known = nodes_.find(parent);
      if (known == nodes_.end()) continue;  // beside the abnormalities
      const auto& more = ancestors_[known->second];
      above.insert(above.end(), more.begin(), more.end());
    }
    std::sort(above.begin(), above.end());
    above.erase(std::unique(above.begin(), above.end()), above.end());
    ancestors_.push_back(std::move(above));
    for (const std::uint32_t child : children[ready[i]]) {
      if (--waiting[child] == 0) ready.push_back(child);
    }
  }
  ids_ = std::move(ready);
  descendants_.assign(ids_.size(), 0);
  for (const auto& above : ancestors_) {
    for (const Node node : above) ++descendants_[node];
  }
  std::vector<std::uint32_t> systems = children[kAbnormality];
  std::sort(systems.begin(), systems.end());
  for (const std::uint32_t id : systems) systems_.push_back(nodes_.at(id));
}

const HpoGraph& HpoGraph::Embedded() {
  static const HpoGraph graph(clinical::Terminology::Embedded());
  return graph;
}

std::optional<HpoGraph::Node> HpoGraph::Find(std::string_view term) const {
  if (!term.starts_with(kPrefix) || term.size() != kPrefix.size() + 7) return std::nullopt;
  const auto number = ParseInt(term.substr(kPrefix.size()));
  if (!number.ok() || *number < 0) return std::nullopt;
  const auto known = terminology_.FindHpo(static_cast<std::uint32_t>(*number));
  const auto node = nodes_.find(known.id);
  return node == nodes_.end() ? std::nullopt : std::optional(node->second);
}

std::string HpoGraph::Term(Node node) const { return clinical::HpoId(ids_[node]); }

}  // namespace genofed::phenotype
