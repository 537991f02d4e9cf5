// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/dataset_keys.h"

#include <algorithm>
#include <set>

#include "libs/auth/approval.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/header.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"
#include "services/consent/app/cohorts.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kMaxObjectBytes = 256;

bool IsObject(const std::string& object) {
  return !object.empty() && object.size() <= kMaxObjectBytes && IsUtf8(object) &&
         std::none_of(object.begin(), object.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

Status CheckObjects(const std::vector<std::string>& objects) {
  std::set<std::string> distinct(objects.begin(), objects.end());
  if (objects.empty() || objects.size() > DatasetKeys::kMaxObjects ||
      distinct.size() != objects.size() || !std::all_of(objects.begin(), objects.end(), IsObject)) {
    return InvalidField("objects", "OBJECTS_INVALID", "must be 1 to {} different objects",
                        DatasetKeys::kMaxObjects);
  }
  return absl::OkStatus();
}

// Whoever asked for the cohort may have named another purpose and other conditions than the country
// signed.
Status CheckUse(Transaction& tx, const std::string& id, const auth::Approval& approval) {
  GF_ASSIGN(const auto snapshot, tx.consent().FindSnapshot(id));
  if (!snapshot) return absl::OkStatus();  // CheckUnchanged says so
  if (!snapshot->purpose.empty() && !AreAllIn({snapshot->purpose}, approval.purposes)) {
    return Error(StatusCode::kPermissionDenied, "PURPOSE_NOT_APPROVED",
                 "the cohort was chosen for a purpose that the country did not approve");
  }
  if (AreAllIn(snapshot->met, approval.accepted_conditions)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "CONDITIONS_NOT_ACCEPTED",
               "the cohort was chosen by conditions that the country's approval does not accept");
}

// The same release asked for again has the same key, and is logged once.
std::string ReleaseKey(const ReleaseRequest& request) {
  crypto::Sha256Stream stream;
  stream.Update(request.recipient);
  for (const std::string& object : request.objects) stream.Update(object + '\n');
  return fmt::format("release:{}:{}", request.ledger_index, HexEncode(stream.Finish()));
}

}  // namespace

DatasetKeys::DatasetKeys(crypt4gh::SecretKey key, Site site, Store& store, Ledger& ledger,
                         GrantChecker& grants, const auth::TrustSource& trust, Rules rules,
                         Random& random)
    : key_(std::move(key)),
      site_(std::move(site)),
      store_(store),
      ledger_(ledger),
      grants_(grants),
      trust_(trust),
      rules_(rules),
      random_(random),
      denials_(ledger, rules.clock, random) {}

Status DatasetKeys::StoreHeader(const Context& ctx, const HeaderRow& header) {
  if (!IsObject(header.object)) {
    return InvalidField("object", "OBJECT_INVALID", "must be 1 to {} bytes of plain text",
                        kMaxObjectBytes);
  }
  GF_TRY(Validate(header.dataset));
  GF_TRY(crypt4gh::OpenHeader(header.header, key_));
  return ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto found, tx.headers().Find({header.object}));
    if (found.empty()) return tx.headers().Add(header);
    const HeaderRow& stored = found.begin()->second;
    if (stored.header == header.header && stored.dataset == header.dataset && stored.role == header.role)
      return absl::OkStatus();
    return Error(StatusCode::kAlreadyExists, "HEADER_EXISTS",
                 "another header is kept for this object");
  });
}

Result<DatasetKeys::Run> DatasetKeys::FindRun(const Context& ctx, Transaction& tx,
                                              const ReleaseRequest& request) const {
  Status unknown = Error(StatusCode::kFailedPrecondition, "RUN_ENTRY_UNKNOWN",
                         "no run is logged at index {}", request.ledger_index);
  if (request.ledger_index < 0) return unknown;
  GF_ASSIGN(auto rows, tx.ledger().List(request.ledger_index, 1));
  if (rows.empty() || rows[0].index != request.ledger_index) return unknown;
  GF_TRY(ledger_.CheckRows(ctx, rows));
  Run run;
  GF_ASSIGN(run.entry, ledger::DecodeEntry(rows[0].entry));
  if (run.entry.kind != ledger::EntryKind::kRun) return unknown;
  run.appended = rows[0].appended;
  GF_ASSIGN(const std::int64_t version, ParseInt(run.entry.Field("version")));
  run.dataset = {run.entry.Field("dataset"), static_cast<std::int32_t>(version)};
  return run;
}

