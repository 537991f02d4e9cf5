// SPDX-License-Identifier: Apache-2.0
//
// What the use cases at the hub need from outside.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "services/dispatcher/domain/run.h"

namespace genofed::dispatcher {

struct OutputFile {
  std::string name;
  std::string content;
};

// An output of a complete part.
struct PartOutput {
  std::string part;
  OutputFile file;
};

// A part as its node fetches it.
struct OpenPart {
  Part part;
  std::string run;
  Owner researcher;
  bool cancel = false;
  std::optional<RunRequest> request;  // none if the node has it already
};

// Durable runs, their parts and outputs.
class RunStore {
 public:
  virtual ~RunStore() = default;
  // Adds a run unless its owner already used the key: then the earlier run is returned.
  virtual Result<Run> Add(const Context& ctx, const Run& run, const std::string& key) = 0;
  virtual Result<std::optional<Run>> FindByKey(const Context& ctx, const Owner& owner,
                                               const std::string& key) = 0;
  virtual Result<Run> Find(const Context& ctx, const std::string& id) = 0;  // NotFound RUN_UNKNOWN
  virtual Result<Run> FindByPart(const Context& ctx,
                                 const std::string& part) = 0;  // NotFound PART_UNKNOWN
  // Newest first, those before `before` (empty: from the newest).
  virtual Result<std::vector<Run>> List(const Context& ctx, const Owner& owner,
                                        const std::string& before, int limit) = 0;
  // Changes wish and parts of one run under a lock; nothing is stored if `change` fails.
  virtual Result<Run> Change(const Context& ctx, const std::string& id,
                             const std::function<Status(Run&)>& change) = 0;

  // Parts of a site that have not ended: all those in `known` without their request, and up to
  // `limit` others, oldest first. Notes that the node was heard of.
  virtual Result<std::vector<OpenPart>> FetchOpen(const Context& ctx, const std::string& site,
                                                  const std::vector<std::string>& known, int limit,
                                                  Time now) = 0;
  // Keeps outputs of a part that has not ended, in place of earlier ones of the same name.
  virtual Status PutOutputs(const Context& ctx, const std::string& part,
                            const std::vector<OutputFile>& files) = 0;
  virtual Result<std::vector<std::string>> OutputNames(const Context& ctx,
                                                       const std::string& part) = 0;
  virtual Result<std::vector<PartOutput>> PartOutputs(const Context& ctx,
                                                      const std::string& run) = 0;

  // Runs that are not finished; with `only_ended`, those whose parts have all ended.
  virtual Result<std::vector<std::string>> Unfinished(const Context& ctx, bool only_ended) = 0;
  // Stores final state, message and merged outputs and drops the outputs of the parts, all at once.
  // A finished run stays as it is.
  virtual Status Finish(const Context& ctx, const Run& run,
                        const std::vector<OutputFile>& outputs) = 0;
  virtual Result<std::string> Output(const Context& ctx, const std::string& run,
                                     const std::string& name) = 0;
};

struct ApplicationView {
  std::string id;
  bool active = false;
  Owner applicant;
  std::vector<DatasetDecision> datasets;
};

// The hub's applications, as the calling user may see them.
class ApplicationDirectory {
 public:
  virtual ~ApplicationDirectory() = default;
  virtual Result<ApplicationView> Find(const Context& ctx, const std::string& application) = 0;
};

}  // namespace genofed::dispatcher
