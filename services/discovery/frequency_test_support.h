// SPDX-License-Identifier: Apache-2.0
// Tables of frequencies in memory, and a hub that can be told to lie.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/discovery/app/frequency_desk.h"

namespace genofed::discovery {

inline std::string DigestOf(std::string_view text) { return HexEncode(crypto::Sha256(text)); }

class MemoryTables final : public TableStore {
 public:
  bool Holds(const std::string& sha256) override { return content.contains(sha256); }
  Result<std::string> Read(const std::string& sha256) override {
    const auto found = content.find(sha256);
    if (found == content.end()) return Error(StatusCode::kNotFound, "TABLE_UNKNOWN", "none");
    if (DigestOf(found->second) == sha256) return found->second;
    content.erase(found);
    return Error(StatusCode::kDataLoss, "TABLE_CORRUPT", "damaged");
  }
  Status Write(const std::string& sha256, const std::string& text) override {
    if (DigestOf(text) != sha256) return InvalidField("content", "TABLE_INVALID", "digest");
    content[sha256] = text;
    return absl::OkStatus();
  }
  Result<std::vector<std::string>> Named(const std::string& name) override { return names[name]; }
  Status Name(const std::string& name, const std::vector<std::string>& digests) override {
    names[name] = digests;
    return absl::OkStatus();
  }
  Result<std::map<std::string, std::vector<std::string>>> Names() override { return names; }
  Status Keep(const std::set<std::string>& digests) override {
    std::erase_if(content, [&](const auto& one) { return !digests.contains(one.first); });
    return absl::OkStatus();
  }

  std::map<std::string, std::string> content;
  std::map<std::string, std::vector<std::string>> names;
};

class MemoryPublications final : public FrequencyPublications {
 public:
  Result<std::optional<FrequencyPublication>> Last(const Context&,
                                                   const std::string& assembly) override {
    for (auto it = published.rbegin(); it != published.rend(); ++it) {
      if (it->assembly == assembly) return *it;
    }
    return std::optional<FrequencyPublication>();
  }
  Result<std::int64_t> CountSince(const Context&, const std::string& assembly,
                                  Time since) override {
    return std::count_if(published.begin(), published.end(), [&](const auto& one) {
      return one.assembly == assembly && one.published > since;
    });
  }
  Result<bool> Published(const Context&, const std::string& assembly,
                         const std::string& digest) override {
    return std::any_of(published.begin(), published.end(), [&](const auto& one) {
      return one.assembly == assembly && one.digest == digest;
    });
  }
  Status Add(const Context& ctx, const FrequencyPublication& publication,
             std::int64_t after) override {
    GF_ASSIGN(const auto last, Last(ctx, publication.assembly));
    if (overtaken || (last ? last->id : 0) != after)
      return Error(StatusCode::kAborted, "TABLE_OVERTAKEN", "another replica published a table");
    published.push_back(publication);
    published.back().id = static_cast<std::int64_t>(published.size());
    return absl::OkStatus();
  }

  std::vector<FrequencyPublication> published;
  bool overtaken = false;  // another replica is always a moment earlier
};

// The hub without a wire. What it says of tables and pages goes through `text` and `page`.
class DeskHub final : public FrequencyHub {
 public:
  DeskHub(FrequencyDesk& desk, std::string site) : desk_(desk), site_(std::move(site)) {}

  Result<Tables> List(const Context&) override {
    Tables tables;
    for (const auto& [assembly, name] : desk_.Current()) tables.network.push_back(name);
    GF_ASSIGN(tables.own, desk_.Of(site_));
    if (offered) tables.network = {*offered};
    return tables;
  }
  Result<std::string> FetchTable(const Context&, const std::string& digest) override {
    ++tables_fetched;
    if (text) return *text;
    return desk_.Text(digest);
  }
  Result<std::string> FetchPage(const Context&, const std::string& table,
                                const std::string& sha256) override {
    ++pages_fetched;
    if (page) return *page;
    return desk_.Page(table, sha256);
  }
  Result<std::vector<std::string>> DeliverTable(const Context&,
                                                const std::string& content) override {
    GF_ASSIGN(auto delivered, desk_.Deliver(site_, content));
    return std::move(delivered.missing);
  }
  Status DeliverPage(const Context&, const std::string& content) override {
    return desk_.DeliverPage(site_, content);
  }

  std::optional<TableName> offered;
  std::optional<std::string> text, page;
  int tables_fetched = 0, pages_fetched = 0;

 private:
  FrequencyDesk& desk_;
  const std::string site_;
};

}  // namespace genofed::discovery
