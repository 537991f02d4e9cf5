// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/witness.h"

#include <gtest/gtest.h>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/http/problem.h"
#include "libs/ledger/checkpoint.h"
#include "services/consent/app/cosigning.h"
#include "services/consent/app/memory_witness_store.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
namespace {

using testing::HasCode;
using testing::HasReason;
using testing::IsOk;

ledger::NoteSigner Signer(const std::string& name, ledger::SignatureType type, char seed) {
  return ledger::NoteSigner::Create(name, type,
                                    crypto::Ed25519Key::FromSeed(std::string(32, seed)).value())
      .value();
}

// A site with its ledger and its witness, watched by others through PeerOf.
struct Site {
  explicit Site(const std::string& the_name, const std::vector<std::string>& others,
                bool hub = false)
      : name(the_name), log_checkpoints(hub) {
    for (const std::string& other : others)
      logs.push_back(
          Signer(other + "/ledger", ledger::SignatureType::kEd25519, other[0]).verifier());
    Start();
  }
  // The process starts (again), over whatever the stores hold.
  void Start() {
    witness.reset();
    ledger = std::make_unique<Ledger>(
        store, clock, Signer(name + "/ledger", ledger::SignatureType::kEd25519, name[0]));
    GF_CHECK(ledger->Load(ctx).ok());
    Witness::Options options{Signer(name + "/witness", ledger::SignatureType::kCosignature,
                                    static_cast<char>(name[0] + 1)),
                             logs, log_checkpoints,
                             [this](const LedgerAlarm& alarm) { told.push_back(alarm.reason); }};
    witness = std::make_unique<Witness>(std::move(options), witnessed, *ledger, clock);
  }
  void Append(const std::string& what) {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDenied;
    entry.time = ledger->EntryTime();
    entry.fields = {{"reason", what}};
    GF_CHECK(ledger->Append(ctx, "dispatcher", what, ledger::EncodeEntry(entry).value()).ok());
  }
  ledger::Checkpoint Head() {
    return ledger::ParseCheckpoint(ledger::ParseNote(*ledger->Checkpoint(ctx))->text).value();
  }

  const std::string name;
  const bool log_checkpoints;
  std::vector<ledger::NoteVerifier> logs;
  Context ctx = Context::Background();
  testing::FakeClock clock;
  SystemRandom random;
  MemoryStore store;
  MemoryWitnessStore witnessed;
  std::unique_ptr<Ledger> ledger;
  std::unique_ptr<Witness> witness;
  std::vector<std::string> told;  // reasons of alarms
};

// The public address of a site.
struct PeerOf final : LedgerPeerClient {
  explicit PeerOf(Site& the_site) : site(the_site) {}
  Result<Answer> AddCheckpoint(const Context& ctx, const std::string& body) override {
    if (away) return Error(StatusCode::kUnavailable, "AWAY", "away");
    ++asked;
    if (says) return *says;
    GF_ASSIGN(auto answer, site.witness->AddCheckpoint(ctx, body));
    return Answer{answer.status, answer.body};
  }
  Result<Answer> WitnessedCheckpoint(const Context& ctx,
                                     const std::string& origin_sha256) override {
    if (away) return Error(StatusCode::kUnavailable, "AWAY", "away");
    if (shows) return *shows;
    const auto note = site.witness->Checkpoint(ctx, origin_sha256);
    return note.ok() ? Answer{200, *note} : Answer{404, ""};
  }
  Result<Answer> LedgerFile(const Context& ctx, const std::string& path) override {
    if (away) return Error(StatusCode::kUnavailable, "AWAY", "away");
    if (const auto file = files.find(path); file != files.end()) return file->second;
    auto content =
        path == "checkpoint" ? site.ledger->Published(ctx) : site.ledger->Tile(ctx, path);
    if (content.ok()) return Answer{200, *content};
    return Answer{http::HttpStatusOf(content.status()), ""};
  }
  Site& site;
  bool away = false;
  int asked = 0;
  // What it says instead of the truth.
  std::optional<Answer> says, shows;
  std::map<std::string, Answer> files;
};

ledger::NoteVerifier LogKey(const std::string& site) {
  return Signer(site + "/ledger", ledger::SignatureType::kEd25519, site[0]).verifier();
}
ledger::NoteVerifier WitnessKey(const std::string& site) {
  return Signer(site + "/witness", ledger::SignatureType::kCosignature,
                static_cast<char>(site[0] + 1))
      .verifier();
}

// One site that is a node, and how it sees the other two.
class WitnessTest : public ::testing::Test {
 protected:
  LedgerPeer Peer(Site& site, PeerOf& other, Candidates& candidates) {
    return LedgerPeer({LogKey(other.site.name), WitnessKey(other.site.name)}, other, *site.ledger,
                      candidates, *site.witness, site.clock, site.random);
  }
  // fi's process starts anew.
  void Restart() {
    fi_.Start();
    candidates_.emplace(*fi_.ledger, fi_.clock, 2, 1);
    to_hub_.emplace(Peer(fi_, hub_at_, *candidates_));
    to_es_.emplace(Peer(fi_, es_at_, *candidates_));
  }
  void Rewrite(std::size_t index, const std::string& reason) {
    ledger::Entry entry = *ledger::DecodeEntry(fi_.store.state.ledger[index].first.entry);
    entry.fields["reason"] = reason;
    const std::string bytes = *ledger::EncodeEntry(entry);
    auto& [stored, added] = fi_.store.state.ledger[index];
    stored.entry = added.entry = bytes;
    added.leaf = ledger::LeafHash(bytes);
  }
  std::string CosignersOf(const std::string& note) {
    std::string names;
    const ledger::Note parsed = *ledger::ParseNote(note);
    for (const auto& s : parsed.signatures) names += s.name + " ";
    return names;
  }

