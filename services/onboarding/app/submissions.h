// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "services/onboarding/app/ports.h"
#include "services/onboarding/app/seal_queue.h"

namespace genofed::onboarding {

// One upload call may carry this much.
inline constexpr std::size_t kMaxChunkBytes = 8U << 20;

// Uploads hold genotypes in clear, so they do not rest for ever.
inline constexpr std::chrono::hours kOpenLifetime{24 * 30};

// What a holder wants to do to a dataset.
struct SubmissionRequest {
  // Of a dataset that was published before, what is empty (but the identifier) is taken from its last version.
  Description dataset;
  std::string idempotency_key;
  Mode mode = Mode::kFull;
  std::int32_t target_version = 0;  // kRollback
  std::string reason = {};          // kRollback, kDecommission
  bool test_data = false;           // kBeacon
};

// A file on this machine that is handed over.
struct LocalFile {
  FileRef file;
  std::filesystem::path path;
};

// What holders do until the pipeline starts, and what they and coordinators see afterwards.
class Submissions {
 public:
  struct Options {
    std::string country;  // "FI"
    std::int64_t max_file_bytes = std::int64_t{64} << 30;
    std::chrono::milliseconds seal_wait = std::chrono::seconds(8);  // of calls with a deadline
  };
  // `started` is told that there is work. All references are borrowed.
  Submissions(SubmissionStore& store, UploadFiles& files, const Clock& clock, Random& random, Options options,
              std::function<void()> started);

  // All methods act for the user of `ctx`, whose role was checked. A submission of somebody else does not exist
  // for a holder: NotFound SUBMISSION_UNKNOWN.
  // Errors: DESCRIPTION_INVALID, KEY_INVALID, KEY_REUSED, REASON_MISSING, VERSION_INVALID, and for all modes but kFull
  // DATASET_UNKNOWN.
  Result<Submission> Create(const Context& ctx, SubmissionRequest request);
  // Bytes held now. Errors: CHUNK_TOO_LARGE, FILE_TOO_LARGE, TOO_MANY_FILES, OFFSET_GAP (names the
  // offset expected), FILE_SEALED, FILE_BEING_SEALED, FILE_NAME_INVALID, NAME_TAKEN (by a file of
  // another kind). Bytes of a sealed file that come again are accepted and ignored.
  Result<std::int64_t> PutChunk(const Context& ctx, const std::string& id, FileRef file, std::int64_t offset,
                                std::string_view data);
  // Reads the file beside the call: Unavailable FILE_BEING_SEALED while that lasts, then ask again;
  // without a deadline it waits. Errors: SIZE_MISMATCH, CHECKSUM_MISMATCH. A Crypt4GH file is
  // decrypted here; one that cannot be (CRYPT4GH_NO_KEY, CRYPT4GH_NOT_A_RECIPIENT,
  // CRYPT4GH_SEGMENT_INVALID ...) is removed and starts again at offset 0, as one does whose
  // checksum differs. Sealing again with the same values changes nothing.
  Status Seal(const Context& ctx, const std::string& id, FileRef file, std::int64_t size, const std::string& sha256);
  // Errors: FILE_NOT_SEALED naming the file, or the kind of which there is none. Starting again returns the submission as it is.
  Result<Submission> Start(const Context& ctx, const std::string& id);
  Result<Submission> Get(const Context& ctx, const std::string& id);
  Result<std::vector<Submission>> List(const Context& ctx);
  // For those who see the submission: what was sent, in the order of kinds and names.
  Result<std::vector<UploadedFile>> Files(const Context& ctx, const std::string& id);
  // All of the above with files of this machine: creates the submission, takes the files in and starts it. May be
  // repeated with the same key, and goes on where it was cut off. Errors: those of its parts; FILE_FAILED.
  Result<Submission> Submit(const Context& ctx, SubmissionRequest request, std::span<const LocalFile> files);
  // Rejects submissions that were left open for longer than kOpenLifetime; the pipeline removes their files.
  Status ExpireOpen(const Context& ctx);
  // For those who see the submission. Errors: SUBMISSION_UNKNOWN, REPORT_MISSING.
  Result<Report> GetReport(const Context& ctx, const std::string& id);
  // With a user, only for the dataset's holder. Genotypes come in the order of their rows.
  Result<std::vector<ObjectRecord>> Objects(const Context& ctx, const std::string& dataset, std::int32_t version);

 private:
  Status TakeIn(const Context& ctx, const std::string& id, const LocalFile& file);
  Status Complete(const Context& ctx, SubmissionRequest& request);
  // A submission that the caller may change.
  Result<Submission> FindOwn(const Context& ctx, const std::string& id);
  Result<UploadedFile> FindToSeal(const Context& ctx, const std::string& id, const FileRef& ref,
                                  std::int64_t size, const std::string& sha256);
  Status Conclude(const Context& ctx, const std::string& id, UploadedFile file,
                  const std::string& sha256, const Result<FileFacts>& facts);
  Mutex& LockOf(const std::string& id);

  SubmissionStore& store_;
  UploadFiles& files_;
  const Clock& clock_;
  Random& random_;
  const Options options_;
  const std::function<void()> started_;
  // Pieces of one submission are written, and its files sealed, one at a time; none while it is
  // read.
  std::array<Mutex, 16> locks_;
  SealQueue queue_;  // last: its work uses the others
};

}  // namespace genofed::onboarding
