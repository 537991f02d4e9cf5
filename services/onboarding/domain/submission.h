// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/finding.h"
#include "services/onboarding/domain/description.h"

namespace genofed::onboarding {

enum class FileKind { kVariants, kClinical, kConsents, kMapping, kBeacon };
inline constexpr std::array kFileKinds = {FileKind::kVariants, FileKind::kClinical, FileKind::kConsents,
                                          FileKind::kMapping, FileKind::kBeacon};
// "variants", "clinical", "consents", "mapping", "beacon": in the database and metrics, and the name of a file that has none.
std::string_view KindName(FileKind kind);

// A file of a submission. Its name is unique there, is its name on disk, and is what findings call it.
struct FileRef {
  FileKind kind = FileKind::kVariants;
  std::string name;
};
inline constexpr std::size_t kMaxFiles = 1000;  // of a submission
// With the kind's own name where there is none. InvalidArgument FILE_NAME_INVALID unless it is a plain file name: 1 to 128
// bytes of printable UTF-8 without '/' and '\\' that do not begin with '.' or '-'.
Result<FileRef> CheckFileRef(FileRef file);

enum class State { kOpen, kQueued, kRunning, kPublished, kRejected, kFailed };
std::string_view StateName(State state);  // "open"
// Published, rejected or failed: nothing will change any more.
bool IsFinal(State state);

// What a submission does to its dataset (proto: Mode).
enum class Mode {
  kFull,          // a version made of its files alone
  kAdd,           // people behind those of the listed version
  kFollowUp,      // clinical data of people of the listed version
  kRollback,      // an earlier version is listed again
  kDecommission,  // nothing of the dataset stays but its tombstone
  kBeacon,        // a version made of a Beacon data folder
};
bool MakesVersion(Mode mode);  // the first three and the last
bool NeedsFile(Mode mode, FileKind kind);
std::string_view ModeName(Mode mode);  // "follow-up"

// What runs, in this order. Everything before a stage is durable or can be had again with the same result.
enum class Stage { kNone, kCheck, kLink, kConsent, kGenotypes, kPhenotypes, kEncrypt, kIndex, kReport, kPublish };
std::string_view StageName(Stage stage);  // "check"; empty for kNone
Stage ParseStage(std::string_view name);
// Progress when the stage begins, 0 to 100.
int PercentAt(Stage stage);

// Who hands data over. A dataset belongs to its holder, and to people of the same organisation.
struct Holder {
  std::string issuer;
  std::string subject;
  std::string organisation;  // as the access token says; may be empty

  bool Is(const User& user) const;
};

struct Counts {
  std::int32_t subjects = 0;
  std::int32_t subjects_included = 0;
  std::int32_t subjects_without_consent = 0;
  std::int32_t samples_without_subject = 0;
  std::int64_t records = 0;
  std::int64_t records_quarantined = 0;
  std::int64_t sites = 0;
  std::int32_t subjects_without_sample = 0;
  // Rows, resources and phenopackets.
  std::int64_t clinical_records = 0;
  std::int64_t clinical_records_quarantined = 0;
  std::int32_t subjects_forgotten = 0;  // not among those without consent

  bool operator==(const Counts&) const = default;
};

// How a version differs from the one it goes on from.
struct Difference {
  std::int32_t segments_kept = 0;
  std::int32_t segments_added = 0;
  std::int32_t people_kept = 0;
  std::int32_t people_added = 0;
  std::int32_t people_changed = 0;

  bool operator==(const Difference&) const = default;
};

struct Submission {
  std::string id;
  Holder holder;
  Description dataset;
  Mode mode = Mode::kFull;
  std::int32_t target_version = 0;  // kRollback
  std::string reason;               // kRollback, kDecommission
  bool test_data = false;           // kBeacon: of nobody, may be seen by everybody
  State state = State::kOpen;
  Stage stage = Stage::kNone;
  std::int32_t version = 0;  // 0: none reserved yet
  std::int32_t base_version = 0;  // the listed version when `version` was reserved; 0: goes on from none
  Counts counts;
  std::vector<Finding> findings;
  Time created;
  // Consents are judged at this time, also when a stage is repeated.
  std::optional<Time> started;
  std::optional<Time> finished;
  std::string message;
  // Hex SHA-256 of the cohort index's manifest and of the table of individuals, once both are in their place.
  std::string index_sha256;
  std::string individuals_sha256;
  std::string report_sha256;
  Difference difference;

  int percent() const { return state == State::kPublished ? 100 : PercentAt(stage); }
};

// A file of a submission, as far as it was sent.
struct UploadedFile {
  FileKind kind = FileKind::kVariants;
  std::string name;
  std::int64_t size = 0;  // durable bytes
  bool sealed = false;
  std::string sha256;     // hex, once sealed
  bool crypt4gh = false;  // came encrypted; size and digest are of what came
};

// What a data manager and the coordinator read about a submission (libs/qc), and its signature.
struct Report {
  std::string json;  // canonical
  std::string html;
  std::string jws;  // detached
};

// The name of an object's body in the object store.
inline std::string BodyName(std::string_view object) { return std::string(object) + ".c4gh"; }

// The role of what was set aside, which nobody but the holder ever gets.
inline constexpr char kQuarantineRole[] = "quarantine";
// The role of what each person carries (libs/genomics/person_records.h), which is there for erasure
// alone: nobody is given it, and the key service opens it to nobody else.
inline constexpr char kPersonRecordsRole[] = "person-records";

// A Crypt4GH body in the store, and the header that opens it.
struct ObjectRecord {
  std::string id;
  std::string submission;
  std::string role;  // "genotypes", "phenotypes", "index", or one of the above
  std::string name;
  std::int64_t plain_size = 0;
  std::string plain_sha256;  // hex
  std::int64_t body_size = 0;
  std::string body_sha256;  // hex
  std::string header;       // encrypted to the key service; empty in answers of PublishedObjects
  bool header_stored = false;
  Time created;
  // Rows of the version it was asked for; genotypes only.
  std::int32_t first_row = 0;
  std::int32_t rows = 0;
};

}  // namespace genofed::onboarding
