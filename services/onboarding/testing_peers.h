// SPDX-License-Identifier: Apache-2.0
//
// Peers and a store that a test can make fail or die at any step.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "libs/core/strings.h"
#include "libs/crypt4gh/header.h"
#include "libs/crypt4gh/key.h"
#include "libs/crypto/hash.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding::test {

// Kills the "process" at its n-th step: from then on nothing reaches the database or a peer.
class Crash {
 public:
  void Arm(int step) {
    step_ = step;
    count_ = 0;
    stop_ = {};
  }
  bool Dead() {
    if (++count_ == step_) stop_.request_stop();
    return stop_.stop_requested();
  }
  static Status Gone() { return Error(StatusCode::kCancelled, "KILLED", "the process was killed"); }
  std::stop_token token() const { return stop_.get_token(); }
  bool fired() const { return stop_.stop_requested(); }

 private:
  int step_ = 0;
  int count_ = 0;
  std::stop_source stop_;
};

// Runs `call` with a chance to die before and after it.
template <typename Call>
auto Mortal(Crash& crash, Call call) -> decltype(call()) {
  if (crash.Dead()) return Crash::Gone();
  auto result = call();
  if (crash.Dead()) return Crash::Gone();
  return result;
}

// As the consent service answers: rows by rank of the pseudonym, the same answer when asked again.
class FakeConsent final : public ConsentClient {
 public:
  explicit FakeConsent(Crash& crash) : crash_(crash), key_(crypt4gh::SecretKey::Generate(random_)) {}

