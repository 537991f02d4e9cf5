// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "libs/core/embedded_file.h"
#include "libs/core/status.h"

namespace grpc {
class Service;
}

namespace genofed {

class Platform;

// One service of a site, put together. The only place of a service that names concrete classes.
class Module {
 public:
  virtual ~Module() = default;
  // gRPC services to register; borrowed until the module dies.
  virtual std::vector<grpc::Service*> Services() { return {}; }
  // Starts background work. Called once, when all services of the process can be called.
  virtual Status Start() { return absl::OkStatus(); }
  // Stops background work and waits for it. Calls of the service have ended by then.
  virtual void Stop() {}
  // Whether the service can do its work now; an error says why not. Shown at /readyz.
  virtual Status Ready() { return absl::OkStatus(); }
};

using ModuleFactory = Result<std::unique_ptr<Module>> (*)(Platform&);

// What a process needs to know to run a service.
struct ServiceEntry {
  const char* name;            // "consent"
  const EmbeddedFile* policy;  // one file: policy.json
  ModuleFactory make;
  bool at_hub;
  bool at_node;
};

}  // namespace genofed