Result<auth::Approval> DatasetKeys::CheckApproval(const Context& ctx, const ReleaseRequest& request,
                                                  const Run& run) const {
  auth::ApprovalExpectation expected;
  expected.audience = site_.audience;
  expected.country = site_.country;
  expected.subject = request.researcher_subject;
  expected.application = run.entry.Field("application");
  expected.datasets = {run.dataset.dataset};
  if (run.entry.fields.contains("application_sha256")) {
    expected.application_sha256 = run.entry.Field("application_sha256");
  }
  // Empty for a caller whose certificate is not known: then nothing matches.
  expected.client_certificate_sha256 = ctx.principal().certificate_sha256;
  auth::Refusal why;
  GF_ASSIGN(const auth::TrustStore trust, trust_.Current());
  auto approval = auth::VerifyApproval(trust, rules_.clock, request.approval, expected, &why);
  if (!approval.ok()) {
    GF_LOG(ctx, warn, "release.refused", {"check", why.check}, {"run", run.entry.Field("run")});
    return approval.status();
  }
  GF_TRY(grants_.CheckLive(ctx, (*approval)->id, (*approval)->application));
  return **approval;
}

// A version that goes on from another holds everybody of it, so the run's snapshot accounts for the
// people in the base's objects.
Result<bool> DatasetKeys::IsOfRun(Transaction& tx, const DatasetVersion& version,
                                  const Run& run) const {
  if (version.dataset != run.dataset.dataset) return false;
  DatasetVersion at = run.dataset;
  while (at.version > version.version) {
    GF_ASSIGN(auto row, tx.consent().FindVersion(at));
    if (!row) return false;
    at.version = row->base;  // less than the version, by the table's rule
  }
  return at == version;
}

Result<std::vector<std::string>> DatasetKeys::Reencrypt(Transaction& tx,
                                                        const ReleaseRequest& request,
                                                        const Run& run) const {
  auto recipient = crypt4gh::PublicKey::FromRaw(request.recipient);
  if (!recipient.ok())
    return InvalidField("recipient", "RECIPIENT_INVALID",
                        "must be an X25519 public key of 32 bytes");
  GF_ASSIGN(auto found, tx.headers().Find(request.objects));
  std::vector<std::string> headers;
  for (const std::string& object : request.objects) {
    auto header = found.find(object);
    if (header == found.end())
      return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no header is kept for an object");
    GF_ASSIGN(const bool of_run, IsOfRun(tx, header->second.dataset, run));
    if (!of_run || header->second.role == kPersonRecordsRole) {
      return Error(StatusCode::kPermissionDenied, "OBJECT_OUTSIDE_RUN",
                   "an object is not of the run's dataset version, or not for runs");
    }
    GF_ASSIGN(std::string out,
              crypt4gh::Reencrypt(header->second.header, key_, *recipient, random_));
    headers.push_back(std::move(out));
  }
  return headers;
}

Status DatasetKeys::LogRelease(Transaction& tx, const std::string& key, std::int64_t headers,
                               const std::map<std::string, std::string>& fields) {
  GF_ASSIGN(auto logged, tx.ledger().Find("consent", key));
  if (logged) return absl::OkStatus();
  GF_ASSIGN(const std::int64_t count, tx.headers().CountReleases(headers));
  GF_ASSIGN(const std::int64_t epoch, tx.consent().Epoch());
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kKeyEvent;
  entry.time = ledger_.EntryTime();
  entry.fields = fields;
  entry.fields["outcome"] = "keys-released";
  entry.numbers = {{"epoch", epoch}, {"releases", count}};
  return ledger_.Add(tx, "consent", key, entry).status();
}

Result<std::string> DatasetKeys::ReleaseForErasure(const Context& ctx, const std::string& object,
                                                   const std::string& recipient) {
  GF_TRY(CheckObjects({object}));
  auto key = crypt4gh::PublicKey::FromRaw(recipient);
  if (!key.ok())
    return InvalidField("recipient", "RECIPIENT_INVALID", "must be an X25519 public key of 32 bytes");
  std::string header;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(const auto found, tx.headers().Find({object}));
    if (found.empty())
      return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no header is kept for the object");
    const HeaderRow& row = found.begin()->second;
    GF_ASSIGN(const bool forgotten, tx.consent().HasForgotten(row.dataset));
    if (!forgotten)
      return Error(StatusCode::kPermissionDenied, "NOBODY_FORGOTTEN",
                   "nobody in the object's version asked to be forgotten");
    GF_ASSIGN(header, crypt4gh::Reencrypt(row.header, key_, *key, random_));
    // Each key is new, and so is each release.
    return LogRelease(tx, fmt::format("erasure:{}:{}", object, HexEncode(crypto::Sha256(recipient))), 1,
                      {{"object", object},
                       {"dataset", row.dataset.dataset},
                       {"version", std::to_string(row.dataset.version)},
                       {"reason", "erasure"}});
  });
  GF_TRY(written);
  return header;
}

