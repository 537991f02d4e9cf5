// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/submissions.h"

#include <algorithm>
#include <fstream>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kMaxKeyBytes = 200;
constexpr std::size_t kMaxReasonBytes = 1000;

bool IsHexDigest(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxKeyBytes &&
         std::all_of(key.begin(), key.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Status Unknown() { return Error(StatusCode::kNotFound, "SUBMISSION_UNKNOWN", "there is no such submission"); }

Status NotOpen() {
  return Error(StatusCode::kFailedPrecondition, "SUBMISSION_NOT_OPEN", "the submission takes no more files");
}

Status NameTaken() {
  return InvalidField("name", "NAME_TAKEN", "a file of another kind has the name");
}

Status CheckMode(const SubmissionRequest& request) {
  const bool has_reason = request.reason.size() <= kMaxReasonBytes && IsUtf8(request.reason) &&
                          !Trim(request.reason).empty();
  if (!MakesVersion(request.mode) && !has_reason) {
    return InvalidField("reason", "REASON_MISSING", "must say why, in at most {} bytes", kMaxReasonBytes);
  }
  if ((request.mode == Mode::kRollback) != (request.target_version > 0)) {
    return InvalidField("target_version", "VERSION_INVALID", "names the version that a rollback returns to");
  }
  return absl::OkStatus();
}

std::string KeyOf(const std::string& id, const FileRef& file) { return id + "/" + file.name; }

// Coordinators and operators see every submission.
bool SeesAll(const User& user) { return user.HasRole("ncp") || user.HasRole("operator"); }

}  // namespace

Submissions::Submissions(SubmissionStore& store, UploadFiles& files, const Clock& clock,
                         Random& random, Options options, std::function<void()> started)
    : store_(store),
      files_(files),
      clock_(clock),
      random_(random),
      options_(std::move(options)),
      started_(std::move(started)),
      queue_(options_.seal_wait) {}

Mutex& Submissions::LockOf(const std::string& id) {
  return locks_[std::hash<std::string>()(id) % locks_.size()];
}

Result<Submission> Submissions::FindOwn(const Context& ctx, const std::string& id) {
  const auto& user = ctx.principal().user;
  GF_ASSIGN(Submission submission, store_.Find(ctx, id));
  if (!user || !submission.holder.Is(*user)) return Unknown();
  return submission;
}

// What the holder left out is as it was in the last version.
Status Submissions::Complete(const Context& ctx, SubmissionRequest& request) {
  Description& dataset = request.dataset;
  auto known = store_.LastDescription(ctx, dataset.id);
  if (!known.ok()) return (request.mode == Mode::kFull || request.mode == Mode::kBeacon) && Reason(known.status()) == "DATASET_UNKNOWN" ? absl::OkStatus() : known.status();
  auto take = [](auto& field, const auto& last) {
    if (field.empty()) field = last;
  };
  take(dataset.title, known->title);
  take(dataset.description, known->description);
  take(dataset.publisher, known->publisher);
  take(dataset.contact_email, known->contact_email);
  take(dataset.keywords, known->keywords);
  take(dataset.data_use, known->data_use);
  take(dataset.assembly, known->assembly);
  take(dataset.evidence, known->evidence);
  return absl::OkStatus();
}

Result<Submission> Submissions::Create(const Context& ctx, SubmissionRequest request) {
  const auto& user = ctx.principal().user;
  const std::string& idempotency_key = request.idempotency_key;
  if (!user) return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING", "a holder creates submissions");
  GF_TRY(Complete(ctx, request));
  GF_TRY(Validate(request.dataset, options_.country));
  GF_TRY(CheckMode(request));
  if (!IsKey(idempotency_key)) {
    return InvalidField("idempotency_key", "KEY_INVALID", "must be 1 to {} printable ASCII characters without blanks",
                        kMaxKeyBytes);
  }
  Submission submission;
  submission.id = NewId("sub", clock_, random_);
  submission.holder = {user->issuer, user->subject, user->organisation};
  submission.dataset = std::move(request.dataset);
  submission.mode = request.mode;
  submission.target_version = request.target_version;
  submission.reason = std::move(request.reason);
  submission.test_data = request.test_data && request.mode == Mode::kBeacon;
  submission.created = clock_.Now();
  GF_ASSIGN(Submission stored, store_.Create(ctx, submission, idempotency_key));
  if (stored.dataset.id != submission.dataset.id || stored.mode != submission.mode ||
      stored.target_version != submission.target_version || stored.test_data != submission.test_data ||
      (stored.state == State::kOpen && stored.dataset != submission.dataset)) {
    return Error(StatusCode::kAlreadyExists, "KEY_REUSED", "the idempotency key was used for another submission");
  }
  return stored;
}

Result<std::int64_t> Submissions::PutChunk(const Context& ctx, const std::string& id, FileRef ref,
                                           std::int64_t offset, std::string_view data) {
  GF_ASSIGN(ref, CheckFileRef(std::move(ref)));
  if (data.size() > kMaxChunkBytes) {
    return InvalidField("data", "CHUNK_TOO_LARGE", "at most {} bytes at once", kMaxChunkBytes);
  }
  auto length = static_cast<std::int64_t>(data.size());
  if (offset < 0) return InvalidField("offset", "OFFSET_INVALID", "must not be negative");
  if (offset > options_.max_file_bytes - length) {
    return InvalidField("offset", "FILE_TOO_LARGE", "a file has at most {} bytes", options_.max_file_bytes);
  }
  GF_ASSIGN(Submission submission, FindOwn(ctx, id));
  MutexLock lock(LockOf(id));
  GF_ASSIGN(UploadedFile file, store_.FindFile(ctx, id, ref));
  if (file.kind != ref.kind) return NameTaken();
  if (file.sealed) {
    if (offset + length <= file.size) return file.size;
    return Error(StatusCode::kFailedPrecondition, "FILE_SEALED", "the file was sealed with {} bytes", file.size);
  }
  if (submission.state != State::kOpen) return NotOpen();
  if (!queue_.Forget(KeyOf(id, ref))) return BeingSealed();
  if (offset > file.size) {
    return WithField(Error(StatusCode::kFailedPrecondition, "OFFSET_GAP",
                           "the next piece starts at offset {}", file.size),
                     "offset", fmt::format("expected {}", file.size));
  }
  GF_TRY(files_.Write(id, ref.name, offset, data));
  std::int64_t size = std::max(file.size, offset + length);
  if (size > file.size) GF_TRY(store_.GrowFile(ctx, id, ref, size));
  return size;
}

// As it is, when it may be sealed, or was with the same values.
Result<UploadedFile> Submissions::FindToSeal(const Context& ctx, const std::string& id,
                                             const FileRef& ref, std::int64_t size,
                                             const std::string& sha256) {
  GF_ASSIGN(const Submission submission, FindOwn(ctx, id));
  GF_ASSIGN(UploadedFile file, store_.FindFile(ctx, id, ref));
  if (file.kind != ref.kind) return NameTaken();
  if (file.sealed && file.size == size && file.sha256 == sha256) return file;
  if (file.sealed) {
    return Error(StatusCode::kFailedPrecondition, "FILE_SEALED", "the file was sealed with other values");
  }
  if (submission.state != State::kOpen) return NotOpen();
  if (file.size != size || size == 0) {
    return WithField(Error(StatusCode::kFailedPrecondition, "SIZE_MISMATCH", "{} bytes were received", file.size),
                     "size", fmt::format("expected {}", file.size));
  }
  return file;
}

Status Submissions::Seal(const Context& ctx, const std::string& id, FileRef ref, std::int64_t size,
                         const std::string& sha256) {
  GF_ASSIGN(ref, CheckFileRef(std::move(ref)));
  if (!IsHexDigest(sha256))
    return InvalidField("sha256", "SHA256_INVALID", "must be 64 lower-case hex digits");
  {
    MutexLock lock(LockOf(id));
    GF_ASSIGN(const UploadedFile file, FindToSeal(ctx, id, ref, size, sha256));
    if (file.sealed) return absl::OkStatus();
    queue_.Begin(KeyOf(id, ref),
                 [this, id, name = ref.name, size](const Context& reading) -> Result<FileFacts> {
                   FileFacts facts;
                   GF_ASSIGN(facts.sha256, files_.Finish(reading, id, name, size));
                   facts.crypt4gh = files_.CheckEncrypted(reading, id, name);
                   return facts;
                 });
  }
  GF_TRY(queue_.Wait(ctx, KeyOf(id, ref)));
  MutexLock lock(LockOf(id));
  GF_ASSIGN(UploadedFile file, FindToSeal(ctx, id, ref, size, sha256));
  if (file.sealed) return absl::OkStatus();  // whoever asked beside this call was told first
  const auto facts = queue_.Take(KeyOf(id, ref));
  if (!facts) return BeingSealed();  // it changed meanwhile
  return Conclude(ctx, id, std::move(file), sha256, *facts);
}

Status Submissions::Conclude(const Context& ctx, const std::string& id, UploadedFile file,
                             const std::string& sha256, const Result<FileFacts>& facts) {
  GF_TRY(facts);
  Status status = facts->crypt4gh.status();
  if (facts->sha256 != sha256) {
    status = WithField(
        Error(StatusCode::kFailedPrecondition, "CHECKSUM_MISMATCH",
              "the bytes received have another SHA-256; send the file again from offset 0"),
        "sha256", "differs from the bytes received");
  }
  if (Reason(status) == "CHECKSUM_MISMATCH" || Reason(status).starts_with("CRYPT4GH_")) {
    // What is of no use is removed: sent again, it begins anew, and may be shorter.
    GF_TRY(files_.Remove(id, file.name));
    GF_TRY(store_.DropFile(ctx, id, file.name));
  }
  GF_TRY(status);
  file.sealed = true;
  file.sha256 = sha256;
  file.crypt4gh = *facts->crypt4gh;
  return store_.SealFile(ctx, id, file);
}

Result<Submission> Submissions::Start(const Context& ctx, const std::string& id) {
  GF_ASSIGN(Submission submission, FindOwn(ctx, id));
  if (submission.state != State::kOpen) return submission;
  Status missing = Error(StatusCode::kFailedPrecondition, "FILE_NOT_SEALED", "files are missing or not sealed");
  GF_ASSIGN(const auto files, store_.Files(ctx, id));
  for (FileKind kind : kFileKinds) {
    const bool any = std::any_of(files.begin(), files.end(), [&](const auto& file) { return file.kind == kind; });
    if (NeedsFile(submission.mode, kind) && !any) {
      missing = WithField(std::move(missing), KindName(kind), "must be sent and sealed");
    }
  }
  for (const UploadedFile& file : files) {
    if (!file.sealed) missing = WithField(std::move(missing), file.name, "must be sealed");
  }
  if (!Fields(missing).empty()) return missing;
  submission.state = State::kQueued;
  submission.started = clock_.Now();
  GF_TRY(store_.Start(ctx, submission));
  started_();
  return store_.Find(ctx, id);
}

Result<std::vector<UploadedFile>> Submissions::Files(const Context& ctx, const std::string& id) {
  GF_TRY(Get(ctx, id));
  return store_.Files(ctx, id);
}

Status Submissions::TakeIn(const Context& ctx, const std::string& id, const LocalFile& file) {
  const Status failed = Error(StatusCode::kInternal, "FILE_FAILED", "cannot read a file that is handed over");
  std::ifstream in(file.path, std::ios::binary);
  if (!in) return failed;
  crypto::Sha256Stream hash;
  std::string chunk(kMaxChunkBytes, '\0');
  std::int64_t offset = 0;
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())), in.gcount() > 0) {
    GF_TRY(ctx.Alive());
    const std::string_view piece(chunk.data(), static_cast<std::size_t>(in.gcount()));
    hash.Update(piece);
    GF_TRY(PutChunk(ctx, id, file.file, offset, piece));
    offset += in.gcount();
  }
  if (in.bad()) return failed;
  return Seal(ctx, id, file.file, offset, HexEncode(hash.Finish()));
}

