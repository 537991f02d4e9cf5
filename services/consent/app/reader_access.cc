// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/reader_access.h"

#include <algorithm>

#include "libs/consent/purpose.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/key.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kNameBytes = 16;

Status ObjectUnknown() {
  return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "there is no such object");
}

Status AccessUnknown() {
  return Error(StatusCode::kPermissionDenied, "ACCESS_UNKNOWN",
               "there is no such access, it has ended or it is not yours: open another one");
}

Status CohortNotPermitted() {
  return Error(StatusCode::kPermissionDenied, "COHORT_NOT_PERMITTED",
               "somebody in the dataset version does not permit secondary use, or no longer does: "
               "its files cannot leave; "
               "analyse it in the processing environment, or wait for its next version");
}

// As CheckUnchanged, in the words of a refusal.
Status StillPermitted(Transaction& tx, const Rules& rules, const std::string& snapshot, const DatasetVersion& dataset) {
  Status unchanged = CheckUnchanged(tx, rules, snapshot, dataset);
  if (Reason(unchanged) != "COHORT_CHANGED") return unchanged;
  return Error(StatusCode::kPermissionDenied, "COHORT_CHANGED",
               "somebody in the dataset version changed their mind since the access was opened");
}

// A purpose in words fits no rule that is for a purpose.
Use UseOf(const SmartLayer& layer) {
  return {Permission::kSecondaryUse, IsPurpose(layer.purpose) ? layer.purpose : ""};
}

// The files of a dataset version hold everybody who was included.
bool EverybodyPermits(const Cohort& cohort) {
  return !cohort.permitted.empty() && std::all_of(cohort.permitted.begin(), cohort.permitted.end(),
                                                  [](bool permits) { return permits; });
}

std::string DigestOfRelease(const std::string& object, const std::string& recipient,
                            const std::vector<std::uint64_t>& edit_list) {
  std::string text = HexEncode(recipient) + "\n" + object;
  for (const std::uint64_t length : edit_list) text += "\n" + std::to_string(length);
  return HexEncode(crypto::Sha256(text));
}

}  // namespace

ReaderAccess::ReaderAccess(Site site, const Collaborators& with)
    : site_(std::move(site)), with_(with), denials_(with.ledger, with.rules.clock, with.random) {}

Result<HeaderRow> ReaderAccess::FindHeader(const Context& ctx, const std::string& object) {
  std::map<std::string, HeaderRow> found;
  const Status read = with_.store.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(found, tx.headers().Find({object}));
    return absl::OkStatus();
  });
  GF_TRY(read);
  if (found.empty() || found.begin()->second.role == kPersonRecordsRole) return ObjectUnknown();
  return found.begin()->second;
}

Result<auth::Passport> ReaderAccess::JudgePassport(const Context& ctx, const std::string& passport,
                                                   const std::string& dataset) const {
  const User& user = *ctx.principal().user;
  GF_ASSIGN(const auth::TrustStore trust, with_.trust.Current());
  auth::Refusal why;
  const auto verified = auth::VerifyPassport(trust, with_.rules.clock, passport,
                                             {.person = auth::Person::Of(trust, user.issuer, user.subject),
                                              .audience = site_.audience,
                                              .dataset = site_.dataset_url_prefix + dataset},
                                             &why);
  if (verified.ok() && !trust.IsRevokedDataset(dataset)) return **verified;
  GF_LOG(ctx, info, "passport.refused", {"check", verified.ok() ? "DATASET_REVOKED" : why.check},
         {"jti", why.jti});
  return Error(StatusCode::kPermissionDenied, "PASSPORT_REFUSED",
               "the passport does not open the object's dataset to you at this node");
}

