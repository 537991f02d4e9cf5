// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "libs/sql/database.h"
#include "services/access/app/grant_entries.h"

namespace genofed::access {

// Within the transaction that decides: the entries follow once it commits (ledger_outbox), and what
// opens their commitments is kept.
Status PutEntries(sql::Tx& tx, const std::vector<GrantEntry>& entries);

// The same for an application that is revoked at this site, if this country decided on it.
Status PutRevocation(sql::Tx& tx, const std::string& application, Time at, Random& random);

}  // namespace genofed::access