Result<Submission> Submissions::Submit(const Context& ctx, SubmissionRequest request, std::span<const LocalFile> files) {
  GF_ASSIGN(Submission submission, Create(ctx, std::move(request)));
  if (submission.state != State::kOpen) return submission;
  for (const LocalFile& file : files) GF_TRY(TakeIn(ctx, submission.id, file));
  return Start(ctx, submission.id);
}

Result<Submission> Submissions::Get(const Context& ctx, const std::string& id) {
  const auto& user = ctx.principal().user;
  if (user && SeesAll(*user)) return store_.Find(ctx, id);
  return FindOwn(ctx, id);
}

Result<Report> Submissions::GetReport(const Context& ctx, const std::string& id) {
  GF_TRY(Get(ctx, id));
  return store_.FindReport(ctx, id);
}

Result<std::vector<Submission>> Submissions::List(const Context& ctx) {
  const auto& user = ctx.principal().user;
  if (!user) return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING", "only people list submissions");
  return store_.List(ctx, SeesAll(*user) ? std::nullopt : user);
}

Status Submissions::ExpireOpen(const Context& ctx) {
  queue_.ForgetAll();
  GF_ASSIGN(auto stale, store_.OpenSince(ctx, clock_.Now() - kOpenLifetime));
  for (Submission& submission : stale) {
    submission.state = State::kRejected;
    submission.finished = clock_.Now();
    submission.message = "expired: it was not started in 30 days";
    GF_TRY(store_.Expire(ctx, submission));
  }
  if (!stale.empty()) started_();
  return absl::OkStatus();
}

Result<std::vector<ObjectRecord>> Submissions::Objects(const Context& ctx, const std::string& dataset,
                                                       std::int32_t version) {
  Holder holder;
  GF_ASSIGN(auto objects, store_.PublishedObjects(ctx, dataset, version, &holder));
  const auto& user = ctx.principal().user;
  if (user && !holder.Is(*user)) {
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no version {} of {} is published", version, dataset);
  }
  if (!user) std::erase_if(objects, [](const ObjectRecord& object) { return object.role == kQuarantineRole; });
  return objects;
}

}  // namespace genofed::onboarding
