// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/consent.h"
#include "libs/core/context.h"
#include "services/onboarding/domain/inclusion.h"
#include "services/onboarding/domain/snapshot.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// Submissions as holders and coordinators see them.
class SubmissionStore {
 public:
  virtual ~SubmissionStore() = default;
  // Adds a submission, or returns the one that this person created with the same key. Errors: PermissionDenied
  // DATASET_OF_ANOTHER_HOLDER, ResourceExhausted TOO_MANY_SUBMISSIONS (open ones of this person).
  virtual Result<Submission> Create(const Context& ctx, const Submission& submission, const std::string& key) = 0;
  // NotFound SUBMISSION_UNKNOWN.
  virtual Result<Submission> Find(const Context& ctx, const std::string& id) = 0;
  // Newest first, at most 200. With `of`, only those that this person may see as a holder.
  virtual Result<std::vector<Submission>> List(const Context& ctx, const std::optional<User>& of) = 0;
  // By name; a file that was never written has size 0.
  virtual Result<UploadedFile> FindFile(const Context& ctx, const std::string& id, const FileRef& file) = 0;
  // In the order of kinds and names.
  virtual Result<std::vector<UploadedFile>> Files(const Context& ctx, const std::string& id) = 0;
  // The file has at least `size` bytes. FailedPrecondition SUBMISSION_NOT_OPEN unless the submission is open;
  // ResourceExhausted TOO_MANY_FILES.
  virtual Status GrowFile(const Context& ctx, const std::string& id, const FileRef& file, std::int64_t size) = 0;
  virtual Status SealFile(const Context& ctx, const std::string& id, const UploadedFile& file) = 0;
  // Forgets a file that is not sealed.
  virtual Status DropFile(const Context& ctx, const std::string& id, const std::string& name) = 0;
  // Stores the queued submission and its work item in one transaction, if it is still open.
  virtual Status Start(const Context& ctx, const Submission& submission) = 0;
  // Open submissions created before `before`, oldest first, at most a hundred.
  virtual Result<std::vector<Submission>> OpenSince(const Context& ctx, Time before) = 0;
  // Stores the end of an open submission and a work item that removes its files.
  virtual Status Expire(const Context& ctx, const Submission& submission) = 0;
  // Of the newest version that was published; NotFound DATASET_UNKNOWN.
  virtual Result<Description> LastDescription(const Context& ctx, const std::string& dataset) = 0;
  // NotFound REPORT_MISSING.
  virtual Result<Report> FindReport(const Context& ctx, const std::string& id) = 0;
  // Genotypes of all segments in the order of rows, and the version's phenotypes.
  // NotFound DATASET_UNKNOWN unless the version is published. `*holder` gets its holder.
  virtual Result<std::vector<ObjectRecord>> PublishedObjects(const Context& ctx, const std::string& dataset,
                                                             std::int32_t version, Holder* holder) = 0;
};

// What the worker that runs a submission writes. Every method fails with LEASE_LOST once another worker has it.
class RunStore {
 public:
  virtual ~RunStore() = default;
  virtual Result<Submission> Load(const Context& ctx) = 0;
  virtual Status Save(const Context& ctx, const Submission& submission) = 0;
  // The version this submission will publish: one more than any that was reserved for the dataset. The same answer
  // when asked again. Unavailable DATASET_BUSY while another submission of the dataset holds a version and runs;
  // PermissionDenied DATASET_OF_ANOTHER_HOLDER.
  virtual Result<std::int32_t> ReserveVersion(const Context& ctx) = 0;
  virtual Result<std::vector<ObjectRecord>> Objects(const Context& ctx) = 0;
  // Before an object's body is made: it is removed again (Erasure) unless the object is added.
  virtual Status PlanObject(const Context& ctx, const std::string& object) = 0;
  virtual Status AddObject(const Context& ctx, const ObjectRecord& object) = 0;
  virtual Status MarkHeaderStored(const Context& ctx, const std::string& object) = 0;
  // What was set aside is removed (Erasure), and cannot be had back.
  virtual Status DropQuarantine(const Context& ctx) = 0;
  // Forgets the objects and the snapshot of a submission that publishes nothing.
  virtual Status DropObjects(const Context& ctx) = 0;
  // NotFound SNAPSHOT_UNKNOWN.
  virtual Result<Snapshot> FindSnapshot(const Context& ctx, std::int32_t version) = 0;
  // The snapshot of this submission's version, which discovery has; again changes nothing.
  virtual Status AddSnapshot(const Context& ctx, const Snapshot& snapshot) = 0;
  // The files that were sealed, in the order of kinds and names.
  virtual Result<std::vector<UploadedFile>> Inputs(const Context& ctx) = 0;
  virtual Status AddReport(const Context& ctx, const Report& report) = 0;
  // Everything the dataset has here, of all its submissions: for decommissioning.
  virtual Result<std::vector<ObjectRecord>> AllObjects(const Context& ctx) = 0;
  virtual Status DropAllObjects(const Context& ctx) = 0;
};

