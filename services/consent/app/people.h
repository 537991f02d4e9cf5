// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/core/random.h"
#include "services/consent/app/ports.h"

namespace genofed::consent {

// Makes a row for each of these people, who must be new, and gives each of them one of the free
// slots of cohort snapshots, at random: a slot tells nothing about a person, not even when they
// came. Slots never change hands.
Status AddPeople(Transaction& tx, Random& random, const std::vector<std::string>& blinded);

}  // namespace genofed::consent