Result<ReaderAccess::Grant> ReaderAccess::JudgeClient(const Context& ctx, const Question& question,
                                                      const std::string& passport) {
  GF_CHECK(ctx.principal().user.has_value());
  Grant grant;
  GF_ASSIGN(grant.layer, FindLayer(site_.layers, *ctx.principal().user, question.peer));
  GF_ASSIGN(grant.header, FindHeader(ctx, question.object));
  GF_TRY(CheckDataset(*grant.layer, grant.header.dataset.dataset));
  if (passport.empty()) {
    return Error(StatusCode::kPermissionDenied, "PASSPORT_MISSING",
                 "send a GA4GH passport for this node that grants the object's dataset");
  }
  GF_ASSIGN(const auth::Passport opened,
            JudgePassport(ctx, passport, grant.header.dataset.dataset));
  grant.visa = opened.grants.front();
  grant.until = opened.expires_at;
  return grant;
}

Result<ReaderAccess::Permitted> ReaderAccess::TryJudge(const Context& ctx, const Question& question,
                                                       const std::string& passport) {
  GF_ASSIGN(const Grant grant, JudgeClient(ctx, question, passport));
  GF_ASSIGN(const Cohort cohort, with_.cohorts.Run(ctx, grant.header.dataset, UseOf(*grant.layer), false));
  if (!EverybodyPermits(cohort)) return CohortNotPermitted();
  return Permitted{grant.header.dataset, grant.until};
}

Result<std::int64_t> ReaderAccess::Log(Transaction& tx, const User& user, const Grant& grant,
                                       const SnapshotRow& snapshot, const std::string& recipient) {
  const std::string person = user.issuer + "|" + user.subject;
  const std::string key =
      "access:" + HexEncode(crypto::Sha256(fmt::format(
                      "{}\n{}\n{}\n{}\n{}\n{}", grant.header.object, grant.layer->client_id,
                      grant.visa.id, person, HexEncode(recipient), snapshot.id)));
  GF_ASSIGN(auto logged, tx.ledger().Find("consent", key));
  if (logged) return *logged;
  const ledger::Commitment researcher = ledger::Commit(person, with_.random);
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kAccess;
  entry.time = with_.ledger.EntryTime();
  entry.fields = {{"client", ledger::LedgerText(grant.layer->client_id)},
                  {"project", ledger::LedgerText(grant.layer->title)},
                  {"organisation", ledger::LedgerText(grant.layer->organisation)},
                  {"purpose", ledger::LedgerText(grant.layer->purpose)},
                  {"object", grant.header.object},
                  {"dataset", snapshot.dataset.dataset},
                  {"version", std::to_string(snapshot.dataset.version)},
                  {"snapshot", snapshot.id},
                  {"snapshot_root", snapshot.root.Hex()},
                  {"visa", ledger::LedgerText(grant.visa.id)},
                  {"visa_source", ledger::LedgerText(grant.visa.source)},
                  {"recipient_sha256", HexEncode(crypto::Sha256(recipient))}};
  entry.numbers = {{"epoch", snapshot.epoch}, {"slots", snapshot.slots}};
  entry.commitments = {{"researcher", researcher.value}};
  GF_ASSIGN(const std::int64_t index, with_.ledger.Add(tx, "consent", key, entry));
  GF_TRY(tx.ledger().KeepOpening(index, "researcher", researcher.key, person));
  return index;
}

Result<ReaderAccess::Opened> ReaderAccess::TryOpen(const Context& ctx, const Question& question,
                                                   const std::string& passport,
                                                   const std::string& recipient) {
  GF_ASSIGN(const Grant grant, JudgeClient(ctx, question, passport));
  GF_ASSIGN(const std::string key, RecipientOf(*grant.layer, recipient));
  if (!crypt4gh::PublicKey::FromRaw(key).ok())
    return InvalidField("recipient", "RECIPIENT_INVALID",
                        "must be an X25519 public key of 32 bytes");
  // First without a snapshot: nothing is logged for what is refused.
  GF_ASSIGN(Cohort cohort, with_.cohorts.Run(ctx, grant.header.dataset, UseOf(*grant.layer), false));
  if (!EverybodyPermits(cohort)) return CohortNotPermitted();
  GF_ASSIGN(cohort, with_.cohorts.Run(ctx, grant.header.dataset, UseOf(*grant.layer), true));
  if (!EverybodyPermits(cohort)) return CohortNotPermitted();
  const User& user = *ctx.principal().user;
  Opened opened{HexEncode(with_.random.Bytes(kNameBytes)), grant.until, 0};
  const Status logged = with_.ledger.Write(ctx, [&](Transaction& tx) -> Status {
    GF_TRY(CheckUnchanged(tx, with_.rules, cohort.snapshot->id, grant.header.dataset));
    GF_ASSIGN(opened.ledger_index, Log(tx, user, grant, *cohort.snapshot, key));
    return absl::OkStatus();
  });
  GF_TRY(logged);
  GF_TRY(Keep(opened.access, {question.object, grant.header.dataset, user.client_id, user.token_key,
                              user.issuer, user.subject, passport, key, cohort.snapshot->id,
                              opened.ledger_index, grant.until}));
  GF_LOG(ctx, info, "access.opened", {"object", question.object}, {"client", user.client_id},
         {"ledger_index", opened.ledger_index});
  return opened;
}