  Result<std::vector<RegisteredSubject>> Register(const Context&, const Registration& version,
                                                  std::span<const SubjectConsent> subjects) override {
    if (away > 0 && away-- > 0) return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "away");
    return Mortal(crash_, [&]() -> Result<std::vector<RegisteredSubject>> {
      std::map<std::string, std::uint8_t> asked;
      for (const SubjectConsent& subject : subjects) asked[subject.person_identifier] = subject.permissions;
      auto [known, fresh] = registrations.try_emplace({version.dataset, version.version}, asked);
      if (!fresh && known->second != asked) {
        return Error(StatusCode::kFailedPrecondition, "VERSION_REGISTERED", "with other subjects");
      }
      auto& all = rows[{version.dataset, version.version}];
      if (fresh) AddRows(version, asked, all);
      std::vector<RegisteredSubject> answers;
      for (const SubjectConsent& subject : subjects) {
        const std::string pseudonym = Pseudonym(subject.person_identifier);
        auto row = std::ranges::find(all, pseudonym);
        if (row == all.end())
          answers.push_back(
              {false, "", -1, wants_to_be_forgotten.contains(subject.person_identifier)});
        else answers.push_back({true, pseudonym, static_cast<std::int32_t>(row - all.begin())});
      }
      return answers;
    });
  }

  Result<int> AdultAge(const Context&) override { return 18; }

  Result<std::vector<std::string>> Pseudonyms(const Context&, const std::string& dataset,
                                              std::int32_t version) override {
    return Mortal(crash_, [&]() -> Result<std::vector<std::string>> { return rows[{dataset, version}]; });
  }

  Status DestroyHeaders(const Context&, const std::string&, const std::vector<std::string>& objects) override {
    return Mortal(crash_, [&]() -> Status {
      if (objects.empty()) headers.clear();
      for (const std::string& object : objects) headers.erase(object);
      return absl::OkStatus();
    });
  }

  // In all versions; the rows stay, as nobody's. Whoever was left out of a version has row -1.
  void Forget(const std::string& person, const std::string& dataset = "") {
    const std::string stranger = HexEncode(random_.Bytes(16));
    for (auto& [version, pseudonyms] : rows) {
      if (!dataset.empty() && version.first != dataset) continue;
      const auto row = std::ranges::find(pseudonyms, Pseudonym(person));
      const bool has_row = row != pseudonyms.end();
      const auto asked = registrations.find(version);
      if (!has_row && (asked == registrations.end() || !asked->second.contains(person))) continue;
      const auto at = static_cast<std::int32_t>(row - pseudonyms.begin());
      forgotten.push_back({version.first, version.second, has_row ? at : -1});
      if (has_row) *row = stranger;
    }
  }
  // Twenty rows a page.
  Result<ForgottenPage> Forgotten(const Context&, std::int64_t after) override {
    return Mortal(crash_, [&]() -> Result<ForgottenPage> {
      ForgottenPage page;
      auto at = static_cast<std::size_t>(after);
      while (at < forgotten.size() && page.rows.size() < 20) page.rows.push_back(forgotten[at++]);
      if (at < forgotten.size()) page.next = static_cast<std::int64_t>(at);
      return page;
    });
  }
  Result<std::string> ReleaseForErasure(const Context&, const std::string& object,
                                        const std::string& recipient) override {
    return Mortal(crash_, [&]() -> Result<std::string> {
      const auto found = headers.find(object);
      if (found == headers.end()) return Error(StatusCode::kNotFound, "OBJECT_UNKNOWN", "no header");
      GF_ASSIGN(const auto key, crypt4gh::PublicKey::FromRaw(recipient));
      return crypt4gh::Reencrypt(found->second, key_, key, random_);
    });
  }

  Status Log(const Context&, const std::string& key, const DatasetEvent& event) override {
    return Mortal(crash_, [&]() -> Status {
      events.emplace(key, event);
      return absl::OkStatus();
    });
  }

  Result<std::string> EncryptionKey(const Context&) override {
    if (away_for_keys > 0 && away_for_keys-- > 0)
      return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "away");
    return Mortal(crash_, [&]() -> Result<std::string> { return key_.public_key().raw(); });
  }

  Status StoreHeader(const Context&, const std::string& dataset, std::int32_t version,
                     const ObjectRecord& object) override {
    return Mortal(crash_, [&]() -> Status {
      stored_for_.try_emplace(object.id, dataset, version);
      auto [known, fresh] = headers.try_emplace(object.id, object.header);
      if (known->second == object.header) return absl::OkStatus();
      return Error(StatusCode::kAlreadyExists, "HEADER_EXISTS", "another header is kept");
    });
  }

  // Whether a run of the version is given the object's header: it was stored for that version, or
  // for one that it goes on from.
  bool IsOfRun(const std::string& object, const std::string& dataset, std::int32_t version) const {
    const auto stored = stored_for_.find(object);
    if (stored == stored_for_.end() || !headers.contains(object)) return false;
    while (version > stored->second.second) version = bases_.at({dataset, version});
    return stored->second == std::pair(dataset, version);
  }

  static std::string Pseudonym(const std::string& person) {
    return HexEncode(crypto::HmacSha256("key", person)).substr(0, 32);
  }
  const crypt4gh::SecretKey& key() const { return key_; }

  std::map<std::pair<std::string, std::int32_t>, std::map<std::string, std::uint8_t>> registrations;
  std::map<std::pair<std::string, std::int32_t>, std::vector<std::string>> rows;  // pseudonyms of a version
  std::map<std::string, std::string> headers;
  std::map<std::string, DatasetEvent> events;
  std::vector<ForgottenRow> forgotten;
  std::set<std::string> wants_to_be_forgotten;  // persons
  int away = 0;
  int away_for_keys = 0;

 private:
  // Rows of the base, then the new ones by pseudonym.
  void AddRows(const Registration& version, const std::map<std::string, std::uint8_t>& asked,
               std::vector<std::string>& all) {
    bases_[{version.dataset, version.version}] = version.base_version;
    all = rows[{version.dataset, version.base_version}];
    std::set<std::string> added;
    for (const auto& [person, bits] : asked) {
      const bool in_base = std::ranges::find(all, Pseudonym(person)) != all.end();
      if (bits != 0 && !in_base && !version.follow_up && !wants_to_be_forgotten.contains(person))
        added.insert(Pseudonym(person));
    }
    all.insert(all.end(), added.begin(), added.end());
  }

  Crash& crash_;
  SystemRandom random_;
  crypt4gh::SecretKey key_;
  std::map<std::pair<std::string, std::int32_t>, std::int32_t> bases_;
  std::map<std::string, std::pair<std::string, std::int32_t>> stored_for_;  // version of an object
};

