// SPDX-License-Identifier: Apache-2.0
//
// One entry of a node's ledger: what happened, in clear fields that name no person, and commitments
// in place of what does. The ledger is public to citizens and other nodes and can never be
// shortened; therefore the names of fields are a closed list, and a personal value (subject,
// researcher) appears only as HMAC-SHA256(k, value) with a random k. k and the value are kept
// elsewhere and can be erased; the entry and all proofs stay valid.
//
// The bytes of an entry are canonical JSON: one object, member names in byte order, no white space,
// as RFC 8785 gives for these values. The same entry always has the same bytes, and other bytes are
// refused:
//   {"commitments":{"subject":"<hex>"},"dataset":"d","epoch":7,"kind":"run","time":"...","v":1}
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/ledger/merkle.h"

namespace genofed::ledger {

inline constexpr std::size_t kMaxEntryBytes = 65535;  // c2sp.org/tlog-tiles
inline constexpr std::size_t kMaxFieldBytes = 1024;
inline constexpr std::size_t kMaxCommitments = 64;

enum class EntryKind {
  kConsentSet,       // "consent-set"
  kConsentWithdraw,  // "consent-withdraw"
  kSnapshot,         // "snapshot": the subjects who permit a use of a dataset version, as a root
  kRun,              // "run": keys were released for an analysis
  kGrant,            // "grant": a country approved a project, or took that back
  kAccess,           // "access": a permitted client may fetch an object, encrypted for its key, or
                     // a project may read people's records
  kDenied,           // "denied": a project, a run, or an access was refused
  kQueryBatch,       // "query-batch": so many questions about a dataset were answered
  kRelease,          // "release": results left the node
  kErase,            // "erase": what was committed to in an earlier entry was destroyed
  kPolicy,           // "policy": the node's rules changed
  kKeyEvent,         // "key-event": a key was made, used, rotated or revoked
  kDataset,          // "dataset": a version was published, rolled back to, or decommissioned
  kContact,          // "contact": somebody asked to be put in touch, or was answered
  kCheckpoint,       // "checkpoint": this site cosigned one of another ledger
};

std::string_view KindName(EntryKind kind);
Result<EntryKind> ParseKind(std::string_view name);

struct Entry {
  EntryKind kind = EntryKind::kRun;
  std::string time;  // UTC with seconds: "2026-01-31T12:00:00Z"

  // Text fields. Names: agreement_sha256, application, application_sha256, audit_sha256 (link of a
  // chain of records that are kept elsewhere), checkpoint (a signed note in base64), client,
  // conditions (DUO modifiers, a space between two), dataset, decision_sha256, key_id, log (origin
  // of another ledger), log_root, object, organisation, outcome, permission, policy_sha256,
  // project, purpose, purpose_code, reason, recipient_sha256, release_sha256, report_sha256, rule,
  // run, since and until (times like `time`), snapshot, snapshot_root, version, visa, visa_source,
  // workflow_sha256. Values: UTF-8 without control characters, 1 to 1024 bytes;
  // *_sha256, snapshot_root and log_root are 64 lower-case hex digits.
  // `snapshot` comes together with snapshot_root and the number `slots`.
  std::map<std::string, std::string> fields;
  // Numbers, 0 to 2^53. Names: answers, audit_links (number of the link), bytes, epoch (consent
  // epoch), erased_index, log_size, refusals, releases (counter of the key service), slots (of the
  // snapshot).
  std::map<std::string, std::int64_t> numbers;
  // Commitments by what they hide; names of 1 to 40 lower-case letters, digits and '_'.
  std::map<std::string, Hash> commitments;

  // Empty when absent.
  std::string Field(const std::string& name) const;
  // Sets a field to what people wrote, as LedgerText; without text the field is left out.
  void SetText(const std::string& name, std::string_view text);

  friend bool operator==(const Entry&, const Entry&) = default;
};

// What people wrote, as an entry can hold it: one line of at most kMaxFieldBytes of UTF-8 without
// control characters; "-" if nothing is left. Everything that is not of a closed set goes through
// it: an entry that is refused for its text would hold up whatever it is about.
std::string LedgerText(std::string_view text);

// The canonical bytes. Errors: ENTRY_INVALID, naming the field.
Result<std::string> EncodeEntry(const Entry& entry);
// Accepts exactly what EncodeEntry makes. Errors: ENTRY_INVALID.
Result<Entry> DecodeEntry(std::string_view bytes);

// A commitment to a personal value. `key` and the value belong into the erasable side store.
struct Commitment {
  std::string key;  // 32 random bytes
  Hash value;       // goes into the entry
};
Commitment Commit(std::string_view payload, Random& random);
// Whether `payload` is what the entry holds a commitment to.
bool Opens(const Hash& commitment, std::string_view key, std::string_view payload);

}  // namespace genofed::ledger
