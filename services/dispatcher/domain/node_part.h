// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "services/dispatcher/domain/run.h"

namespace genofed::dispatcher {

// How far a part has come at its node. Each stage is durable before the next begins.
enum class Stage {
  kNew,         // fetched; the hub does not know yet that the node begins
  kAccepted,    // the hub knows; nothing was checked yet
  kPrepared,    // everything was checked; the ledger entry is fixed
  kLogged,      // the entry is in the ledger
  kRunning,     // the task was created
  kDelivering,  // the task's outputs were released
  kStopping,    // the task is to end; `end_state` and `reason` say how the part does
  kReporting,   // the part ended; the hub is to know
  kDone,
};

// A part at its node.
struct NodePart {
  std::string id;
  std::string run;
  std::string dataset;
  Owner researcher;  // as the hub says; only a token of this country makes it true
  RunRequest request;
  bool cancel = false;  // the hub's wish
  Time created{};

  Stage stage = Stage::kNew;
  State state = State::kQueued;
  State end_state = State::kSystemError;  // in kStopping
  std::string reason;
  std::string message;
  int tries = 1;  // task and entry are made anew when the cohort changed before the task began
  std::int32_t version = 0;  // of the dataset
  std::int64_t epoch = 0;    // of consent
  std::string entry;         // canonical bytes of the ledger entry
  std::int64_t ledger_index = -1;
  std::int32_t individuals = 0;
  std::string reported;  // what the hub was told last
  Time changed{};

  // Key of the ledger entry and identifier of the task: the part's own, with the number of the try
  // after the first.
  std::string TryId() const;
  // State, reason and message as one text, to see whether there is news for the hub.
  std::string News() const;
  PartReport Report() const;
};

// Whether a part ended because its researcher may not have what it asked for, and not because
// something failed: then the ledger says so. Who withdrew is consent's to log, and an application
// that this country does not know could have any name.
bool IsRefusal(const NodePart& part);

}  // namespace genofed::dispatcher