  Context ctx_ = Context::Background();
  Site hub_{"hub", {"fi", "es"}, true};
  Site fi_{"fi", {"hub", "es"}};
  Site es_{"es", {"hub", "fi"}};
  PeerOf hub_at_{hub_}, es_at_{es_}, fi_at_{fi_};
  std::optional<Candidates> candidates_{std::in_place, *fi_.ledger, fi_.clock, 2, 1};
  std::optional<LedgerPeer> to_hub_{Peer(fi_, hub_at_, *candidates_)},
      to_es_{Peer(fi_, es_at_, *candidates_)};
};

TEST_F(WitnessTest, WhatWasCosignedIsPublishedAndLoggedAtTheHub) {
  fi_.Append("a");
  fi_.Append("b");
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  ASSERT_THAT(to_es_->Submit(ctx_), IsOk());
  EXPECT_EQ(CosignersOf(*fi_.ledger->Published(ctx_)), "fi/ledger hub/witness es/witness ");
  EXPECT_EQ(hub_.witnessed.logs.at("fi/ledger").tree.size, 2u);
  EXPECT_EQ(es_.witnessed.logs.at("fi/ledger").tree.root, fi_.Head().root);

  ASSERT_EQ(hub_.store.state.ledger.size(), 1u);
  const auto entry = *ledger::DecodeEntry(hub_.store.state.ledger[0].first.entry);
  EXPECT_EQ(entry.kind, ledger::EntryKind::kCheckpoint);
  EXPECT_EQ(entry.fields.at("log"), "fi/ledger");
  EXPECT_EQ(entry.fields.at("log_root"), fi_.Head().root.Hex());
  EXPECT_EQ(entry.numbers.at("log_size"), 2);
  const std::string note = *Base64Decode(entry.fields.at("checkpoint"));
  EXPECT_EQ(ledger::OpenCheckpoint(note, LogKey("fi"))->size, 2u);
  EXPECT_TRUE(es_.store.state.ledger.empty()) << "only the hub logs";
  EXPECT_EQ(
      ledger::OpenCheckpoint(
          *hub_.witness->Checkpoint(ctx_, HexEncode(crypto::Sha256("fi/ledger"))), LogKey("fi"))
          ->size,
      2u);
  EXPECT_THAT(hub_.witness->Checkpoint(ctx_, std::string(64, '0')), HasReason("LOG_UNKNOWN"));
}

TEST_F(WitnessTest, ACheckpointIsAskedForOnceAndGrowthIsProven) {
  for (int i = 0; i < 5; ++i) {
    fi_.Append(std::to_string(i));
    fi_.clock.Advance(std::chrono::seconds(1));
    ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
    ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  }
  EXPECT_EQ(hub_at_.asked, 5);
  EXPECT_EQ(hub_.witnessed.logs.at("fi/ledger").tree.size, 5u);
  // A new process learns the size from the witness.
  fi_.Append("more");
  Restart();
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(hub_.witnessed.logs.at("fi/ledger").tree.size, 6u);
  EXPECT_TRUE(hub_.told.empty());
  EXPECT_TRUE(fi_.told.empty());
}

TEST_F(WitnessTest, AnUnwitnessedCheckpointIsShownAfterAWhile) {
  fi_.Append("a");
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  fi_.Append("b");
  fi_.clock.Advance(std::chrono::seconds(1));
  hub_at_.away = es_at_.away = true;
  EXPECT_THAT(to_hub_->Submit(ctx_), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(ledger::OpenCheckpoint(*fi_.ledger->Published(ctx_), LogKey("fi"))->size, 1u);
  fi_.clock.Advance(Candidates::kPatience);
  EXPECT_THAT(to_hub_->Submit(ctx_), HasCode(StatusCode::kUnavailable));
  EXPECT_EQ(ledger::OpenCheckpoint(*fi_.ledger->Published(ctx_), LogKey("fi"))->size, 2u);
  EXPECT_EQ(candidates_->unwitnessed(), 1u);
  fi_.Append("c");
  hub_at_.away = false;
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(CosignersOf(*fi_.ledger->Published(ctx_)), "fi/ledger hub/witness ");
  EXPECT_EQ(ledger::OpenCheckpoint(*fi_.ledger->Published(ctx_), LogKey("fi"))->size, 3u);
}

TEST_F(WitnessTest, WhatIsShownAfterARestartNeverGetsSmaller) {
  const auto shown = [&] {
    return ledger::OpenCheckpoint(*fi_.ledger->Published(ctx_), LogKey("fi"))->size;
  };
  fi_.Append("a");
  Restart();
  fi_.Append("b");
  EXPECT_EQ(shown(), 2u);
  hub_at_.away = true;
  EXPECT_THAT(to_hub_->Submit(ctx_), HasCode(StatusCode::kUnavailable));
  fi_.Append("c");
  EXPECT_EQ(shown(), 2u) << "the witnesses are being asked for two";
  hub_at_.away = false;
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(CosignersOf(*fi_.ledger->Published(ctx_)), "fi/ledger hub/witness ");
  EXPECT_EQ(shown(), 2u);
  fi_.clock.Advance(std::chrono::seconds(1));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(shown(), 3u);
}

TEST_F(WitnessTest, AWitnesssWordAloneFreezesNothing) {
  fi_.Append("a");
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  const LedgerPeerClient::Answer cosigned =
      *hub_at_.WitnessedCheckpoint(ctx_, HexEncode(crypto::Sha256("fi/ledger")));
  ASSERT_EQ(cosigned.status, 200);
  fi_.Append("b");
  fi_.clock.Advance(std::chrono::seconds(1));
  // Larger, but signed by somebody else.
  const std::string forged =
      *ledger::SignCheckpoint({"fi/ledger", 9, ledger::EmptyRoot(), {}},
                              Signer("fi/ledger", ledger::SignatureType::kEd25519, 'x'));
  for (const LedgerPeerClient::Answer& says :
       {LedgerPeerClient::Answer{409, "9223372036854775807\n"}, {409, "3\n"}, {422, ""}}) {
    for (const LedgerPeerClient::Answer& shows :
         {LedgerPeerClient::Answer{404, ""}, {200, ""}, {200, "3\n"}, {200, forged}, cosigned}) {
      hub_at_.says = says;
      hub_at_.shows = shows;
      EXPECT_THAT(to_hub_->Submit(ctx_), HasReason("WITNESS_REFUSED"));
    }
  }
  EXPECT_TRUE(fi_.told.empty());
  fi_.Append("still taken");
  hub_at_.says.reset();
  hub_at_.shows.reset();
  EXPECT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(hub_.witnessed.logs.at("fi/ledger").tree.size, 2u);
}

TEST_F(WitnessTest, ARewrittenHistoryFreezesItsSiteAndAlarmsTheWitness) {
  fi_.Append("a");
  fi_.Append("b");
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  Rewrite(0, "never happened");
  Restart();
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(hub_.told, std::vector<std::string>{"LEDGER_FORKED"});
  EXPECT_EQ(fi_.told, std::vector<std::string>{"LEDGER_FORKED"});
  // The evidence is two signed notes.
  const auto alarm = hub_.witness->List(ctx_)->alarms.at(0);
  const auto known = *ledger::OpenCheckpoint(alarm.known, LogKey("fi")),
             seen = *ledger::OpenCheckpoint(alarm.seen, LogKey("fi"));
  EXPECT_EQ(known.size, seen.size);
  EXPECT_NE(known.root, seen.root);
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kDenied;
  entry.time = fi_.ledger->EntryTime();
  entry.fields = {{"reason", "x"}};
  EXPECT_THAT(fi_.ledger->Append(ctx_, "dispatcher", "k", *ledger::EncodeEntry(entry)),
              HasReason("LEDGER_FROZEN"));
  EXPECT_THAT(fi_.ledger->Checkpoint(ctx_), IsOk()) << "it can still be looked at";
  // Told once.
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(hub_.told.size(), 1u);
}

TEST_F(WitnessTest, ARestoredBackupFreezesItself) {
  for (int i = 0; i < 3; ++i) fi_.Append(std::to_string(i));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  fi_.store.state.ledger.pop_back();
  Restart();
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_EQ(fi_.told, std::vector<std::string>{"LEDGER_BEHIND"});
  const auto alarm = fi_.witness->List(ctx_)->alarms.at(0);
  EXPECT_EQ(ledger::OpenCheckpoint(alarm.known, LogKey("fi"))->size, 3u) << "what it has to mend";
  EXPECT_EQ(ledger::OpenCheckpoint(alarm.seen, LogKey("fi"))->size, 2u);
  EXPECT_TRUE(hub_.told.empty()) << "an old checkpoint proves nothing";
  EXPECT_THAT(fi_.ledger->Epoch(ctx_), HasReason("LEDGER_FROZEN")) << "it may lack withdrawals";
}

TEST_F(WitnessTest, AStartAsksAWitnessBeforeItServes) {
  for (int i = 0; i < 3; ++i) fi_.Append(std::to_string(i));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  // A good one: who answers first is enough.
  Restart();
  AskFirst({&*to_hub_, &*to_es_}, [] { return false; });
  EXPECT_EQ(es_at_.asked, 0);
  EXPECT_THAT(fi_.ledger->Epoch(ctx_), IsOk());
  // A restored backup, whose witnesses are not there at first.
  fi_.store.state.ledger.pop_back();
  hub_at_.away = es_at_.away = true;
  Restart();
  int tries = 0;
  AskFirst({&*to_es_, &*to_hub_}, [&] {
    hub_at_.away = ++tries < 2;
    return tries < 5;
  });
  EXPECT_EQ(tries, 3);
  EXPECT_THAT(fi_.ledger->Epoch(ctx_), HasReason("LEDGER_FROZEN"));
  // Where nobody answers it opens in the end.
  hub_at_.away = true;
  Restart();
  tries = 0;
  AskFirst({&*to_es_, &*to_hub_}, [&] { return ++tries < 5; });
  EXPECT_EQ(tries, 5);
  EXPECT_THAT(fi_.ledger->Epoch(ctx_), IsOk());
}

TEST_F(WitnessTest, WatchingSeesWhatWasNeverSubmitted) {
  std::optional<Candidates> of_hub(std::in_place, *hub_.ledger, hub_.clock, 2, 1);
  LedgerPeer hub_to_fi = Peer(hub_, fi_at_, *of_hub);
  EXPECT_THAT(hub_to_fi.Watch(ctx_), IsOk()) << "not known yet";
  for (int i = 0; i < 300; ++i) fi_.Append(std::to_string(i));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  fi_.Append("more");
  Restart();  // shows what nobody cosigned
  EXPECT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_TRUE(hub_.told.empty());

  Rewrite(100, "never happened");
  Restart();
  EXPECT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_EQ(hub_.told, std::vector<std::string>{"LEDGER_FORKED"});

  fi_.store.state.ledger.resize(200);
  Restart();
  EXPECT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_EQ(hub_.told.back(), "LEDGER_ROLLED_BACK");
  fi_at_.away = true;
  EXPECT_THAT(hub_to_fi.Watch(ctx_), HasCode(StatusCode::kUnavailable));
}

TEST_F(WitnessTest, WatchersReadTheNewestEntriesAndSomeOlderOnes) {
  std::optional<Candidates> of_hub(std::in_place, *hub_.ledger, hub_.clock, 2, 1);
  LedgerPeer hub_to_fi = Peer(hub_, fi_at_, *of_hub);
  for (int i = 0; i < 300; ++i) fi_.Append(std::to_string(i));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  ASSERT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_TRUE(hub_.told.empty());
  // A site that lies about what its entries say; its tiles do not.
  const std::string served = *fi_.ledger->Tile(ctx_, "tile/entries/000");
  std::string changed = served;
  changed[changed.find("\"99\"") + 1] = '8';
  fi_at_.files = {{"tile/entries/000", {200, changed}}};
  ASSERT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_TRUE(hub_.told.empty()) << "not every second";
  hub_.clock.Advance(LedgerPeer::kReadEvery);
  ASSERT_THAT(hub_to_fi.Watch(ctx_), IsOk()) << "although the checkpoint has not changed";
  EXPECT_EQ(hub_.told, std::vector<std::string>{"LEDGER_DAMAGED"});
  hub_.clock.Advance(LedgerPeer::kReadEvery);
  ASSERT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_EQ(hub_.told.size(), 1u) << "told once";
  // What was not to be had proves nothing, and is asked for again.
  for (const auto& [answer, alarm] : {std::pair(LedgerPeerClient::Answer{503, ""}, false),
                                      {{404, ""}, true},
                                      {{200, "short"}, true}}) {
    Site other("es", {"hub", "fi"});
    other.witnessed.logs = hub_.witnessed.logs;
    fi_at_.files = {{"tile/entries/001.p/44", answer}};
    LedgerPeer watcher = Peer(other, fi_at_, *of_hub);
    EXPECT_EQ(watcher.Watch(ctx_).ok(), alarm);
    EXPECT_EQ(other.told.size(), alarm ? 1u : 0u);
    fi_at_.files.clear();
    EXPECT_THAT(watcher.Watch(ctx_), IsOk());
  }
}

TEST_F(WitnessTest, AnEntryThatWasRewrittenAlarmsItsSiteAndItsWatchers) {
  std::optional<Candidates> of_hub(std::in_place, *hub_.ledger, hub_.clock, 2, 1);
  LedgerPeer hub_to_fi = Peer(hub_, fi_at_, *of_hub);
  for (int i = 0; i < 5; ++i) fi_.Append(std::to_string(i));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  EXPECT_FALSE(*fi_.witness->AccuseOwn(ctx_));
  std::string& entry = fi_.store.state.ledger[3].first.entry;  // and not its leaf
  entry.replace(entry.find("\"3\""), 3, "\"7\"");
  ASSERT_THAT(hub_to_fi.Watch(ctx_), IsOk());
  EXPECT_EQ(hub_.told, std::vector<std::string>{"LEDGER_DAMAGED"}) << "the site refuses to show it";
  EXPECT_TRUE(*fi_.witness->AccuseOwn(ctx_));
  EXPECT_TRUE(*fi_.witness->AccuseOwn(ctx_));
  EXPECT_EQ(fi_.told, std::vector<std::string>{"LEDGER_DAMAGED"}) << "told once";
  const LedgerAlarm alarm = fi_.witness->List(ctx_)->alarms.at(0);
  EXPECT_EQ(alarm.origin, "fi/ledger");
  EXPECT_EQ(alarm.detail, "entry 3 is not the one that was appended");
}

TEST_F(WitnessTest, WatchingTakesNoFileForAnAnswer) {
  using Answer = LedgerPeerClient::Answer;
  std::optional<Candidates> of_hub(std::in_place, *hub_.ledger, hub_.clock, 2, 1);
  for (int i = 0; i < 200; ++i) fi_.Append(std::to_string(i));
  const Answer older{200, *fi_.ledger->Checkpoint(ctx_)};
  for (int i = 200; i < 300; ++i) fi_.Append(std::to_string(i));
  ASSERT_THAT(to_hub_->Submit(ctx_), IsOk());
  fi_.Append("more");
  Restart();
  const auto alarms = [&](std::map<std::string, Answer> files) {
    hub_.told.clear();
    hub_.witnessed.alarms.clear();
    fi_at_.files = std::move(files);
    EXPECT_THAT(Peer(hub_, fi_at_, *of_hub).Watch(ctx_), IsOk());
    return hub_.told;
  };
  const std::vector<std::string> damaged{"LEDGER_DAMAGED"};
  EXPECT_EQ(alarms({{"tile/0/001.p/45", {404, ""}}}), damaged);
  EXPECT_EQ(alarms({{"tile/0/001.p/45", {200, "short"}}}), damaged);
  EXPECT_EQ(alarms({{"tile/0/001.p/45", {200, std::string(45 * 32, 'x')}}}), damaged);
  EXPECT_TRUE(alarms({{"checkpoint", older}}).empty()) << "a little behind";
  EXPECT_EQ(alarms({{"checkpoint", older}, {"tile/0/001.p/44", {200, "short"}}}), damaged);
  EXPECT_EQ(alarms({{"checkpoint", older}, {"tile/0/001.p/44", {404, ""}}}),
            std::vector<std::string>{"LEDGER_ROLLED_BACK"});
  // What was not to be had proves nothing.
  hub_.told.clear();
  fi_at_.files = {{"tile/0/001.p/45", {503, ""}}};
  EXPECT_THAT(Peer(hub_, fi_at_, *of_hub).Watch(ctx_), HasCode(StatusCode::kUnavailable));
  EXPECT_TRUE(hub_.told.empty());
}

TEST_F(WitnessTest, AnswersAsTheProtocolSays) {
  auto ask = [&](const std::string& body) { return *hub_.witness->AddCheckpoint(ctx_, body); };
  EXPECT_EQ(ask("nonsense").status, 400);
  const std::string note = *fi_.ledger->Checkpoint(ctx_);
  EXPECT_EQ(ask("old 0\n\n" + note).status, 200);
  EXPECT_EQ(ask("old 1\n\n" + note).status, 400);
  fi_.Append("a");
  const std::string grown = *fi_.ledger->Checkpoint(ctx_);
  EXPECT_EQ(ask("old 0\n\n" + grown).status, 200);
  const auto conflict = ask("old 0\n\n" + grown);
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(conflict.content_type, "text/x.tlog.size");
  EXPECT_EQ(conflict.body, "1\n");
  EXPECT_EQ(ask("old 1\n" + ledger::EmptyRoot().Base64() + "\n\n" + grown).status, 422);
  EXPECT_TRUE(hub_.told.empty()) << "a wrong proof accuses nobody";
  Site other("ru", {});
  EXPECT_EQ(ask("old 0\n\n" + *other.ledger->Checkpoint(ctx_)).status, 404);
  const auto forged =
      ledger::SignCheckpoint({"fi/ledger", 0, ledger::EmptyRoot(), {}},
                             Signer("fi/ledger", ledger::SignatureType::kEd25519, 'x'));
  EXPECT_EQ(ask("old 0\n\n" + *forged).status, 403);
}

}  // namespace
}  // namespace genofed::consent
