// SPDX-License-Identifier: Apache-2.0
//
// A ledger as the command line finds it: a directory of its files, or a site that serves them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libs/ledger/checkpoint.h"
#include "libs/ledger/tiles.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {

struct Log {
  std::string name;  // as the user gave it
  std::unique_ptr<ledger::TileSource> source;
  std::vector<std::string> files;  // all names, of a directory; a URL cannot list them
};

// `where` is a directory or a URL; empty: the site of `target`, under /ledger.
Result<Log> OpenLog(const Target& target, const std::string& where);

// A verifier key: "name+hash+key" itself, or the file that holds it. Errors: VERIFIER_KEY_INVALID,
// and those of ReadFile.
Result<ledger::NoteVerifier> ReadVerifierKey(const std::string& text_or_file);
Result<std::vector<ledger::NoteVerifier>> ReadVerifierKeys(const std::vector<std::string>& all);

// What the log promises: its checkpoint, whose signature is verified when a key is given.
struct Promise {
  std::string note;
  ledger::Checkpoint checkpoint;
};
// Nothing when the log has none. Errors: those of OpenCheckpoint.
Result<std::optional<Promise>> ReadPromise(Log& log,
                                           const std::optional<ledger::NoteVerifier>& key);

}  // namespace genofed::cli
