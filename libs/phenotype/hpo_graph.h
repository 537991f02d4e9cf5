// SPDX-License-Identifier: Apache-2.0
//
// The Human Phenotype Ontology as a graph: what a term is a kind of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace genofed::clinical {
class Terminology;
}

namespace genofed::phenotype {

// Abnormalities alone: HP:0000118 and what lies below it. Modes of inheritance, onset and the like
// say nothing of how people look. Immutable, for any number of threads.
class HpoGraph {
 public:
  using Node = std::uint32_t;  // 0 is HP:0000118

  explicit HpoGraph(const clinical::Terminology& terminology);
  // Of the product's release; made at the first call.
  static const HpoGraph& Embedded();

  std::size_t size() const { return ids_.size(); }
  // "HP:0001250", also by an alternative or replaced id. None for everything else.
  std::optional<Node> Find(std::string_view term) const;
  std::string Term(Node node) const;
  // The term itself and all it is a kind of, ascending.
  const std::vector<Node>& Ancestors(Node node) const { return ancestors_[node]; }
  // How many terms are a kind of this one, itself included.
  std::uint32_t Descendants(Node node) const { return descendants_[node]; }
  // The organ systems: whatever HP:0000118 is divided into, in order of their ids.
  const std::vector<Node>& Systems() const { return systems_; }

 private:
  const clinical::Terminology& terminology_;
  std::vector<std::uint32_t> ids_;
  std::unordered_map<std::uint32_t, Node> nodes_;
  std::vector<std::vector<Node>> ancestors_;
  std::vector<std::uint32_t> descendants_;
  std::vector<Node> systems_;
};

}  // namespace genofed::phenotype
