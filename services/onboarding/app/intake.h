// SPDX-License-Identifier: Apache-2.0
//
// How this service hands in by itself what a holder would hand in: for the connector and the inbox.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "libs/core/context.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// A file as it was when its digest was taken; other bytes are refused when it is sealed.
struct IntakeFile {
  FileRef ref;
  std::int64_t size = 0;
  std::string sha256;  // hex
  // The bytes from `offset`, at most `most`; fewer at the end only.
  std::function<Result<std::string>(std::int64_t offset, std::size_t most)> read;
};

// A regular file of this service's own, read through once for its digest. It is opened anew for
// each piece.
Result<IntakeFile> OwnFile(const Context& ctx, FileKind kind, const std::filesystem::path& path);

struct IntakeRequest {
  Holder holder;
  Description dataset;
  Mode mode = Mode::kFull;
  std::string idempotency_key;
  std::vector<IntakeFile> files;
};

class Intake {
 public:
  virtual ~Intake() = default;
  // Creates, fills and starts a submission in the holder's name. Again with the same key it goes on
  // where it was, or returns the submission as it has become. Errors: those of Submissions.
  virtual Result<Submission> Submit(const Context& ctx, const IntakeRequest& request) = 0;
  // NotFound SUBMISSION_UNKNOWN.
  virtual Result<Submission> Find(const Context& ctx, const Holder& holder,
                                  const std::string& id) = 0;
};

}  // namespace genofed::onboarding
