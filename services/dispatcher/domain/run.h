// SPDX-License-Identifier: Apache-2.0
//
// A run of a workflow over datasets of several countries, and its parts: one for each (node,
// dataset). States are those of WES 1.1; they never go backwards and a final one never changes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::dispatcher {

enum class State {
  kQueued,
  kInitializing,
  kRunning,
  kCanceling,
  kComplete,
  kExecutorError,  // the workflow failed, or what it made may not leave
  kSystemError,    // the node refused or failed
  kCanceled,
};
bool IsFinal(State state);
// "QUEUED", ...: the names of WES.
std::string_view StateName(State state);
Result<State> ParseState(std::string_view name);

// What the researcher asked for, as given.
struct RunRequest {
  std::string application;
  std::vector<std::string> datasets;  // empty: all that are approved
  std::string workflow;               // descriptor, byte for byte
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::string> tags;
  std::string workflow_url;
  std::string workflow_type;
  std::string workflow_type_version;
  bool operator==(const RunRequest&) const = default;
};

struct Part {
  std::string id;
  std::string site;
  std::string dataset;
  State state = State::kQueued;
  std::string reason;   // coded, when it failed
  std::string message;  // for people
  Time changed{};
  std::int64_t ledger_index = -1;
  std::int32_t individuals = 0;
  Time heard{};  // when the node last asked for or spoke of it
};

struct Owner {
  std::string issuer;
  std::string subject;
  bool operator==(const Owner&) const = default;
};

struct Run {
  std::string id;
  Owner owner;
  RunRequest request;
  std::vector<Part> parts;
  std::vector<std::string> outputs;  // names, once complete
  bool cancel = false;               // the owner wishes it to end
  Time created{};
  std::optional<Time> finished;
  State final_state = State::kQueued;  // valid once finished
  std::string message;

  // The state to show: derived from the parts until the run is finished.
  State CurrentState() const;
  bool AllPartsEnded() const;
  Part* FindPart(std::string_view part_id);
};

// Checks sizes and characters of everything but the workflow. Errors name the field.
Status Validate(const RunRequest& request);

// One dataset and the country that decided about it.
struct DatasetDecision {
  std::string dataset;
  std::string country;  // upper case
  bool approved = false;
};

// The parts of a run: one for each dataset asked for, all of which must be approved.
// FailedPrecondition DATASET_NOT_APPROVED names the first that is not, as "datasets[i]"; also if
// there is none at all.
Result<std::vector<Part>> PlanParts(const std::string& run_id,
                                    const std::vector<std::string>& asked,
                                    const std::vector<DatasetDecision>& decisions, Time now);

// What a node says about one of its parts.
struct PartReport {
  std::string part;
  State state = State::kQueued;
  std::string reason;
  std::string message;
  std::int64_t ledger_index = -1;
  std::int32_t individuals = 0;
};

// Takes a report. An earlier state than the present one changes nothing (it was overtaken); the
// same final state again is fine; FailedPrecondition PART_ENDED if the part ended otherwise.
Status TakeReport(Part& part, const PartReport& report, Time now);
// Wishes the run to end: parts no node has begun end at once. No effect on a finished run.
void RequestCancel(Run& run, Time now);
// Ends parts of which nothing was heard since `before`; returns whether there were any.
bool ExpireParts(Run& run, Time before, Time now);

// How a run ends whose parts have all ended. `message` names the parts that are missing and why.
struct Outcome {
  State state = State::kSystemError;
  std::string message;
};
Outcome Conclude(const Run& run);

}  // namespace genofed::dispatcher
