// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/connector.h"

#include <algorithm>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/onboarding/app/files.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kKeyBytes = 32;

// The pipeline took nothing over since there was nothing to take over.
bool ChangesNothing(const Submission& submission) {
  return std::all_of(
      submission.findings.begin(), submission.findings.end(), [](const Finding& finding) {
        return finding.severity != Severity::kError || finding.code == "NO_KNOWN_SUBJECT" ||
               finding.code == "NOTHING_CHANGED";
      });
}

// Of the same people with the same data on the same version: one submission, however often it is
// handed in.
std::string KeyOf(const ConnectorState& state, const PersonRecords& changed) {
  crypto::Sha256Stream hash;
  hash.Update(fmt::format("{}\n{}\n{}\n", state.dataset, state.base_version, state.attempt));
  for (const auto& [person, record] : changed) {
    hash.Update(person);
    hash.Update(record.digest);
  }
  return fmt::format("connector.{}.{}", state.name, HexEncode(hash.Finish()));
}

}  // namespace

Connector::Connector(ConnectorOptions options, ClinicalServer& server, ConnectorStore& store,
                     Intake& intake, ListedVersion listed, const Layout& layout, const Clock& clock,
                     Random& random)
    : options_(std::move(options)),
      server_(server),
      store_(store),
      intake_(intake),
      listed_(std::move(listed)),
      directory_(layout.Connector(options_.name)),
      clock_(clock),
      random_(random) {}

Status Connector::RunOnce(const Context& ctx) {
  const Context limited = ctx.WithTimeout(options_.longest_pull);
  GF_ASSIGN(ConnectorState state, store_.Load(limited, options_.name));
  if (state.dataset != options_.dataset) {
    state = {};
    state.name = options_.name;
    state.dataset = options_.dataset;
    GF_TRY(store_.Forget(limited, state));
  }
  state.last_attempt = clock_.Now();
  Status done = Try(limited, state);
  if (Reason(done) == "SUBMISSION_RUNS") return store_.Save(ctx, state);  // later
  if (done.ok()) state.last_success = clock_.Now();
  state.last_error = done.ok() ? "" : Describe(done);
  const Status saved = store_.Save(ctx, state);
  return done.ok() ? saved : done;
}

Status Connector::Try(const Context& ctx, ConnectorState& state) {
  GF_ASSIGN(const std::int32_t listed, listed_(ctx, options_.dataset));
  if (listed == 0) {
    return Error(StatusCode::kFailedPrecondition, "NO_LISTED_VERSION",
                 "{} has no listed version to follow up", options_.dataset);
  }
  bool rejected = false;
  if (!state.submission.empty()) GF_TRY(Settle(ctx, state, listed, rejected));
  if (state.base_version !=
      listed) {  // somebody else's version: what it has of people is not known
    state.base_version = listed;
    state.watermark.reset();
    state.submission.clear();
    GF_TRY(store_.Forget(ctx, state));
  }
  const std::string before = state.submission;
  GF_TRY(Pull(ctx, state));
  if (!rejected || state.submission != before) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "SUBMISSION_REJECTED",
               "{} was rejected; its report says what is to be mended at the server", before);
}

Status Connector::Settle(const Context& ctx, ConnectorState& state, std::int32_t listed,
                         bool& rejected) {
  GF_ASSIGN(const Submission submission, intake_.Find(ctx, options_.holder, state.submission));
  if (!IsFinal(submission.state)) {
    return Error(StatusCode::kUnavailable, "SUBMISSION_RUNS", "waiting for the end of {}",
                 submission.id);
  }
  const bool in_force = submission.state == State::kPublished && submission.version == listed;
  const bool needless = submission.state == State::kRejected && ChangesNothing(submission);
  if (in_force || needless) {
    state.watermark = state.submission_watermark;
    state.submission.clear();
    if (in_force) state.base_version = listed;
    return store_.CommitPending(ctx, state);
  }
  if (submission.state == State::kFailed) {
    ++state.attempt;
    state.submission.clear();
    state.last_full.reset();  // what was deleted at the server, only reading everything shows again
    return store_.Save(ctx, state);
  }
  // Published and not listed yet, or rejected: once more changes, these go with it.
  rejected = submission.state == State::kRejected;
  return absl::OkStatus();
}

