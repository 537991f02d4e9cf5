// SPDX-License-Identifier: Apache-2.0
//
// How alike two people are, by what they have in common that is rare.
//
// The information content of a term is -ln p, p the share of people who have the term or a kind of
// it (Resnik 1995, IJCAI, 448-453). Two terms are as similar as the most informative term that both
// are a kind of: 2 IC(common) / (IC(a) + IC(b)), in [0, 1] (Lin 1998, ICML, 296-304). Two people
// are compared by the best match of each term, averaged in both directions (best-match average:
// Pesquita et al. 2009, doi:10.1371/journal.pcbi.1000443; over HPO: Köhler et al. 2009,
// doi:10.1016/j.ajhg.2009.09.003).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libs/phenotype/hpo_graph.h"

namespace genofed::phenotype {

using Profile = std::vector<HpoGraph::Node>;  // what somebody has, each once

// How many people have each term or a kind of it, by node.
std::vector<std::int64_t> CountPeople(const HpoGraph& graph, std::span<const Profile> people);

// Information content of every term among people, by node. Counts are taken in octaves from `least`
// up, least, 2 least, 4 least ..., and fewer are none, so that one person's coming or going hardly
// ever moves a term. How special a term is that nobody has, the ontology says: one person is added
// and divided over all terms, by how many are a kind of each (as Seco et al. 2004, ECAI, 1089-1090,
// do without any people).
std::vector<double> InformationContent(const HpoGraph& graph, std::span<const std::int64_t> counts,
                                       std::int64_t people, std::int64_t least);

// Lin's similarity of two terms. 0 where they have nothing in common.
double Similarity(const HpoGraph& graph, std::span<const double> content, HpoGraph::Node a,
                  HpoGraph::Node b);

// Compares one person with many. Remembers what it computed; for one thread. Borrows its arguments.
class Comparison {
 public:
  Comparison(const HpoGraph& graph, std::span<const double> content, Profile profile);
  // Best-match average; 0 if one of the two has no term.
  double With(const Profile& other);

 private:
  double Of(std::size_t term, HpoGraph::Node node);

  const HpoGraph& graph_;
  const std::span<const double> content_;
  const Profile profile_;
  std::vector<std::vector<double>> known_;  // by term and node; negative: not yet
  std::vector<double> best_;
};

}  // namespace genofed::phenotype