Status ReaderAccess::Keep(const std::string& name, Access access) {
  MutexLock lock(mutex_);
  if (open_.size() >= kMaxOpen) {
    std::erase_if(open_, [now = with_.rules.clock.Now()](const auto& row) { return row.second.expires <= now; });
  }
  if (open_.size() >= kMaxOpen)
    return Error(StatusCode::kResourceExhausted, "TOO_MANY_ACCESSES",
                 "too many accesses are open; try again later");
  open_[crypto::Sha256(name)] = std::move(access);
  return absl::OkStatus();
}

Result<ReaderAccess::Access> ReaderAccess::Find(const Context& ctx, const std::string& name) const {
  GF_CHECK(ctx.principal().user.has_value());
  const User& user = *ctx.principal().user;
  MutexLock lock(mutex_);
  const auto found = open_.find(crypto::Sha256(name));
  if (found == open_.end()) return AccessUnknown();
  const Access& access = found->second;
  if (access.expires <= with_.rules.clock.Now() || access.issuer != user.issuer || access.subject != user.subject ||
      access.client != user.client_id || access.token_key != user.token_key) {
    return AccessUnknown();
  }
  return access;
}

Result<ReaderAccess::Access> ReaderAccess::Recheck(const Context& ctx, const std::string& name,
                                                   const std::string& peer) {
  GF_ASSIGN(Access access, Find(ctx, name));
  GF_ASSIGN(const SmartLayer* layer, FindLayer(site_.layers, *ctx.principal().user, peer));
  GF_TRY(CheckDataset(*layer, access.dataset.dataset));
  GF_TRY(JudgePassport(ctx, access.passport, access.dataset.dataset));
  return access;
}

Result<ReaderAccess::Permitted> ReaderAccess::TryCheck(const Context& ctx, const Question& question,
                                                       const std::string& access_name) {
  GF_ASSIGN(const Access access, Recheck(ctx, access_name, question.peer));
  if (access.object != question.object) return AccessUnknown();
  GF_TRY(with_.ledger.CheckNotFrozen());
  GF_TRY(with_.store.Read(ctx, [&](Transaction& tx) -> Status {
    return StillPermitted(tx, with_.rules, access.snapshot, access.dataset);
  }));
  return Permitted{access.dataset, access.expires};
}

Result<std::string> ReaderAccess::TryRelease(const Context& ctx, const Question& question,
                                             const std::string& access_name,
                                             const std::vector<std::uint64_t>& edit_list) {
  if (edit_list.size() > kMaxEditList)
    return InvalidField("edit_list", "EDIT_LIST_TOO_LONG", "at most {} lengths", kMaxEditList);
  GF_ASSIGN(const Access access, Recheck(ctx, access_name, question.peer));
  if (access.object != question.object) return AccessUnknown();
  GF_ASSIGN(const HeaderRow header, FindHeader(ctx, access.object));
  GF_ASSIGN(std::string out,
            with_.keys.HeaderFor(header, access.recipient, access.client, edit_list));
  const Status logged = with_.ledger.Write(ctx, [&](Transaction& tx) -> Status {
    GF_TRY(StillPermitted(tx, with_.rules, access.snapshot, access.dataset));
    return with_.keys.LogRelease(
        tx,
        fmt::format("access-release:{}:{}", access.ledger_index,
                    DigestOfRelease(access.object, access.recipient, edit_list)),
        1,
        {{"client", access.client},
         {"object", access.object},
         {"dataset", access.dataset.dataset},
         {"version", std::to_string(access.dataset.version)}});
  });
  GF_TRY(logged);
  return out;
}

