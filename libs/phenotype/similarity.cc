// SPDX-License-Identifier: Apache-2.0
#include "libs/phenotype/similarity.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace genofed::phenotype {
namespace {

using Node = HpoGraph::Node;

std::int64_t Octave(std::int64_t count, std::int64_t least) {
  std::int64_t octave = std::max<std::int64_t>(least, 1);
  while (octave <= count / 2) octave *= 2;
  return octave;
}

}  // namespace

std::vector<std::int64_t> CountPeople(const HpoGraph& graph, std::span<const Profile> people) {
  std::vector<std::int64_t> counts(graph.size());
  std::vector<std::size_t> last(graph.size());  // who was counted for it last, from 1
  for (std::size_t i = 0; i < people.size(); ++i) {
    for (const Node term : people[i]) {
      for (const Node above : graph.Ancestors(term)) {
        if (std::exchange(last[above], i + 1) != i + 1) ++counts[above];
      }
    }
  }
  return counts;
}

std::vector<double> InformationContent(const HpoGraph& graph, std::span<const std::int64_t> counts,
                                       std::int64_t people, std::int64_t least) {
  const double all = static_cast<double>(std::max(people, Octave(people, least)));
  std::vector<double> content(graph.size());
  for (std::size_t node = 0; node < graph.size(); ++node) {
    const double special = static_cast<double>(graph.Descendants(static_cast<Node>(node))) /
                           static_cast<double>(graph.size());
    const double having =
        counts[node] < least ? 0 : static_cast<double>(Octave(counts[node], least));
    content[node] = -std::log((std::min(having, all) + special) / (all + 1));
  }
  content[0] = 0;  // everybody's
  return content;
}

double Similarity(const HpoGraph& graph, std::span<const double> content, Node a, Node b) {
  const double both = content[a] + content[b];
  if (both <= 0) return 0;
  if (a == b) return 1;
  const auto& x = graph.Ancestors(a);
  const auto& y = graph.Ancestors(b);
  double common = 0;
  for (auto i = x.begin(), j = y.begin(); i != x.end() && j != y.end();) {
    if (*i == *j) {
      common = std::max(common, content[*i]);
      ++i, ++j;
    } else {
      *i < *j ? ++i : ++j;
    }
  }
  return 2 * common / both;
}

Comparison::Comparison(const HpoGraph& graph, std::span<const double> content, Profile profile)
    : graph_(graph),
      content_(content),
      profile_(std::move(profile)),
      known_(profile_.size(), std::vector<double>(graph.size(), -1)) {}

double Comparison::Of(std::size_t term, Node node) {
  double& known = known_[term][node];
  if (known < 0) known = Similarity(graph_, content_, profile_[term], node);
  return known;
}

double Comparison::With(const Profile& other) {
  if (profile_.empty() || other.empty()) return 0;
  best_.assign(profile_.size(), 0);
  double theirs = 0;
  for (const Node node : other) {
    double best = 0;
    for (std::size_t term = 0; term < profile_.size(); ++term) {
      const double alike = Of(term, node);
      best = std::max(best, alike);
      best_[term] = std::max(best_[term], alike);
    }
    theirs += best;
  }
  const double ours = std::accumulate(best_.begin(), best_.end(), 0.0);
  return (ours / static_cast<double>(profile_.size()) +
          theirs / static_cast<double>(other.size())) /
         2;
}

}  // namespace genofed::phenotype
