// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "genofed/config/v1/config.pb.h"
#include "libs/core/clock.h"
#include "libs/core/embedded_file.h"
#include "libs/core/random.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/dispatcher.h"
#include "libs/sql/database.h"

namespace genofed {

class Process;

namespace auth {
class AccessTokenVerifier;
class TrustSource;
}  // namespace auth

// What a module is given: everything about where it runs, and nothing that tells whether its peers
// are in the same process. Lives as long as the module.
class Platform {
 public:
  Platform(Process& process, std::string service, rpc::Policy policy);
  ~Platform();

  const config::v1::SiteConfig& config() const;
  const std::string& service() const { return service_; }
  // "hub" or "fi".
  const std::string& site() const;
  bool is_hub() const;
  // "FI"; empty at the hub.
  std::string country() const;
  // What comes before a dataset's identifier where datasets are named by URL, as in visas.
  std::string dataset_url_prefix() const;
  // "urn:genofed:site:fi": the audience of tokens meant for this site.
  const std::string& audience() const;

  const Clock& clock() const;
  Random& random();
  obs::Metrics& metrics();
  // What this site believes; ask it anew for every verification.
  const auth::TrustSource& trust() const;
  const auth::AccessTokenVerifier& tokens() const;
  // For the service's gRPC adapters.
  rpc::Dispatcher& dispatcher() { return dispatcher_; }
  // Another one, with threads of its own, for methods that other processes of this service call
  // while they answer a question themselves: so they never wait for one another's threads.
  rpc::Dispatcher& PeerDispatcher();

  // Opens the service's own schema with its own role and applies its migrations.
  Result<std::unique_ptr<sql::Database>> OpenDatabase(const EmbeddedFile* migrations);

  // A service of this site; of the hub (at a node); of a node (at the hub).
  rpc::ChannelSource SiteChannel(std::string_view service);
  rpc::ChannelSource HubChannel(std::string_view service);
  rpc::ChannelSource NodeChannel(std::string_view site, std::string_view service);
  // Other processes of this service at this site, by address; `name` tells them apart in errors and
  // metrics.
  rpc::ChannelSource PeerChannel(std::string_view address, std::string_view name);

  // <data_dir>/<service>, created with mode 0700. Other services of the site read what they are
  // told of.
  Result<std::filesystem::path> DataDir();

 private:
  Process& process_;
  const std::string service_;
  const rpc::Policy policy_;
  rpc::Dispatcher dispatcher_;
  std::unique_ptr<rpc::Dispatcher> peer_dispatcher_;
};

}  // namespace genofed
