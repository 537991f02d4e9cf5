// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "services/discovery/domain/answer.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

// What came from one node: an answer when the state is kAnswered, and with kNotAsked one that says
// no more than why.
struct NodeReply {
  Member member;
  std::optional<Answer> answer;
  // Somebody else's Beacon: its datasets name no country, and may not pass for one of a node's.
  bool foreign = false;
};

// What nodes are asked so that Merge can answer a query: counts, also where only yes or no is told,
// for the floor that holds for all goes by them.
Query AsksNodes(Query query);

// Adds up what nodes said. The hub believes a node about datasets of its own country only: the
// identifier of a dataset names its country, so that no dataset can come from two nodes. A node
// whose answer cannot be true (negative or contradictory numbers, another country's dataset, a
// dataset twice, a count below the node's own floor) is marked kRefused and nothing of it is used.
// Totals are computed here, never taken over. Members are sorted by site, datasets by identifier.
// minimum_count is the highest floor among those that answered, or `own_floor` when none did; it
// holds for all: a dataset with a smaller count counts as not found. A node that says only whether
// something exists is believed that, and adds nothing to the count. A member that answers of nothing
// but what it was not asked becomes kNotAsked; what it says of that is passed on as far as it can be
// shown to people.
Answer Merge(const Query& query, std::vector<NodeReply> replies, std::int32_t own_floor);

// To an answer about rarity: the hub's tables of the assemblies that were used, and which members
// went by another one, or by none.
void NameTables(const Query& query, const std::map<std::string, TableName>& current,
                Answer& answer);

}  // namespace genofed::discovery
