// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "services/discovery/app/frequency_files.h"

namespace genofed::discovery {

// The hub's side: takes in the tables of nodes, adds them up, and hands out the sum. What it holds
// went through the nodes' disclosure control. Thread-safe; MergeAll is called by one thread.
class FrequencyDesk final : public NetworkTables {
 public:
  // `members`: nodes whose tables count.
  FrequencyDesk(TableStore& store, std::set<std::string> members)
      : store_(store), members_(std::move(members)) {}

  struct Delivered {
    std::vector<std::string> missing;  // pages; none: the table counts from the next MergeAll on
  };
  // InvalidArgument TABLE_INVALID, PermissionDenied SITE_UNKNOWN.
  Result<Delivered> Deliver(const std::string& site, const std::string& text);
  // Of the table that the site delivered last. FailedPrecondition PAGE_UNWANTED; TABLE_INVALID.
  Status DeliverPage(const std::string& site, const std::string& content);

  // Adds up again where the table of some node changed. One assembly that fails does not hold up
  // the other.
  Status MergeAll(const Context& ctx);

  std::map<std::string, TableName> Current() const override;
  // What the hub has of a node.
  Result<std::vector<TableName>> Of(const std::string& site);
  // The text of one of the network's tables, and a page of it. NotFound TABLE_UNKNOWN.
  Result<std::string> Text(const std::string& digest);
  Result<std::string> Page(const std::string& table, const std::string& sha256);

 private:
  Status Merge(const Context& ctx, genomics::Assembly assembly);
  Status Load();
  // `page`: empty for the text itself.
  bool IsOfNetwork(const std::string& digest, const std::string& page) const;

  TableStore& store_;
  const std::set<std::string> members_;
  Mutex writing_;  // of names, and while content is swept
  mutable Mutex mutex_;
  std::map<std::string, std::vector<StoredTable>> network_
      ABSL_GUARDED_BY(mutex_);  // by assembly: newest, and the one before
  bool loaded_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace genofed::discovery
