// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "services/access/app/page.h"
#include "services/access/domain/grant.h"
#include "services/access/domain/revocation.h"

namespace genofed::access {

// Hub: where applications are kept.
class ApplicationStore {
 public:
  virtual ~ApplicationStore() = default;
  // Adds a draft, unless this applicant already used the key: then the earlier application is
  // returned.
  virtual Result<Application> Add(const Context& ctx, const Application& application,
                                  const std::string& key) = 0;
  // Changes one application under a lock and gives it the next sequence number; nothing is stored
  // if `change` fails or changes nothing.
  virtual Result<Application> Change(const Context& ctx, const std::string& id,
                                     const std::function<Status(Application&)>& change) = 0;
  virtual Result<Application> Find(const Context& ctx, const std::string& id) = 0;
  // What the viewer may see.
  virtual Result<Listed<Application>> List(const Context& ctx, const Viewer& viewer,
                                           const Page& page) = 0;
  // Applications transmitted to a country, in order of their sequence numbers.
  virtual Result<std::vector<Application>> ChangedSince(const Context& ctx,
                                                        const std::string& country,
                                                        std::int64_t after, int limit) = 0;
};

// Hub: whether a dataset is listed.
class DatasetDirectory {
 public:
  virtual ~DatasetDirectory() = default;
  // OK, or NotFound.
  virtual Status Listed(const Context& ctx, const std::string& dataset) = 0;
};

// Node: where grants are kept.
class GrantStore {
 public:
  virtual ~GrantStore() = default;
  virtual Result<Grant> Find(const Context& ctx, const std::string& application) = 0;
  virtual Result<Listed<Grant>> List(const Context& ctx, const Page& page) = 0;
  // All that the country approves with a permit that ends later than `now`, whether agreed to or
  // not.
  virtual Result<std::vector<Grant>> Live(const Context& ctx, Time now) = 0;
  // Every dataset that some decision names.
  virtual Result<std::vector<std::string>> Datasets(const Context& ctx) = 0;
  // Changes (or, with an application not seen before, creates) a grant under a lock. If `change`
  // sets a new signed decision, the message that takes it to the hub is stored in the same
  // transaction.
  virtual Result<Grant> Change(const Context& ctx, const std::string& application,
                               const std::function<Status(Grant&)>& change) = 0;
  // The same, and adds to the revocation list in the same transaction.
  virtual Result<Grant> ChangeAndRevoke(const Context& ctx, const std::string& application,
                                        const RevocationRecord& revocation,
                                        const std::function<Status(Grant&)>& change) = 0;
  // How far the hub's applications were read. It may go back.
  virtual Result<std::int64_t> Cursor(const Context& ctx) = 0;
  virtual Status SetCursor(const Context& ctx, std::int64_t sequence) = 0;
};

struct RevocationsInForce {
  std::int64_t sequence = 0;
  bool unchanged = false;  // it is the sequence the caller knows; `entries` is empty
  std::vector<auth::Revocation> entries;
};

// Where the site's revocation list is kept. Every change gives the list the next sequence number.
class RevocationStore {
 public:
  virtual ~RevocationStore() = default;
  // The entry in force for the same thing, or `record` once it is stored. An application takes the
  // visas with it that were minted for it here and may still live.
  virtual Result<RevocationRecord> Add(const Context& ctx, const RevocationRecord& record) = 0;
  // Nothing is stored if `change` fails or changes nothing. NotFound/REVOCATION_UNKNOWN.
  virtual Result<RevocationRecord> Change(
      const Context& ctx, const std::string& id,
      const std::function<Status(RevocationRecord&)>& change) = 0;
  // Newest first, at most 1000.
  virtual Result<std::vector<RevocationRecord>> List(const Context& ctx, bool all) = 0;
  virtual Result<RevocationsInForce> InForce(const Context& ctx, std::int64_t known_sequence) = 0;
};

// Node: what the hub is asked.
class HubApplications {
 public:
  virtual ~HubApplications() = default;
  virtual Result<std::vector<Application>> ChangedSince(const Context& ctx, std::int64_t after,
                                                        int limit) = 0;
};

// The canonical bytes an application is frozen to, and back. Kept apart because it is JSON.
class ApplicationCodec {
 public:
  virtual ~ApplicationCodec() = default;
  virtual std::string Freeze(const Application& application) const = 0;
  // The content, applicant and organisation in frozen bytes; InvalidArgument if they are anything
  // else.
  virtual Result<Application> Thaw(const std::string& frozen) const = 0;
};

}  // namespace genofed::access