Result<std::string> ReaderAccess::TryReleaseIndex(const Context& ctx, const Question& index,
                                                  const std::string& access_name,
                                                  const std::string& recipient) {
  GF_ASSIGN(const Access access, Recheck(ctx, access_name, index.peer));
  GF_ASSIGN(const HeaderRow header, FindHeader(ctx, index.object));
  if (header.role != "index" || header.dataset != access.dataset) {
    return Error(StatusCode::kPermissionDenied, "NOT_AN_INDEX",
                 "only the index of the access's dataset version");
  }
  GF_ASSIGN(std::string out, with_.keys.HeaderFor(header, recipient, "index", {}));
  const Status logged = with_.ledger.Write(ctx, [&](Transaction& tx) -> Status {
    GF_TRY(StillPermitted(tx, with_.rules, access.snapshot, access.dataset));
    // Each time with another key, but what it tells is the same.
    return with_.keys.LogRelease(tx, fmt::format("index-release:{}", access.ledger_index), 1,
                                 {{"client", access.client},
                                  {"object", index.object},
                                  {"dataset", access.dataset.dataset},
                                  {"version", std::to_string(access.dataset.version)},
                                  {"reason", "planning of regions within the site"}});
  });
  GF_TRY(logged);
  return out;
}

// A client that shows no passport, or names an access that has ended, asks for what it does not
// have yet: only what was shown can be refused. An unknown client is not named: it could call
// itself by any number of names.
void ReaderAccess::LogRefusal(const Context& ctx, const Question& question, const Status& refused) {
  const std::string reason = Reason(refused);
  if (refused.code() != StatusCode::kPermissionDenied || reason == "PASSPORT_MISSING" ||
      reason == "ACCESS_UNKNOWN" || reason == "NOT_AN_INDEX")
    return;
  const auto header = FindHeader(ctx, question.object);
  if (!header.ok()) return;
  const User& user = *ctx.principal().user;
  std::map<std::string, std::string> fields = {
      {"reason", reason},
      {"outcome", "nothing was opened"},
      {"dataset", header->dataset.dataset},
      {"version", std::to_string(header->dataset.version)}};
  const auto layer = std::ranges::find(site_.layers, user.client_id, &SmartLayer::client_id);
  if (layer != site_.layers.end()) {
    fields["client"] = layer->client_id;
    fields["project"] = layer->title;
    fields["organisation"] = layer->organisation;
    fields["purpose"] = layer->purpose;
  }
  denials_.Log(ctx, fields, user.issuer + "|" + user.subject);
}

Result<ReaderAccess::Permitted> ReaderAccess::Judge(const Context& ctx, const Question& question,
                                                    const std::string& passport) {
  return Told(ctx, question, TryJudge(ctx, question, passport));
}

Result<ReaderAccess::Opened> ReaderAccess::Open(const Context& ctx, const Question& question,
                                                const std::string& passport,
                                                const std::string& recipient) {
  return Told(ctx, question, TryOpen(ctx, question, passport, recipient));
}

Result<ReaderAccess::Permitted> ReaderAccess::Check(const Context& ctx, const Question& question,
                                                    const std::string& access) {
  return Told(ctx, question, TryCheck(ctx, question, access));
}

Result<std::string> ReaderAccess::Release(const Context& ctx, const Question& question,
                                          const std::string& access,
                                          const std::vector<std::uint64_t>& edit_list) {
  return Told(ctx, question, TryRelease(ctx, question, access, edit_list));
}

Result<std::string> ReaderAccess::ReleaseIndex(const Context& ctx, const Question& index,
                                               const std::string& access,
                                               const std::string& recipient) {
  return Told(ctx, index, TryReleaseIndex(ctx, index, access, recipient));
}

}  // namespace genofed::consent
