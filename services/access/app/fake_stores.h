// SPDX-License-Identifier: Apache-2.0
//
// Stores in memory for the tests of this folder.
#pragma once

#include <algorithm>
#include <map>
#include <set>

#include "services/access/app/grant_entries.h"
#include "services/access/app/passports.h"
#include "services/access/app/visas.h"

namespace genofed::access {

class FakeRevocationStore final : public RevocationStore {
 public:
  Result<RevocationRecord> Add(const Context&, const RevocationRecord& record) override {
    for (const auto& known : records) {
      if (known.what == record.what && known.in_force()) return known;
    }
    ++sequence;
    records.push_back(record);
    return record;
  }
  Result<RevocationRecord> Change(const Context&, const std::string& id,
                                  const std::function<Status(RevocationRecord&)>& change) override {
    for (auto& record : records) {
      if (record.id != id) continue;
      RevocationRecord changed = record;
      GF_TRY(change(changed));
      ++sequence;
      return record = changed;
    }
    return Error(StatusCode::kNotFound, "REVOCATION_UNKNOWN", "no");
  }
  Result<std::vector<RevocationRecord>> List(const Context&, bool) override { return records; }
  Result<RevocationsInForce> InForce(const Context&, std::int64_t known) override {
    RevocationsInForce list{sequence, sequence == known, {}};
    for (const auto& record : records) {
      if (!list.unchanged && record.in_force()) list.entries.push_back(record.what);
    }
    return list;
  }
  void Revoke(auth::RevocationKind kind, std::string value, std::string issuer = "") {
    RevocationRecord record;
    record.id = "rev-" + std::to_string(records.size());
    record.what = {kind, std::move(value), std::move(issuer)};
    records.push_back(record);
    ++sequence;
  }

  std::vector<RevocationRecord> records;
  std::int64_t sequence = 1;
};

class FakeGrantStore final : public GrantStore {
 public:
  explicit FakeGrantStore(FakeRevocationStore& revocations) : revocations_(revocations) {}
  Result<Grant> Find(const Context&, const std::string& id) override {
    auto it = grants.find(id);
    if (it == grants.end()) return Error(StatusCode::kNotFound, "APPLICATION_UNKNOWN", "no");
    return it->second;
  }
  Result<Listed<Grant>> List(const Context&, const Page& page) override {
    Listed<Grant> listed;
    for (auto row = grants.rbegin(); row != grants.rend(); ++row) {
      if (!page.before.empty() && row->first >= page.before) continue;
      if (static_cast<int>(listed.items.size()) == page.size) {
        listed.next = listed.items.back().application.id;
        break;
      }
      listed.items.push_back(row->second);
    }
    return listed;
  }
  Result<std::vector<Grant>> Live(const Context&, Time now) override {
    std::vector<Grant> live;
    for (const auto& [id, grant] : grants) {
      if (grant.decision.outcome == Outcome::kApproved && grant.permit_until > now)
        live.push_back(grant);
    }
    return live;
  }
  Result<std::vector<std::string>> Datasets(const Context&) override {
    std::set<std::string> datasets;
    for (const auto& [id, grant] : grants)
      datasets.insert(grant.decision.datasets.begin(), grant.decision.datasets.end());
    return std::vector<std::string>(datasets.begin(), datasets.end());
  }
  Result<Grant> Change(const Context&, const std::string& id,
                       const std::function<Status(Grant&)>& change) override {
    Grant grant = grants[id];
    const Grant before = grant;
    Status status = change(grant);
    if (!status.ok()) {
      if (grants[id].application.id.empty()) grants.erase(id);
      return status;
    }
    for (auto& made : EntriesOf(before, grant, agreed_at, random)) entries.push_back(made);
    return grants[id] = grant;
  }
  Result<Grant> ChangeAndRevoke(const Context& ctx, const std::string& id,
                                const RevocationRecord& revocation,
                                const std::function<Status(Grant&)>& change) override {
    auto grant = Change(ctx, id, change);
    if (grant.ok()) GF_TRY(revocations_.Add(ctx, revocation));
    return grant;
  }
  Result<std::int64_t> Cursor(const Context&) override { return cursor; }
  Status SetCursor(const Context&, std::int64_t sequence) override {
    return cursor = sequence, absl::OkStatus();
  }

  std::map<std::string, Grant> grants;
  std::vector<GrantEntry> entries;  // of the ledger
  Time agreed_at = FromUnixSeconds(1'767'225'600);
  SystemRandom random;
  std::int64_t cursor = 0;

 private:
  FakeRevocationStore& revocations_;
};

}  // namespace genofed::access