// Where uploaded bytes rest until the pipeline ends.
class UploadFiles {
 public:
  virtual ~UploadFiles() = default;
  // The bytes are on disk when this returns.
  virtual Status Write(const std::string& submission, const std::string& name, std::int64_t offset,
                       std::string_view data) = 0;
  // Hex SHA-256 of the first `size` bytes; the file is cut to that size. DataLoss UPLOAD_LOST if it is shorter.
  virtual Result<std::string> Finish(const Context& ctx, const std::string& submission, const std::string& name,
                                     std::int64_t size) = 0;
  // Whether a finished file is Crypt4GH: then every segment of it can be opened. FailedPrecondition with the reasons of
  // libs/crypt4gh, and CRYPT4GH_NO_KEY.
  virtual Result<bool> CheckEncrypted(const Context& ctx, const std::string& submission, const std::string& name) = 0;
  // Puts the clear text of such a file where Layout::Input says; repeating is harmless.
  virtual Status Open(const Context& ctx, const std::string& submission, const std::string& name) = 0;
  // Of the file as it came; nothing there is fine.
  virtual Status Remove(const std::string& submission, const std::string& name) = 0;
};

struct SubjectConsent {
  std::string person_identifier;
  std::uint8_t permissions = 0;  // bits of libs/clinical/consent.h
  bool recorded = true;          // false: nobody knows the person's choice, the country's policy decides
  std::optional<Time> until = {};  // when what is permitted ends by itself
  clinical::ConsentOrigin origin = {};
  std::optional<Time> born = {};  // where a guardian spoke: what they permitted lapses
  std::optional<Time> died_at = {};
  clinical::ConsentLimits limits = {};  // of secondary use
  clinical::ConsentWishes wishes = {};
};

struct RegisteredSubject {
  bool included = false;
  std::string pseudonym;  // 32 hex digits
  std::int32_t row = -1;
  bool forgotten = false;  // asked to be: not included, whatever the record permits
};

// The version to be registered.
struct Registration {
  std::string dataset;
  std::int32_t version = 0;
  std::int32_t base_version = 0;
  bool follow_up = false;  // nobody gets a row
};

// Where somebody who was forgotten has a row.
struct ForgottenRow {
  std::string dataset;
  std::int32_t version = 0;
  std::int32_t row = 0;  // -1: none, they were left out of the version
};

struct ForgottenPage {
  std::vector<ForgottenRow> rows;
  std::int64_t next = 0;  // to go on with; 0: that was all
};

// What the ledger says about a dataset.
struct DatasetEvent {
  std::string dataset;
  std::int32_t version = 0;
  std::string outcome;  // "judged", "rejected", "rolled-back", "decommissioned", "damaged", "erased"
  std::string report_sha256;  // may be empty, as what follows
  std::string key_id;         // thumbprint of the key that signed the report
  std::string reason;
};

// The consent, key and ledger services of the site.
class ConsentClient {
 public:
  virtual ~ConsentClient() = default;
  // One answer for each subject, in order; repeating gives the same. Rows of the base version stay as they are.
  virtual Result<std::vector<RegisteredSubject>> Register(const Context& ctx, const Registration& version,
                                                          std::span<const SubjectConsent> subjects) = 0;
  // Of the country's policy: years, at which what a guardian permitted lapses.
  virtual Result<int> AdultAge(const Context& ctx) = 0;
  // Of all rows of a version, in order.
  virtual Result<std::vector<std::string>> Pseudonyms(const Context& ctx, const std::string& dataset,
                                                      std::int32_t version) = 0;
  // 32 raw bytes.
  virtual Result<std::string> EncryptionKey(const Context& ctx) = 0;
  virtual Status StoreHeader(const Context& ctx, const std::string& dataset, std::int32_t version,
                             const ObjectRecord& object) = 0;
  // Of the whole dataset, or of these objects of it; at most 100.
  virtual Status DestroyHeaders(const Context& ctx, const std::string& dataset,
                                const std::vector<std::string>& objects) = 0;
  virtual Result<ForgottenPage> Forgotten(const Context& ctx, std::int64_t after) = 0;
  // The header of an object with somebody who was forgotten, for an X25519 public key of 32 bytes.
  virtual Result<std::string> ReleaseForErasure(const Context& ctx, const std::string& object,
                                                const std::string& recipient) = 0;
  // Durable in the node's ledger when it returns; the same key again changes nothing.
  virtual Status Log(const Context& ctx, const std::string& key, const DatasetEvent& event) = 0;
};

// Where a finished version is made known.
class Publisher {
 public:
  virtual ~Publisher() = default;
  // The version that the catalogue lists; 0: none. FailedPrecondition DATASET_DECOMMISSIONED.
  virtual Result<std::int32_t> ListedVersion(const Context& ctx, const std::string& dataset) = 0;
  virtual Status PublishIndex(const Context& ctx, const Snapshot& snapshot) = 0;
  // In the place of what the version was published with.
  virtual Status ReplaceIndex(const Context& ctx, const Snapshot& snapshot) = 0;
  virtual Status SubmitRecord(const Context& ctx, const Submission& submission,
                              const std::vector<InclusionCriterion>& inclusion) = 0;
  virtual Status ActivateRecord(const Context& ctx, const std::string& dataset, std::int32_t version,
                                const std::string& reason) = 0;
  virtual Status WithdrawRecord(const Context& ctx, const std::string& dataset, const std::string& reason) = 0;
};

}  // namespace genofed::onboarding