Result<std::int32_t> DatasetKeys::Destroy(const Context& ctx, const std::string& dataset,
                                          const std::vector<std::string>& objects) {
  GF_TRY(Validate({dataset, 1}));
  if (!objects.empty()) GF_TRY(CheckObjects(objects));
  // A name may be used and destroyed again; repeating the call finds nothing, and so logs nothing.
  const std::string key = fmt::format("destroy:{}:{}", dataset, HexEncode(random_.Bytes(16)));
  std::int64_t destroyed = 0;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(destroyed, tx.headers().Destroy(dataset, objects));
    if (destroyed == 0) return absl::OkStatus();
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kKeyEvent;
    entry.time = ledger_.EntryTime();
    entry.fields = {{"dataset", dataset}, {"outcome", "keys-destroyed"}};
    if (objects.size() == 1) entry.fields["object"] = objects.front();
    return ledger_.Add(tx, "consent", key, entry).status();
  });
  GF_TRY(written);
  return static_cast<std::int32_t>(destroyed);
}

// What cannot be answered now is no refusal, nor is a question that nobody could answer.
void DatasetKeys::LogRefusal(const Context& ctx, const Run& run, const Status& refused) {
  const std::string reason = Reason(refused);
  if (refused.code() != StatusCode::kPermissionDenied && reason != "COHORT_CHANGED" &&
      reason != "RUN_ENTRY_EXPIRED")
    return;
  std::map<std::string, std::string> fields = {{"reason", reason}, {"outcome", "no keys released"}};
  for (const char* field : {"application", "application_sha256", "project", "organisation",
                            "purpose", "run", "dataset", "version"})
    fields[field] = run.entry.Field(field);
  denials_.Log(ctx, fields);
}

Status DatasetKeys::Log(Transaction& tx, const ReleaseRequest& request, const Run& run) {
  std::map<std::string, std::string> fields;
  for (const char* field :
       {"application", "application_sha256", "project", "run", "dataset", "version"}) {
    if (run.entry.fields.contains(field)) fields[field] = run.entry.Field(field);
  }
  return LogRelease(tx, ReleaseKey(request), static_cast<std::int64_t>(request.objects.size()), fields);
}

Result<std::string> DatasetKeys::HeaderFor(const HeaderRow& header, const std::string& recipient,
                                           const std::string& reader, const crypt4gh::EditList& edit_list) const {
  auto key = crypt4gh::PublicKey::FromRaw(recipient);
  if (!key.ok())
    return InvalidField("recipient", "RECIPIENT_INVALID", "must be an X25519 public key of 32 bytes");
  const std::string derived = crypto::HmacSha256(key_.bytes(), "genofed headers for readers 1");
  GF_ASSIGN(const crypt4gh::Secret32 secret, crypt4gh::Secret32::FromRaw(derived));
  return crypt4gh::Reencrypt(header.header, key_, *key, {secret, header.object, reader}, edit_list);
}

Result<Released> DatasetKeys::Release(const Context& ctx, const ReleaseRequest& request) {
  GF_TRY(CheckObjects(request.objects));
  // The peer is asked outside of any transaction; everything of our own is checked again inside.
  Run run;
  const Status read = store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(run, FindRun(ctx, tx, request));
    return absl::OkStatus();
  });
  GF_TRY(read);
  auto released = ReleaseOf(ctx, request, run);
  if (!released.ok()) LogRefusal(ctx, run, released.status());
  return released;
}

Result<Released> DatasetKeys::ReleaseOf(const Context& ctx, const ReleaseRequest& request,
                                        const Run& run) {
  if (rules_.clock.Now() - run.appended > kEntryLifetime) {
    return Error(StatusCode::kFailedPrecondition, "RUN_ENTRY_EXPIRED",
                 "the run was logged more than a day ago");
  }
  if (!request.application.empty() && request.application != run.entry.Field("application")) {
    return Error(StatusCode::kPermissionDenied, "APPLICATION_MISMATCH",
                 "the run was logged for another application");
  }
  GF_ASSIGN(const auth::Approval approval, CheckApproval(ctx, request, run));
  Released released;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_TRY(CheckUse(tx, run.entry.Field("snapshot"), approval));
    GF_TRY(CheckUnchanged(tx, rules_, run.entry.Field("snapshot"), run.dataset));
    GF_ASSIGN(released.headers, Reencrypt(tx, request, run));
    GF_ASSIGN(released.epoch, tx.consent().Epoch());
    return Log(tx, request, run);
  });
  GF_TRY(written);
  return released;
}

}  // namespace genofed::consent
