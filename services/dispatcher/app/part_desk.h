// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/dispatcher/app/hub_ports.h"

namespace genofed::dispatcher {

// An output as a node delivers it, with the digest it states (hex).
struct DeliveredFile {
  OutputFile file;
  std::string sha256;
};

// What nodes fetch and deliver at the hub. `site` is the calling node, as its certificate names it;
// parts of other sites do not exist for it.
class PartDesk {
 public:
  static constexpr std::size_t kMaxFileBytes = 15U << 20;  // a message of gRPC holds 16 MiB

  // All borrowed.
  PartDesk(RunStore& store, const Clock& clock) : store_(store), clock_(clock) {}

  Result<std::vector<OpenPart>> Fetch(const Context& ctx, const std::string& site,
                                      const std::vector<std::string>& known);
  // A part becomes COMPLETE by Deliver only: a report of that is taken once it is.
  Status Report(const Context& ctx, const std::string& site, const PartReport& report);
  // Takes outputs whose names the workflow declares, whose digests are right and which are tables
  // as declared; without `more`, the part is complete once all declared outputs are here. Repeating
  // it is harmless.
  Status Deliver(const Context& ctx, const std::string& site, const std::string& part,
                 const std::vector<DeliveredFile>& files, std::int32_t individuals, bool more);

 private:
  Result<Run> FindOwn(const Context& ctx, const std::string& site, const std::string& part);

  RunStore& store_;
  const Clock& clock_;
};

}  // namespace genofed::dispatcher