Result<bool> Connector::Fill(const Context& ctx, const ConnectorState& state, PullSpool& spool,
                             PullSummary& summary, bool& full) {
  const auto sink = [&spool](const PulledResource& resource) { return spool.Add(resource); };
  std::set<std::string> patients;
  if (!full) {
    const bool pending = !state.submission.empty();
    GF_ASSIGN(
        summary,
        server_.ChangedSince(
            ctx, (pending ? *state.submission_watermark : *state.watermark) - options_.overlap,
            patients));
    if (!summary.deletions && patients.empty()) return false;
    full = summary.deletions || !state.watermark;
    // What is handed in replaces the submission that is not in force: it must have all of that,
    // too.
    if (!full && pending)
      GF_TRY(server_.ChangedSince(ctx, *state.watermark - options_.overlap, patients));
  }
  if (full) {
    GF_ASSIGN(summary, server_.Everything(ctx, sink));
    return true;
  }
  GF_ASSIGN(const PullSummary records, server_.RecordsOf(ctx, patients, sink));
  summary.resources += records.resources;
  return true;
}

Status Connector::Pull(const Context& ctx, ConnectorState& state) {
  GF_ASSIGN(const std::string key, HashKey());
  GF_ASSIGN(const auto spool, PullSpool::Create(directory_ / "spool", key));
  const Time now = clock_.Now();
  bool full = (!state.watermark && state.submission.empty()) || !state.last_full ||
              now - *state.last_full >= options_.full_interval;
  PullSummary summary;
  GF_ASSIGN(const bool filled, Fill(ctx, state, *spool, summary, full));
  state.resources_pulled += summary.resources;
  PersonRecords changed;
  if (filled) {
    changed = spool->Finish();
    GF_ASSIGN(const PersonRecords known, store_.Records(ctx, state.name));
    std::erase_if(changed, [&](const auto& person) {
      const auto before = known.find(person.first);
      if (before != known.end() && before->second == person.second) return true;
      // A server that has no consents of somebody says nothing about them; that it has them no
      // more, says a lot.
      return !person.second.has_consent && (before == known.end() || !before->second.has_consent);
    });
  }
  if (!changed.empty()) {
    GF_TRY(HandIn(ctx, state, *spool, changed, summary.as_of));
  } else if (state.submission.empty()) {
    // While a submission is not in force, the next pull must bring its people again.
    state.watermark = summary.as_of;
  }
  if (full) state.last_full = now;
  return absl::OkStatus();
}

Status Connector::HandIn(const Context& ctx, ConnectorState& state, PullSpool& spool,
                         const PersonRecords& changed, Time as_of) {
  const auto clinical = directory_ / "spool" / "clinical.ndjson",
             consents = directory_ / "spool" / "consents.ndjson";
  std::set<std::string> people;
  for (const auto& [person, record] : changed) people.insert(person);
  GF_TRY(spool.Write(people, clinical, consents));
  IntakeRequest request{options_.holder, {}, Mode::kFollowUp, KeyOf(state, changed), {}};
  request.dataset.id = options_.dataset;
  for (const auto& [kind, path] :
       {std::pair(FileKind::kClinical, clinical), std::pair(FileKind::kConsents, consents)}) {
    GF_ASSIGN(IntakeFile file, OwnFile(ctx, kind, path));
    request.files.push_back(std::move(file));
  }
  GF_ASSIGN(const Submission submission, intake_.Submit(ctx, request));
  if (state.submission != submission.id)
    state.people_submitted += static_cast<std::int64_t>(people.size());
  state.submission = submission.id;
  state.submission_watermark = as_of;
  GF_TRY(store_.SetPending(ctx, state, changed));
  return absl::OkStatus();
}

// Hashes of people mean nothing without this key, which is not in the database.
Result<std::string> Connector::HashKey() {
  const auto path = directory_ / "people.key";
  auto key = ReadFile(path, kKeyBytes);
  if (key.ok() && key->size() == kKeyBytes) return *key + options_.name;
  // Not there, or half written: whatever else keeps it from being read must not make another.
  if (!key.ok() && key.status().code() != StatusCode::kNotFound) return key.status();
  GF_TRY(MakeDirectory(directory_));
  const std::string fresh = random_.Bytes(kKeyBytes);
  GF_TRY(WriteFileAtomically(path, fresh, 0600));
  return fresh + options_.name;
}

}  // namespace genofed::onboarding
