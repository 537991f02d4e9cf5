// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "genofed/config/v1/config.pb.h"
#include "libs/obs/metrics.h"
#include "services/consent/app/registry.h"

namespace genofed::consent {

// The configured registries, each with a thread that pulls at its interval and when it is told of news.
class Registries {
 public:
  struct Parts {
    Store& store;
    Ledger& ledger;
    const Pseudonyms& pseudonyms;
    Rules rules;
    Random& random;
    obs::Metrics& metrics;
  };
  // Errors: CONFIG_INVALID, those of ParseRegistryMapping, of the files.
  static Result<std::unique_ptr<Registries>> Make(const config::v1::ConsentConfig& config, const Parts& parts);
  ~Registries() { Stop(); }
  Registries(const Registries&) = delete;
  Registries& operator=(const Registries&) = delete;

  std::vector<std::string> Names() const;
  void Start();
  void Stop();
  // Whether each was heard lately enough.
  Status KeepFresh(const Context& ctx);
  // The registry says that it has news: it is asked at once. What it has is taken from its own answer, not from the
  // notification. PermissionDenied REGISTRY_TOKEN_WRONG, also for a name that is not known or takes none.
  Status Notify(const std::string& name, const std::string& token);
  Result<std::vector<RegistryRow>> List(const Context& ctx);

 private:
  struct Running {
    std::unique_ptr<RegistrySource> source;
    std::unique_ptr<Registry> registry;
    std::chrono::milliseconds interval{60'000};
    std::string token_sha256;  // empty: takes no notifications
    std::mutex mutex;
    std::condition_variable_any wake;
    bool news = false;
    std::jthread thread;
  };
  explicit Registries(obs::Metrics& metrics) : metrics_(metrics) {}
  void Run(Running& running, const std::stop_token& stop);

  obs::Metrics& metrics_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace genofed::consent
