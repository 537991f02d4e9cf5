// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "genofed/config/v1/config.pb.h"
#include "libs/core/random.h"
#include "libs/obs/metrics.h"
#include "services/onboarding/app/connector.h"

namespace genofed::onboarding {

// InvalidArgument CONFIG_INVALID naming the key, of everything under onboarding.fhir_servers and
// onboarding.inbox_*.
Status CheckConnectorConfig(const config::v1::OnboardingConfig& config);
Holder HolderOf(const config::v1::HolderConfig& config);

// The configured connectors, each with a thread of its own that wakes at its interval.
class Connectors {
 public:
  struct Parts {
    ConnectorStore& store;
    Intake& intake;
    Connector::ListedVersion listed;
    Layout layout;
    const Clock& clock;
    Random& random;
    obs::Metrics& metrics;
  };
  // `config` was checked.
  Connectors(const config::v1::OnboardingConfig& config, Parts parts);
  ~Connectors();
  Connectors(const Connectors&) = delete;
  Connectors& operator=(const Connectors&) = delete;

  void Start();
  // Returns when no pull runs any more.
  void Stop();
  // In the order of the configuration, also those that have not run yet; for a holder who is no
  // operator, their own.
  Result<std::vector<ConnectorState>> List(const Context& ctx);

 private:
  struct Running;
  void Run(Running& running, const std::stop_token& stop);
  void Measure(const ConnectorState& state);

  Parts parts_;
  std::vector<std::unique_ptr<Running>> running_;
};

}  // namespace genofed::onboarding
