// SPDX-License-Identifier: Apache-2.0
//
// A directory into which hospital systems put what they submit, for example by SFTP. Each
// subdirectory is a submission:
//
//   submission.json  {"dataset": {"id": ...}, "mode": "full|add|follow-up", "files": [{"kind":
//   "variants|clinical|
//                    consents|mapping", "name": ...}]}
//   the files        named there
//   READY            put last: everything is here. Or
//   SHA256SUMS       as sha256sum writes it, of submission.json and all files: ready as soon as all
//   agree
//
// Whoever writes there is trusted with what they submit, and nothing else: the holder comes from
// the configuration, names are plain, and what is no regular file of the subdirectory itself is
// refused, whatever it links to.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "services/onboarding/app/intake.h"

namespace genofed::onboarding {

// submission.json.
struct InboxDescription {
  Description dataset;
  Mode mode = Mode::kFull;
  std::vector<FileRef> files;
};
// InvalidArgument SUBMISSION_INVALID naming the field. Unknown fields are refused, and names that
// CheckFileRef refuses or that occur twice.
using InboxParser = std::function<Result<InboxDescription>(std::string_view json)>;
// The text of result.json.
struct InboxResult {
  std::string submission;  // empty if refused
  Status status;           // why it was refused
  Time time{};
};
using InboxFormatter = std::function<std::string(const InboxResult& result)>;

// Not thread-safe. Borrows intake and clock.
class Inbox {
 public:
  struct Options {
    std::filesystem::path directory;
    Holder holder;
    std::int64_t max_file_bytes = std::int64_t{64} << 30;
  };
  Inbox(Options options, Intake& intake, const Clock& clock, InboxParser parse,
        InboxFormatter format);

  // Takes in what is ready, one after another, and moves it to accepted/ or refused/ with a
  // result.json. Data files go then: what was accepted has been copied, what was refused the sender
  // has. What cannot be taken in for reasons of this site stays for the next call. Killed at any
  // point and called again, each is submitted once: its key is the digest of its content. Errors:
  // NotFound INBOX_MISSING; those of single submissions are logged and in their results.
  Status Poll(const Context& ctx);

 private:
  class Drop;

  void TakeIn(const Context& ctx, const std::string& name);
  bool SumsAgree(const Context& ctx, const Drop& drop);
  Result<bool> CompareSums(const Context& ctx, const Drop& drop) const;
  Result<Submission> Submit(const Context& ctx, const Drop& drop);
  Status Conclude(Drop& drop, const InboxResult& result);
  void Sweep(const char* where);

  const Options options_;
  Intake& intake_;
  const Clock& clock_;
  const InboxParser parse_;
  const InboxFormatter format_;
  bool swept_ = false;
  // What was not ready when it was last looked at; files are read again only when the fingerprint
  // has changed.
  struct Unready {
    std::string fingerprint;  // of names, sizes and times
    bool read = false;
  };
  std::map<std::string, Unready> unready_;
};

}  // namespace genofed::onboarding
