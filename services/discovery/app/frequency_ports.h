// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "services/discovery/app/ports.h"
#include "services/discovery/domain/frequency_table.h"

namespace genofed::discovery {

// Texts of tables and pages by their SHA-256 (hex), and names for digests. Durable; thread-safe.
class TableStore {
 public:
  virtual ~TableStore() = default;
  virtual bool Holds(const std::string& sha256) = 0;
  // NotFound TABLE_UNKNOWN; DataLoss TABLE_CORRUPT when the content has another digest.
  virtual Result<std::string> Read(const std::string& sha256) = 0;
  // InvalidArgument TABLE_INVALID unless the content has this digest.
  virtual Status Write(const std::string& sha256, const std::string& content) = 0;
  // What a name stands for; empty when it is not given.
  virtual Result<std::vector<std::string>> Named(const std::string& name) = 0;
  virtual Status Name(const std::string& name, const std::vector<std::string>& digests) = 0;
  // Of all names.
  virtual Result<std::map<std::string, std::vector<std::string>>> Names() = 0;
  // Drops all content but this.
  virtual Status Keep(const std::set<std::string>& digests) = 0;
};

// Who of a dataset version was counted; row i is bit i%8 of byte i/8.
struct Counted {
  std::int32_t version = 0;
  std::string people;

  bool operator==(const Counted&) const = default;
};
using CountedByDataset = std::map<std::string, Counted>;

// A table that this node published.
struct FrequencyPublication {
  std::int64_t id = 0;  // ascending
  std::string assembly;
  std::string digest;
  CountedByDataset counted;
  Time published;
};

class FrequencyPublications {
 public:
  virtual ~FrequencyPublications() = default;
  virtual Result<std::optional<FrequencyPublication>> Last(const Context& ctx,
                                                           const std::string& assembly) = 0;
  virtual Result<std::int64_t> CountSince(const Context& ctx, const std::string& assembly,
                                          Time since) = 0;
  virtual Result<bool> Published(const Context& ctx, const std::string& assembly,
                                 const std::string& digest) = 0;
  // Aborted TABLE_OVERTAKEN when the last one of the assembly is not `after` any more (0: none).
  virtual Status Add(const Context& ctx, const FrequencyPublication& publication,
                     std::int64_t after) = 0;
};

// The hub's FrequencyService, as a node sees it.
class FrequencyHub {
 public:
  struct Tables {
    std::vector<TableName> network;  // without resolution
    std::vector<TableName> own;
  };
  virtual ~FrequencyHub() = default;
  virtual Result<Tables> List(const Context& ctx) = 0;
  // At most kMaxTableText and kMaxPageBytes are read.
  virtual Result<std::string> FetchTable(const Context& ctx, const std::string& digest) = 0;
  virtual Result<std::string> FetchPage(const Context& ctx, const std::string& table,
                                        const std::string& sha256) = 0;
  // Pages that the hub does not have.
  virtual Result<std::vector<std::string>> DeliverTable(const Context& ctx,
                                                        const std::string& content) = 0;
  virtual Status DeliverPage(const Context& ctx, const std::string& content) = 0;
};

// The hub's own knowledge of the network's tables, for its answers.
class NetworkTables {
 public:
  virtual ~NetworkTables() = default;
  // By assembly.
  virtual std::map<std::string, TableName> Current() const = 0;
};

}  // namespace genofed::discovery
