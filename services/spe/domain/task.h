// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"

namespace genofed::spe {

// States of TES 1.1, and kInReview: outputs wait for the data holder. They never go backwards; the
// last four are final.
enum class TaskState {
  kQueued,
  kInitializing,
  kRunning,
  kInReview,
  kComplete,
  kExecutorError,  // the workflow failed, or what it made may not leave
  kSystemError,    // this node failed
  kCanceled,
};
std::string_view StateName(TaskState state);
bool IsFinal(TaskState state);

struct DatasetRef {
  std::string dataset;
  std::int32_t version = 0;
  bool operator==(const DatasetRef&) const = default;
};

// What the dispatcher asked for. Immutable.
struct TaskOrder {
  std::string id;
  std::string run;
  std::string application;
  std::string project;
  std::string workflow;  // descriptor (JSON), byte for byte
  std::map<std::string, std::string> parameters;
  DatasetRef dataset;
  std::int64_t ledger_index = -1;
  std::int64_t epoch = 0;
  std::string approval;                     // token; never logged
  std::string approval_certificate_sha256;  // of whoever presented it; may be empty
  std::string requester_subject;
  bool operator==(const TaskOrder&) const = default;
};

struct Task {
  TaskOrder order;
  TaskState state = TaskState::kQueued;
  std::string reason;  // coded; what the requester learns of a failure
  bool cancel_requested = false;
  int executor_attempt = 0;  // of the newest container; 0: none yet
  std::int32_t individuals = 0;
  std::int32_t exit_code = 0;
  Time created{};
  std::optional<Time> started;
  std::optional<Time> ended;
};

// What a person decided about outputs.
enum class Decision { kNone, kRelease, kRefuse };

struct ReviewedFile {
  std::string name;
  std::int64_t size = 0;
  std::string sha256;
  std::int64_t rows = 0;
  std::int64_t rows_left_out = 0;
};

struct CheckLine {
  std::string check;
  bool passed = false;
  std::string detail;
};

// Outputs of one task in the airlock. The digest binds a decision to exactly these files.
struct Review {
  std::string task;
  std::string run;
  std::string project;
  std::string dataset;
  std::string requester_subject;
  std::string digest;
  std::vector<ReviewedFile> files;
  std::vector<CheckLine> checks;
  Time since{};
  Decision decision = Decision::kNone;
  std::string decided_by;  // subject of the reviewer
  std::string decision_reason;
};

}  // namespace genofed::spe
