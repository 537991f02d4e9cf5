// SPDX-License-Identifier: Apache-2.0
//
// The private PostgreSQL of one site: small, on a Unix socket only, with one role, password and schema per service.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "services/cli/federation/process.h"

namespace genofed::federation {

class PrivatePostgres {
 public:
  struct Options {
    std::string site;
    std::filesystem::path directory;    // wanted place of the cluster: <directory>/data
    std::filesystem::path secrets_dir;  // exists; passwords go to <secrets_dir>/postgres-<service>
    std::filesystem::path log_file;
    std::vector<std::string> services;  // lower-case letters, digits and '_'
  };

  // Makes directories and passwords. As root the server runs as an unprivileged user; when that user cannot reach
  // `directory`, the cluster lies under /var/lib/genofed instead.
  static Result<PrivatePostgres> Prepare(Options options, Random& random);
  // Makes the clusters that are not there yet, side by side, and writes the configuration of all of them.
  static Status Initialise(const std::vector<PrivatePostgres*>& servers);

  // The server process. It ends cleanly on SIGINT (fast shutdown), also when the starting process dies.
  Command ServerCommand() const;
  // Whether the server takes connections as its superuser.
  bool Ready() const;
  // Creates or updates database `genofed`, and for each service its role genofed_<service> (password from its file)
  // and its schema <service>. Each role may use its own schema and nothing else. Can be repeated.
  Status Provision() const;

  const std::filesystem::path& directory() const { return directory_; }
  const std::filesystem::path& socket_dir() const { return socket_dir_; }
  int port() const { return kPort; }
  std::string database() const { return kDatabase; }

 private:
  static constexpr int kPort = 5432;  // only names the socket file
  static constexpr const char* kDatabase = "genofed";
  PrivatePostgres() = default;
  Status Place();
  Result<Command> BeginInitDb() const;
  Status FinishInitDb() const;
  Status WriteConfiguration() const;
  Status GiveToServer(const std::filesystem::path& path, unsigned mode) const;
  std::string ConnectionString(const std::string& database) const;

  Options options_;
  std::optional<Account> account_;
  std::filesystem::path bin_dir_;
  std::filesystem::path directory_;
  std::filesystem::path socket_dir_;
  std::string superuser_password_;
  std::vector<std::string> passwords_;  // of options_.services, in order
};

}  // namespace genofed::federation