class FakePublisher final : public Publisher {
 public:
  explicit FakePublisher(Crash& crash) : crash_(crash) {}
  Result<std::int32_t> ListedVersion(const Context&, const std::string&) override {
    if (decommissioned) return Error(StatusCode::kFailedPrecondition, "DATASET_DECOMMISSIONED", "no");
    return Mortal(crash_, [&]() -> Result<std::int32_t> { return listed; });
  }
  Status PublishIndex(const Context&, const Snapshot& snapshot) override {
    if (refuse_index) return Error(StatusCode::kFailedPrecondition, "INDEX_CORRUPT", "no");
    return Mortal(crash_, [&]() -> Status {
      std::string files;
      for (const SegmentRef& segment : snapshot.segments) files += segment.index_path + " " + segment.manifest_sha256 + " ";
      indices[{snapshot.dataset, snapshot.version}].insert(files + snapshot.individuals_sha256);
      return absl::OkStatus();
    });
  }
  Status ReplaceIndex(const Context& ctx, const Snapshot& snapshot) override {
    if (!refuse_index && !crash_.fired()) indices.erase({snapshot.dataset, snapshot.version});
    return PublishIndex(ctx, snapshot);
  }
  Status SubmitRecord(const Context&, const Submission& submission,
                      const std::vector<InclusionCriterion>& criteria) override {
    if (record_errors > 0 && record_errors-- > 0) return Error(StatusCode::kInvalidArgument, "RECORD_INVALID", "no");
    return Mortal(crash_, [&]() -> Status {
      records[{submission.dataset.id, submission.version}].insert(submission.difference.people_kept +
                                                                    submission.difference.people_added);
      inclusion = criteria;
      return absl::OkStatus();
    });
  }
  Status ActivateRecord(const Context&, const std::string&, std::int32_t version, const std::string&) override {
    return Mortal(crash_, [&]() -> Status {
      listed = version;
      return absl::OkStatus();
    });
  }
  Status WithdrawRecord(const Context&, const std::string&, const std::string&) override {
    return Mortal(crash_, [&]() -> Status {
      decommissioned = true;
      return absl::OkStatus();
    });
  }
  std::map<std::pair<std::string, std::int32_t>, std::set<std::string>> indices;
  std::map<std::pair<std::string, std::int32_t>, std::set<int>> records;
  std::vector<InclusionCriterion> inclusion;
  std::int32_t listed = 0;
  bool decommissioned = false;
  bool refuse_index = false;
  int record_errors = 0;

 private:
  Crash& crash_;
};

class MortalRunStore final : public RunStore {
 public:
  MortalRunStore(RunStore& store, Crash& crash) : store_(store), crash_(crash) {}
  Result<Submission> Load(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.Load(ctx); });
  }
  Status Save(const Context& ctx, const Submission& submission) override {
    return Mortal(crash_, [&] { return store_.Save(ctx, submission); });
  }
  Result<std::int32_t> ReserveVersion(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.ReserveVersion(ctx); });
  }
  Result<std::vector<ObjectRecord>> Objects(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.Objects(ctx); });
  }
  Status PlanObject(const Context& ctx, const std::string& object) override {
    return Mortal(crash_, [&] { return store_.PlanObject(ctx, object); });
  }
  Status AddObject(const Context& ctx, const ObjectRecord& object) override {
    return Mortal(crash_, [&] { return store_.AddObject(ctx, object); });
  }
  Status MarkHeaderStored(const Context& ctx, const std::string& object) override {
    return Mortal(crash_, [&] { return store_.MarkHeaderStored(ctx, object); });
  }
  Status DropQuarantine(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.DropQuarantine(ctx); });
  }
  Status DropObjects(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.DropObjects(ctx); });
  }
  Result<Snapshot> FindSnapshot(const Context& ctx, std::int32_t version) override {
    return Mortal(crash_, [&] { return store_.FindSnapshot(ctx, version); });
  }
  Status AddSnapshot(const Context& ctx, const Snapshot& snapshot) override {
    return Mortal(crash_, [&] { return store_.AddSnapshot(ctx, snapshot); });
  }
  Result<std::vector<UploadedFile>> Inputs(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.Inputs(ctx); });
  }
  Status AddReport(const Context& ctx, const Report& report) override {
    return Mortal(crash_, [&] { return store_.AddReport(ctx, report); });
  }
  Result<std::vector<ObjectRecord>> AllObjects(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.AllObjects(ctx); });
  }
  Status DropAllObjects(const Context& ctx) override {
    return Mortal(crash_, [&] { return store_.DropAllObjects(ctx); });
  }

 private:
  RunStore& store_;
  Crash& crash_;
};

}  // namespace genofed::onboarding::test
