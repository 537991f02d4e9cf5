// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/sql_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "libs/core/file.h"
#include "libs/crypto/hash.h"
#include "libs/ledger/receipt.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/consent/app/audit.h"
#include "services/consent/app/registry.h"
#include "services/consent/app/test_support.h"

namespace genofed::consent {
extern const genofed::EmbeddedFile kMigrations[];
namespace {

using testing::HasReason;
using testing::IsOk;

const DatasetVersion kA1{"GOE-FI-A-1", 1};

// One process of the service: those of a test share the log, as one after another would.
struct Process {
  Process(const sql::DatabaseOptions& options, EntryLog& log, Policy policy = {})
      : database(*sql::Database::Open(options)) {
    GF_CHECK(database->Migrate(kMigrations).ok());
    store = std::make_unique<SqlStore>(*database, log);
    GF_CHECK(store->Open(Context::Background()).ok());
    node = std::make_unique<Node>(*store, std::move(policy));
  }
  std::unique_ptr<sql::Database> database;
  std::unique_ptr<SqlStore> store;
  std::unique_ptr<Node> node;
};

class SqlStoreTest : public ::testing::Test {
 protected:
  std::string Denied(const std::string& why) const {
    ledger::Entry entry;
    entry.kind = ledger::EntryKind::kDenied;
    entry.time = "2026-01-01T00:00:00Z";
    entry.fields = {{"reason", why}};
    return *ledger::EncodeEntry(entry);
  }
  sql::DatabaseOptions options_ = testing::TemporaryPostgres::Get().CreateSchema("consent");
  testing::TemporaryDirectory directory_;
  std::unique_ptr<EntryLog> log_ = *EntryLog::Open(directory_.path());
};

TEST_F(SqlStoreTest, ConcurrentAppendsOfTwoProcessesLeaveNoGapAndNoDuplicate) {
  constexpr int kThreads = 6;
  constexpr int kEach = 20;
  Process one(options_, *log_);
  Process two(options_, *log_);
  std::vector<std::vector<std::int64_t>> indices(kThreads);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        Node& node = t % 2 == 0 ? *one.node : *two.node;
        for (int i = 0; i < kEach; ++i) {
          std::string name = std::to_string(t) + "-" + std::to_string(i);
          auto appended = node.ledger.Append(node.ctx, "dispatcher", name, Denied(name));
          ASSERT_THAT(appended, IsOk());
          indices[static_cast<std::size_t>(t)].push_back(appended->index);
        }
      });
    }
  }
  std::set<std::int64_t> all;
  for (const auto& of_thread : indices) {
    EXPECT_TRUE(std::is_sorted(of_thread.begin(), of_thread.end()));
    all.insert(of_thread.begin(), of_thread.end());
  }
  EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads * kEach));
  EXPECT_EQ(*all.rbegin(), kThreads * kEach - 1);
  // A restart replays the same root.
  ASSERT_THAT(one.node->ledger.Write(one.node->ctx, [](Transaction&) { return absl::OkStatus(); }),
              IsOk());
  ASSERT_THAT(two.node->ledger.Write(two.node->ctx, [](Transaction&) { return absl::OkStatus(); }),
              IsOk());
  Process restarted(options_, *log_);
  EXPECT_EQ(*restarted.node->ledger.Checkpoint(Context::Background()),
            *one.node->ledger.Checkpoint(Context::Background()));
  EXPECT_EQ(*restarted.node->ledger.Checkpoint(Context::Background()),
            *two.node->ledger.Checkpoint(Context::Background()));
}

TEST_F(SqlStoreTest, OneEventSentByManyIsOneEntry) {
  Process one(options_, *log_);
  Process two(options_, *log_);
  std::atomic<int> other_index{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&, t] {
        Node& node = t % 2 == 0 ? *one.node : *two.node;
        auto appended = node.ledger.Append(node.ctx, "dispatcher", "same", Denied("x"));
        if (!appended.ok() || appended->index != 0) ++other_index;
      });
    }
  }
  EXPECT_EQ(other_index, 0);
  EXPECT_EQ(one.node->ledger.List(Context::Background(), 0, 10)->size(), 1u);
  EXPECT_THAT(one.node->ledger.Append(Context::Background(), "dispatcher", "same", Denied("y")),
              HasReason("IDEMPOTENCY_KEY_REUSED"));
}

TEST_F(SqlStoreTest, RequestsThatComeTogetherShareSyncs) {
  constexpr int kThreads = 8;
  constexpr int kEach = 10;
  constexpr int kEntries = 50;
  Process process(options_, *log_);
  const std::uint64_t before = process.database->stats().transactions;
  const std::size_t groups = log_->Groups();
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          std::vector<Ledger::Request> requests;
          for (int e = 0; e < kEntries; ++e) {
            const std::string name = fmt::format("{}-{}-{}", t, i, e);
            requests.push_back({name, Denied(name)});
          }
          auto appended = process.node->ledger.AppendAll(process.node->ctx, "dispatcher", requests);
          ASSERT_THAT(appended, IsOk());
          // In their order, one after another.
          for (int e = 1; e < kEntries; ++e)
            ASSERT_EQ(appended->indices[static_cast<std::size_t>(e)], appended->indices[0] + e);
        }
      });
    }
  }
  EXPECT_EQ(*process.node->ledger.Size(process.node->ctx), kThreads * kEach * kEntries);
  EXPECT_LT(log_->Groups() - groups, kThreads * kEach);
  EXPECT_EQ(process.database->stats().transactions, before) << "no rows belong to them";
  Process restarted(options_, *log_);
  EXPECT_EQ(*restarted.node->ledger.Checkpoint(Context::Background()),
            *process.node->ledger.Checkpoint(Context::Background()));
}

TEST_F(SqlStoreTest, EntriesCannotBeChangedOrRemoved) {
  Process process(options_, *log_);
  ASSERT_THAT(process.node->mine.Set(process.node->ctx, "p", Bits(4)), IsOk());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(process.database
                     ->Transact(process.node->ctx,
                                [&](sql::Tx& tx) -> Status {
                                  if (i == 0)
                                    return tx.Exec("UPDATE ledger SET entry = ''").status();
                                  if (i == 1) return tx.Exec("DELETE FROM ledger").status();
                                  return tx.Exec("TRUNCATE ledger CASCADE").status();
                                })
                     .ok());
  }
  EXPECT_EQ(process.node->ledger.List(process.node->ctx, 0, 10)->size(), 1u);
}

// Not even by whoever has the files.
TEST_F(SqlStoreTest, AnEntryThatWasRewrittenAllTheSameIsNoticed) {
  Process process(options_, *log_);
  Node& node = *process.node;
  for (const char* key : {"a", "b", "c"})
    ASSERT_THAT(node.ledger.Append(node.ctx, "dispatcher", key, Denied("it happened")), IsOk());
  const auto file = directory_.path() / "00000000000000000000.entries";
  const std::string was = *ReadFile(file);
  const auto rewrite = [&](std::string_view words) {
    std::fstream out(file, std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(static_cast<std::streamoff>(was.rfind("it happened"))) << words;
  };
  EXPECT_THAT(node.ledger.CheckTouched(node.ctx), IsOk());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the file system's clock ticks
  rewrite("it happened");
  EXPECT_EQ(log_->Touched().size(), 1u);
  EXPECT_TRUE(log_->Touched().empty());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  rewrite("it happened");
  EXPECT_THAT(node.ledger.CheckTouched(node.ctx), IsOk()) << "somebody wrote what was there";
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  rewrite("never was! ");
  EXPECT_THAT(node.ledger.CheckTouched(node.ctx), HasReason("LEDGER_DAMAGED")) << "within the interval at which it is asked";
  EXPECT_THAT(node.ledger.List(node.ctx, 0, 10), HasReason("LEDGER_DAMAGED"));
  EXPECT_THAT(node.ledger.Append(node.ctx, "dispatcher", "d", Denied("x")), HasReason("LEDGER_FROZEN"));
  Audit audit(*process.store, node.ledger, node.clock, node.random);
  EXPECT_THAT(audit.Sweep(node.ctx), HasReason("LEDGER_DAMAGED"));
  EXPECT_NE(node.ledger.Damage(), "");
  rewrite("it happened");
  Process mended(options_, *log_);
  Audit again(*mended.store, mended.node->ledger, node.clock, node.random);
  EXPECT_THAT(again.Sweep(node.ctx), IsOk());
  EXPECT_EQ(mended.node->ledger.List(node.ctx, 0, 10)->size(), 3u);
}

// As after a crash in between: whatever the log lacks of what was committed comes from the rows.
TEST_F(SqlStoreTest, EntriesWithRowsComeToTheLogAfterACrash) {
  std::string checkpoint;
  {
    Process process(options_, *log_);
    ASSERT_THAT(process.node->mine.Set(process.node->ctx, "p", Bits(4)), IsOk());
    ASSERT_THAT(process.node->ledger.Append(process.node->ctx, "dispatcher", "a", Denied("x")), IsOk());
    ASSERT_THAT(process.node->mine.Set(process.node->ctx, "p", Bits(5)), IsOk());
    ASSERT_THAT(process.node->mine.Set(process.node->ctx, "p", Bits(6)), IsOk());
    checkpoint = *process.node->ledger.Checkpoint(process.node->ctx);
  }
  const auto file = directory_.path() / "00000000000000000000.entries";
  const std::string whole = *ReadFile(file);
  const auto groups = [&] {
    std::vector<std::size_t> begins;
    for (auto at = whole.find(kGroupMagic); at != std::string::npos; at = whole.find(kGroupMagic, at + 1)) begins.push_back(at);
    return begins;
  }();
  ASSERT_EQ(groups.size(), 4u);
  for (const std::size_t cut : {groups[3], groups[3] + 70, groups[2], groups[2] + 10}) {
    log_.reset();
    std::filesystem::resize_file(file, cut);
    log_ = *EntryLog::Open(directory_.path());
    Process restarted(options_, *log_);
    EXPECT_EQ(*restarted.node->ledger.Checkpoint(restarted.node->ctx), checkpoint) << cut;
    EXPECT_EQ(restarted.node->mine.Get(restarted.node->ctx, "p")->history.size(), 3u);
  }
  // An entry that only the log had is gone for good: that is no crash.
  log_.reset();
  std::filesystem::resize_file(file, groups[1]);
  log_ = *EntryLog::Open(directory_.path());
  auto database = *sql::Database::Open(options_);
  EXPECT_THAT(SqlStore(*database, *log_).Open(Context::Background()), HasReason("LEDGER_BROKEN"));
  EXPECT_EQ(log_->Size(), 1) << "nothing was appended";
}

// Log and rows are two stores; readers see one.
TEST_F(SqlStoreTest, AReaderSeesEntriesWithWhatTheySpeakOf) {
  Process process(options_, *log_);
  Node& node = *process.node;
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"q", Says(7)}}}), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-1"), IsOk());
  ASSERT_THAT(process.store->Read(node.ctx,
                                  [&](Transaction& tx) -> Status {
                                    GF_ASSIGN(const auto before, tx.consent().SnapshotsAfter(-1, 10));
                                    EXPECT_EQ(before.size(), 1u);
                                    // Meanwhile somebody changes their mind, and there is a run over another snapshot.
                                    GF_TRY(node.mine.Set(node.ctx, "p", Bits(0)));
                                    GF_TRY(node.AppendRun(kA1, "run-2"));
                                    GF_ASSIGN(const auto accesses, tx.ledger().Accesses(1000, 10));
                                    EXPECT_EQ(accesses.size(), 1u) << "the other one's snapshot is not in this transaction";
                                    return absl::OkStatus();
                                  }),
              IsOk());
  // Between a commit and the log.
  const std::int64_t size = log_->Size();
  ASSERT_THAT(process.database->Transact(node.ctx,
                                         [&](sql::Tx& tx) {
                                           return tx
                                               .Exec("INSERT INTO ledger VALUES ($1, $2, sha256('\\x00'::bytea || $2::text::bytea), 'consent', 'k', "
                                                     "now(), false)",
                                                     size, Denied("committed"))
                                               .status();
                                         }),
              IsOk());
  const auto look = [&](Transaction& tx) -> Status {
    GF_ASSIGN(const auto rows, tx.ledger().List(size - 1, 5));
    EXPECT_EQ(rows.size(), 2u);
    EXPECT_EQ(rows.back().index, size);
    EXPECT_EQ(rows.back().entry, Denied("committed"));
    return absl::OkStatus();
  };
  EXPECT_THAT(process.store->Read(node.ctx, look), IsOk());
  EXPECT_THAT(process.store->WriteAside(node.ctx, look), IsOk());
  // A row of a later moment than the log as it was read: what lies between is not there yet, and nothing is broken.
  ASSERT_THAT(process.database->Transact(node.ctx,
                                         [&](sql::Tx& tx) {
                                           return tx
                                               .Exec("INSERT INTO ledger VALUES ($1, $2, sha256('\\x00'::bytea || $2::text::bytea), 'consent', 'm', "
                                                     "now(), false)",
                                                     size + 3, Denied("later"))
                                               .status();
                                         }),
              IsOk());
  EXPECT_THAT(process.store->Read(node.ctx, look), IsOk());
  EXPECT_THAT(process.store->WriteAside(node.ctx,
                                        [&](Transaction& tx) {
                                          const NewEntry entry{Denied("x"), ledger::LeafHash(Denied("x")), "consent", "l", node.clock.Now()};
                                          return tx.ledger().AddAll({&entry}).status();
                                        }),
              HasReason("READ_ONLY"));
}

TEST_F(SqlStoreTest, ADatabaseAndItsLogBelongTogether) {
  {
    Process process(options_, *log_);
    ASSERT_THAT(process.node->mine.Set(process.node->ctx, "p", Bits(4)), IsOk());
    EXPECT_EQ(*process.store->MissingRows(process.node->ctx), std::nullopt);
    ASSERT_THAT(process.node->ledger.Append(process.node->ctx, "dispatcher", "a", Denied("x")), IsOk());
  }
  auto database = *sql::Database::Open(options_);
  const testing::TemporaryDirectory elsewhere;
  const auto other = *EntryLog::Open(elsewhere.path());
  EXPECT_THAT(SqlStore(*database, *other).Open(Context::Background()), HasReason("ENTRY_LOG_MISSING"));
  // A database from before the newest withdrawal.
  auto older_options = testing::TemporaryPostgres::Get().CreateSchema("consent");
  auto older = *sql::Database::Open(older_options);
  ASSERT_THAT(older->Migrate(kMigrations), IsOk());
  SqlStore behind(*older, *log_);
  ASSERT_THAT(behind.Open(Context::Background()), IsOk());
  EXPECT_EQ(*behind.MissingRows(Context::Background()), 0);
  ASSERT_THAT(older->Transact(Context::Background(), [](sql::Tx& tx) { return tx.Exec("UPDATE entry_log SET given_up = 0").status(); }), IsOk());
  EXPECT_EQ(*behind.MissingRows(Context::Background()), std::nullopt) << "the operator has dealt with it";
  // Another log that has entries.
  Process elsewhere_used(testing::TemporaryPostgres::Get().CreateSchema("consent"), *other);
  ASSERT_THAT(elsewhere_used.node->ledger.Append(Context::Background(), "dispatcher", "a", Denied("x")), IsOk());
  EXPECT_THAT(SqlStore(*database, *other).Open(Context::Background()), HasReason("ENTRY_LOG_OTHER"));
}

// Until now all entries were rows.
TEST_F(SqlStoreTest, TheEntriesOfAnOlderDatabaseComeToTheLog) {
  std::vector<EmbeddedFile> before;
  for (const EmbeddedFile* file = kMigrations; std::string_view(file->name) < "0047"; ++file) before.push_back(*file);
  before.push_back({nullptr, nullptr});
  auto database = *sql::Database::Open(options_);
  ASSERT_THAT(database->Migrate(before.data()), IsOk());
  constexpr int kEntries = 2500;
  ASSERT_THAT(database->Transact(Context::Background(),
                                 [&](sql::Tx& tx) -> Status {
                                   for (int i = 0; i < kEntries; ++i) {
                                     GF_TRY(tx.Exec("INSERT INTO ledger VALUES ($1, $2, sha256('\\x00'::bytea || $2::text::bytea), "
                                                    "'dispatcher', $3, now(), false)",
                                                    i, Denied(std::to_string(i)), std::to_string(i)));
                                   }
                                   return absl::OkStatus();
                                 }),
              IsOk());
  Process process(options_, *log_);
  EXPECT_EQ(*process.node->ledger.Size(process.node->ctx), kEntries);
  EXPECT_EQ(process.node->ledger.Append(process.node->ctx, "dispatcher", "7", Denied("7"))->index, 7);
  EXPECT_EQ(process.node->ledger.Append(process.node->ctx, "dispatcher", "new", Denied("new"))->index, kEntries);
  EXPECT_EQ(process.node->ledger.List(process.node->ctx, 1234, 1)->at(0), Denied("1234"));
}

TEST_F(SqlStoreTest, SurvivesARestartOfTheServer) {
  Process process(options_, *log_);
  Node& node = *process.node;
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"q", Says(0)}}}), IsOk());
  ASSERT_THAT(node.mine.Set(node.ctx, "p", Bits(4)), IsOk());
  testing::TemporaryPostgres::Get().Restart();
  auto changed = node.mine.Set(node.ctx, "p", Bits(5));
  if (!changed.ok())
    changed = node.mine.Set(node.ctx, "p", Bits(5));  // the first found a dead connection
  ASSERT_THAT(changed, IsOk());
  EXPECT_EQ(changed->epoch, 3);
  EXPECT_EQ(changed->ledger_index, 3) << "behind two of the registration, and the first choice";
  Process restarted(options_, *log_);
  EXPECT_EQ(*restarted.node->ledger.Epoch(node.ctx), 3);
}

TEST_F(SqlStoreTest, ACitizensWholeViewVerifies) {
  Process process(options_, *log_);
  Node& node = *process.node;
  auto registration = node.registrar.Run(node.ctx, {kA1, {{"in", Says(7)}, {"out", Says(0)}, {"counted", Says(1)}}});
  ASSERT_THAT(registration, IsOk());
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"in", Says(7)}, {"out", Says(0)}, {"counted", Says(1)}}}), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-1"), IsOk());
  ASSERT_THAT(node.mine.Set(node.ctx, "in", Bits(0)), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-2"), IsOk());
  const std::map<std::string, std::vector<ledger::Use>> expected = {
      {"in", {ledger::Use::kNotUsed, ledger::Use::kUsed}},
      {"out", {ledger::Use::kNotUsed, ledger::Use::kNotUsed}},
      {"counted", {ledger::Use::kNotUsed, ledger::Use::kNotUsed}}};
  Process restarted(options_, *log_);  // nothing of this is in memory only
  for (const auto& [person, uses] : expected) {
    auto page = restarted.node->mine.Accesses(node.ctx, person, 0, "");
    ASSERT_THAT(page, IsOk());
    ASSERT_EQ(page->accesses.size(), uses.size());
    for (std::size_t i = 0; i < uses.size(); ++i) {
      auto facts = ledger::VerifyReceipt(page->accesses[i].receipt, node.ledger.VerifierKey());
      ASSERT_THAT(facts, IsOk());
      EXPECT_EQ(facts->use, uses[i]) << person;
      EXPECT_EQ(page->accesses[i].used, uses[i] == ledger::Use::kUsed);
    }
  }
  auto mine = restarted.node->mine.Get(node.ctx, "in");
  ASSERT_THAT(mine, IsOk());
  EXPECT_EQ(mine->datasets, std::vector<std::string>{"GOE-FI-A-1"});
  ASSERT_EQ(mine->history.size(), 2u);
  EXPECT_TRUE(mine->history[0].by_subject);
  EXPECT_EQ(mine->history[0].at, node.clock.Now());
  EXPECT_EQ(mine->history[1].ledger_index, 0);
  for (const MyChange& change : mine->history)
    EXPECT_THAT(ledger::VerifyReceipt(change.receipt, node.ledger.VerifierKey()), IsOk());
}

TEST_F(SqlStoreTest, PeopleOfAnOlderDatabaseKeepTheirSecretsInSlots) {
  std::vector<EmbeddedFile> before;
  for (const EmbeddedFile* file = kMigrations; std::string_view(file->name) < "0021"; ++file) before.push_back(*file);
  before.push_back({nullptr, nullptr});
  auto database = *sql::Database::Open(options_);
  ASSERT_THAT(database->Migrate(before.data()), IsOk());
  ASSERT_THAT(database->Transact(Context::Background(),
                                 [](sql::Tx& tx) {
                                   return tx
                                       .Exec("INSERT INTO subjects (blinded, secret) SELECT 'b' || n, "
                                             "sha256(n::text::bytea) FROM generate_series(1, 1500) n")
                                       .status();
                                 }),
              IsOk());
  Process process(options_, *log_);
  ASSERT_THAT(process.store->Read(Context::Background(),
                                  [](Transaction& tx) -> Status {
                                    EXPECT_EQ(*tx.consent().CountSlotBlocks(), 2);
                                    EXPECT_EQ(tx.consent().FreeSlots()->size(), 2048u - 1500u);
                                    const auto blocks = *tx.consent().SlotSecrets(0, 2);
                                    std::set<std::int32_t> slots;
                                    for (int n = 1; n <= 1500; ++n) {
                                      const std::string name = "b" + std::to_string(n);
                                      const std::int32_t slot = tx.consent().FindSubjects({name})->at(name).slot;
                                      EXPECT_EQ(blocks[static_cast<std::size_t>(slot / 1024)].substr(
                                                    static_cast<std::size_t>(slot % 1024) * 32, 32),
                                                crypto::Sha256(std::to_string(n)));
                                      slots.insert(slot);
                                    }
                                    EXPECT_EQ(slots.size(), 1500u);
                                    return absl::OkStatus();
                                  }),
              IsOk());
}

// Everybody came of age at 18; who did on 1 March may have been born on the 29th of a leap year's February.
TEST_F(SqlStoreTest, PeopleOfAnOlderDatabaseWereBornEighteenYearsBefore) {
  std::vector<EmbeddedFile> before;
  for (const EmbeddedFile* file = kMigrations; std::string_view(file->name) < "0046"; ++file) before.push_back(*file);
  before.push_back({nullptr, nullptr});
  auto database = *sql::Database::Open(options_);
  ASSERT_THAT(database->Migrate(before.data()), IsOk());
  ASSERT_THAT(database->Transact(Context::Background(),
                                 [](sql::Tx& tx) {
                                   return tx
                                       .Exec("INSERT INTO subjects (blinded, slot, adult_at) VALUES ('a', 1, '2030-03-01Z'), "
                                             "('b', 2, '2029-03-01Z'), ('c', 3, '2028-05-04Z'), ('d', 4, NULL)")
                                       .status();
                                 }),
              IsOk());
  Process process(options_, *log_);
  ASSERT_THAT(process.store->Read(Context::Background(),
                                  [](Transaction& tx) -> Status {
                                    const auto people = *tx.consent().FindSubjects({"a", "b", "c", "d"});
                                    EXPECT_EQ(people.at("a").who.born, *ParseRfc3339("2012-02-29T00:00:00Z"));
                                    EXPECT_EQ(people.at("b").who.born, *ParseRfc3339("2011-03-01T00:00:00Z"));
                                    EXPECT_EQ(people.at("c").who.born, *ParseRfc3339("2010-05-04T00:00:00Z"));
                                    EXPECT_FALSE(people.at("d").who.born.has_value());
                                    return absl::OkStatus();
                                  }),
              IsOk());
}

TEST_F(SqlStoreTest, SomebodyWhoWasLeftOutAndIsForgottenIsListedWithoutARow) {
  Process process(options_, *log_);
  Node& node = *process.node;
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"out", Says(0)}}}), IsOk());
  ASSERT_THAT(node.mine.Forget(node.ctx, "out"), IsOk());
  const auto forgotten = node.mine.Forgotten(node.ctx, 0);
  ASSERT_EQ(forgotten->rows.size(), 1u);
  EXPECT_EQ(forgotten->rows[0].dataset, kA1);
  EXPECT_FALSE(forgotten->rows[0].slot.included);
}

TEST_F(SqlStoreTest, EverybodysProofsOutliveErasuresOverSeveralBlocks) {
  Process process(options_, *log_);
  Node& node = *process.node;
  std::vector<SubjectConsent> people;
  for (int i = 0; i < 1500; ++i) people.push_back({"person-" + std::to_string(i), Says(i % 2 == 0 ? 4 : 1)});
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, people}), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-1"), IsOk());
  for (int i = 0; i < 1500; i += 100) ASSERT_THAT(node.mine.Forget(node.ctx, "person-" + std::to_string(i)), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-2"), IsOk());
  Process restarted(options_, *log_);
  // All fifteen are found, four at a time.
  std::set<std::int32_t> rows;
  std::int64_t after = 0;
  do {
    ASSERT_THAT(restarted.store->Read(node.ctx,
                                      [&](Transaction& tx) -> Status {
                                        GF_ASSIGN(const auto page, tx.consent().Forgotten(after, 4));
                                        EXPECT_LE(page.rows.size(), 4u);
                                        for (const PersonSlot& place : page.rows) rows.insert(place.slot.slot);
                                        after = page.next;
                                        GF_ASSIGN(const bool known, tx.consent().HasForgotten(kA1));
                                        EXPECT_TRUE(known);
                                        return absl::OkStatus();
                                      }),
                IsOk());
  } while (after > 0);
  EXPECT_EQ(rows.size(), 15u);
  for (int i = 0; i < 1500; i += 25) {
    auto page = restarted.node->mine.Accesses(node.ctx, "person-" + std::to_string(i), 0, "");
    ASSERT_THAT(page, IsOk());
    ASSERT_EQ(page->accesses.size(), i % 100 == 0 ? 0u : 2u) << i;
    for (const MyAccess& access : page->accesses) {
      auto facts = ledger::VerifyReceipt(access.receipt, node.ledger.VerifierKey());
      ASSERT_THAT(facts, IsOk());
      EXPECT_EQ(facts->use, i % 2 == 0 ? ledger::Use::kUsed : ledger::Use::kNotUsed) << i;
      EXPECT_GT(facts->entry.numbers.at("slots"), 1500);
    }
  }
}

TEST_F(SqlStoreTest, CohortsFollowWhatWasSaid) {
  Process process(options_, *log_);
  Truth model(*process.node);
  testing::SeededRandom random(7);
  for (int i = 0; i < 60; ++i) {
    std::uint32_t step = 0;
    for (char byte : random.Bytes(4)) step = step << 8U | static_cast<unsigned char>(byte);
    ASSERT_EQ(model.Apply(step), "") << i;
  }
  EXPECT_GE(model.registered(), 4u);
  EXPECT_GE(model.decided(), 5u);
}

TEST_F(SqlStoreTest, AChoiceRefusesOutsideOfItsPeriod) {
  Process process(options_, *log_, *ParsePolicy(R"({"policy": "ES-1", "country": "ES", "rules": [
    {"permissions": ["SEC"], "purposes": ["DUO:0000006"], "model": "opt-out"}]})"));
  Node& node = *process.node;
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}}}), IsOk());
  Statement choice{Bits(4), {}, {}, {}};
  choice.from = node.clock.Now() + std::chrono::hours(1);
  choice.until = node.clock.Now() + std::chrono::hours(2);
  ASSERT_THAT(node.mine.Set(node.ctx, "p", choice), IsOk());
  for (const bool permitted : {false, true, false}) {
    auto cohort =
        node.cohorts.Run(node.ctx, kA1, {Permission::kSecondaryUse, "DUO:0000006"}, false);
    ASSERT_THAT(cohort, IsOk());
    EXPECT_EQ(cohort->permitted, std::vector<bool>{permitted});
    node.clock.Advance(std::chrono::hours(1));
  }
}

// What was said is kept in memory between transactions.
TEST_F(SqlStoreTest, WhatIsKeptInMemoryIsNeverWhatWasTakenBack) {
  Process one(options_, *log_);
  Process two(options_, *log_);
  Node& node = *one.node;
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"q", Says(7)}}}), IsOk());
  const auto permitted = [&](Process& process) {
    auto cohort = process.node->cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, false);
    EXPECT_THAT(cohort, IsOk());
    return std::ranges::count(cohort->permitted, true);
  };
  EXPECT_EQ(permitted(one), 2);
  EXPECT_EQ(permitted(two), 2);
  const auto judge = [](const Voices& voices) { return voices.statements.at(0).permits == Bits(7); };
  const Status taken_back = node.ledger.Write(node.ctx, [&](Transaction& tx) -> Status {
    const auto subject = tx.consent().FindSubjects({node.pseudonyms.Blinded("p")})->begin()->second.id;
    GF_TRY(tx.consent().SetOwn(subject, Says(0)));
    GF_ASSIGN(const auto people, tx.consent().Judge(kA1, judge));
    EXPECT_EQ(std::ranges::count(people, true, &JudgedPerson::permitted), 1) << "seen within";
    return Error(StatusCode::kAborted, "TAKEN_BACK", "");
  });
  EXPECT_THAT(taken_back, HasReason("TAKEN_BACK"));
  EXPECT_EQ(permitted(one), 2);
  ASSERT_THAT(two.node->mine.Set(node.ctx, "q", Bits(0)), IsOk());
  EXPECT_EQ(permitted(one), 1) << "another process says so";
  EXPECT_EQ(permitted(two), 1);
  ASSERT_THAT(two.node->mine.Forget(node.ctx, "p"), IsOk());
  EXPECT_EQ(permitted(one), 0);
}

// A registry of many people: what is logged must not make its pull slow.
TEST_F(SqlStoreTest, WhatARegistrySaysIsLoggedInGroupsAndProven) {
  class ManyPeople final : public RegistrySource {
   public:
    Result<RegistryPull> Pull(const Context&, std::optional<Time>, const Sink& sink) override {
      for (int i = 0; i < 5000; ++i) {
        RegistryEntry entry{std::to_string(i),
                            "person-" + std::to_string(i),
                            true,
                            {Bits(4), {}, {}, {}},
                            {},
                            {},
                            false};
        if (i % 10 == 0) entry.says.permits = {}, entry.refused = Bits(7);
        GF_TRY(sink(std::move(entry)));
      }
      return RegistryPull{now, 0, true};
    }
    Time now{};
  };
  Process process(options_, *log_);
  Node& node = *process.node;
  ManyPeople source;
  source.now = node.clock.Now();
  ASSERT_THAT(SetUpRegistries(node.ctx, node.ledger, node.rules, {"national"}), IsOk());
  Registry registry(
      {"national", std::chrono::hours(1), std::chrono::minutes(5), std::chrono::hours(24)}, source,
      *process.store, node.ledger, node.pseudonyms, node.rules, node.random);
  const std::int64_t before = *node.ledger.Size(node.ctx);
  ASSERT_THAT(registry.RunOnce(node.ctx), IsOk());
  EXPECT_EQ(*node.ledger.Size(node.ctx), before + 9)
      << "of each batch two groups or one, and its refusals; heard";
  for (const auto& [person, words] :
       {std::pair("person-4999", " SEC"), {"person-10", " none refuses AF,SLQ,SEC"}}) {
    auto mine = node.mine.Get(node.ctx, person);
    ASSERT_EQ(mine->history.size(), 1u);
    EXPECT_EQ(mine->history[0].registry, "national");
    const auto facts = ledger::VerifyReceipt(mine->history[0].receipt, node.ledger.VerifierKey());
    ASSERT_THAT(facts, IsOk());
    EXPECT_EQ(facts->said, node.pseudonyms.Blinded(person) + words);
  }
  // What opens it goes with the person; the others' proofs hold.
  ASSERT_THAT(node.mine.Forget(node.ctx, "person-10"), IsOk());
  EXPECT_TRUE(node.mine.Openings(node.ctx, "person-10")->empty());
  EXPECT_THAT(ledger::VerifyReceipt(node.mine.Get(node.ctx, "person-20")->history[0].receipt,
                                    node.ledger.VerifierKey()),
              IsOk());
}

TEST_F(SqlStoreTest, SoManyAtOnceAreReadAgain) {
  Process one(options_, *log_);
  Process two(options_, *log_);
  Node& node = *one.node;
  std::vector<SubjectConsent> people;
  for (int i = 0; i < 10'100; ++i) people.push_back({"person-" + std::to_string(i), Says(4)});
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, people}), IsOk());
  for (Process* process : {&one, &two}) {
    auto cohort = process->node->cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, false);
    EXPECT_EQ(std::ranges::count(cohort->permitted, true), 10'100);
  }
  for (auto& person : people) person.says = Says(1);
  ASSERT_THAT(two.node->registrar.Run(node.ctx, {{kA1.dataset, 2}, people, 1}), IsOk());
  auto cohort = node.cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, false);
  EXPECT_EQ(std::ranges::count(cohort->permitted, true), 0) << "the newest version's records hold for all";
}

TEST_F(SqlStoreTest, EveryCohortIsOfItsEpochWhileOthersWrite) {
  Process process(options_, *log_);
  Node& node = *process.node;
  constexpr int kPeople = 40;
  std::vector<SubjectConsent> people;
  for (int i = 0; i < kPeople; ++i) people.push_back({"person-" + std::to_string(i), Says(4)});
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, people}), IsOk());
  const std::int64_t first = *node.ledger.Epoch(node.ctx);
  // Each change is of another person, who was permitted before: so many fewer as epochs have passed.
  std::atomic<bool> done{false};
  std::atomic<int> seen{0}, wrong{0};
  {
    std::vector<std::jthread> readers;
    for (int t = 0; t < 3; ++t) {
      readers.emplace_back([&] {
        while (!done) {
          auto cohort = node.cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, false);
          if (!cohort.ok() || std::ranges::count(cohort->permitted, true) != kPeople - (cohort->epoch - first))
            ++wrong;
          ++seen;
        }
      });
    }
    for (int i = 0; i < kPeople; ++i)
      EXPECT_THAT(node.mine.Set(node.ctx, "person-" + std::to_string(i), Bits(0)), IsOk());
    while (seen < kPeople) std::this_thread::yield();
    done = true;
  }
  EXPECT_EQ(wrong, 0) << "of " << seen;
}

TEST_F(SqlStoreTest, KeepsHeadersAndCountsReleases) {
  Process process(options_, *log_);
  Node& node = *process.node;
  const std::string header("head\0er", 7);
  ASSERT_THAT(node.ledger.Write(node.ctx,
                                [&](Transaction& tx) {
                                  return tx.headers().Add({"obj", kA1, header});
                                }),
              IsOk());
  ASSERT_THAT(process.store->Read(node.ctx,
                                  [&](Transaction& tx) -> Status {
                                    auto found = tx.headers().Find({"obj", "none"});
                                    EXPECT_EQ(found->size(), 1u);
                                    EXPECT_EQ(found->at("obj").header, header);
                                    EXPECT_EQ(found->at("obj").dataset, kA1);
                                    return absl::OkStatus();
                                  }),
              IsOk());
  std::int64_t count = 0;
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(node.ledger.Write(node.ctx,
                                  [&](Transaction& tx) -> Status {
                                    count = *tx.headers().CountReleases(3);
                                    return absl::OkStatus();
                                  }),
                IsOk());
  }
  EXPECT_EQ(count, 6);
}

class OneConsent final : public RegistrySource {
 public:
  Result<RegistryPull> Pull(const Context&, std::optional<Time>, const Sink& sink) override {
    for (const RegistryEntry& entry : entries) GF_TRY(sink(entry));
    return RegistryPull{FromUnixSeconds(1'800'000'000), 0};
  }
  std::vector<RegistryEntry> entries;
};

TEST_F(SqlStoreTest, RegistriesSpeakBesideHoldersAndPeople) {
  Process process(options_, *log_);
  Node& node = *process.node;
  Statement limited = Says(4);
  limited.purposes = {"DUO:0000006"};
  limited.until = node.clock.Now() + std::chrono::hours(2);
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"q", limited}, {"r", Says(4)}}}), IsOk());
  ASSERT_THAT(SetUpRegistries(node.ctx, node.ledger, node.rules, {"national"}), IsOk());
  OneConsent source;
  source.entries = {{"c1", "p", true, {Bits(4), {}, {}, {}}, Bits(2), {{}, node.clock.Now(), false}, false}};
  Registry registry({"national", std::chrono::hours(1)}, source, *process.store, node.ledger, node.pseudonyms,
                    node.rules, node.random);
  const auto permitted = [&](const Use& use) {
    auto cohort = node.cohorts.Run(node.ctx, kA1, use, false);
    EXPECT_THAT(cohort, IsOk());
    return std::ranges::count(cohort->permitted, true);
  };
  EXPECT_EQ(permitted(Permission::kSecondaryUse), 0) << "not heard yet";
  ASSERT_THAT(registry.RunOnce(node.ctx), IsOk());
  EXPECT_EQ(permitted({Permission::kSecondaryUse, "DUO:0000006"}), 3);
  EXPECT_EQ(permitted(Permission::kSecondaryUse), 2);
  EXPECT_EQ(permitted(Permission::kSubjectLevelQuery), 0) << "the registry refuses, though the holder permits";
  const std::int64_t epoch = *node.ledger.Epoch(node.ctx);
  ASSERT_THAT(registry.RunOnce(node.ctx), IsOk());
  EXPECT_EQ(*node.ledger.Epoch(node.ctx), epoch) << "nothing changed";
  const auto died = [&] { return node.mine.Get(node.ctx, "p")->who.died_at.has_value(); };
  EXPECT_TRUE(died());
  source.entries[0].who = {};
  source.entries[0].lives = true;
  ASSERT_THAT(registry.RunOnce(node.ctx), IsOk());
  EXPECT_FALSE(died());
  auto state = registry.State(node.ctx);
  EXPECT_EQ(state->records, 1);
  EXPECT_FALSE(state->stale);
  node.clock.Advance(std::chrono::minutes(61));
  ASSERT_THAT(registry.KeepFresh(node.ctx), IsOk());
  EXPECT_EQ(permitted({Permission::kSecondaryUse, "DUO:0000006"}), 0);
  ASSERT_THAT(registry.RunOnce(node.ctx), IsOk());
  node.clock.Advance(std::chrono::minutes(59));
  ASSERT_THAT(node.cohorts.KeepTime(node.ctx), IsOk());
  EXPECT_EQ(permitted({Permission::kSecondaryUse, "DUO:0000006"}), 2) << "q's has ended";
  ASSERT_THAT(SetUpRegistries(node.ctx, node.ledger, node.rules, {}), IsOk());
  EXPECT_EQ(permitted(Permission::kSubjectLevelQuery), 1);
}

// The calendar of PostgreSQL says the same as ours of every birthday around the end of February.
TEST_F(SqlStoreTest, TheAgeOfMajorityCountsForWhoIsRegisteredAlready) {
  Process process(options_, *log_);
  Node& node = *process.node;
  std::vector<SubjectConsent> people;
  std::vector<Time> born;
  for (const char* year : {"1932", "2011", "2012", "2015"}) {
    for (int day = 0; day < 8; ++day) born.push_back(*ParseRfc3339(std::string(year) + "-02-25T00:00:00Z") + std::chrono::days(day));
  }
  for (std::size_t i = 0; i < born.size(); ++i)
    people.push_back({fmt::format("p{}", i), Says(4), {{}, {}, false, born[i]}});
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, people}), IsOk());
  for (const int years : {18, 14, 16, 17, 21}) {
    ASSERT_THAT(node.ledger.Write(node.ctx, [&](Transaction& tx) { return tx.consent().SetAdultAge(years); }), IsOk());
    for (std::size_t i = 0; i < born.size(); ++i) {
      const auto mine = node.mine.Get(node.ctx, fmt::format("p{}", i));
      ASSERT_THAT(mine, IsOk());
      EXPECT_EQ(mine->who.born, born[i]);
      EXPECT_EQ(mine->who.adult_at, ComesOfAge(born[i], years)) << FormatRfc3339(born[i]) << " " << years;
    }
  }
}

TEST_F(SqlStoreTest, SnapshotsKeepTheConditionsTheyWereMadeBy) {
  std::int64_t run = 0;
  const std::vector<std::string> met = {"DUO:0000045", "DUO:0000021"};
  const auto used = [](const Result<Cohort>& cohort) {
    return std::ranges::count(cohort->permitted, true);
  };
  {
    Process process(options_, *log_);
    Node& node = *process.node;
    Statement limited = Says(4);
    limited.conditions = met;
    ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(4)}, {"q", limited}}}), IsOk());
    // One epoch, one purpose, two snapshots.
    const auto without =
        node.cohorts.Run(node.ctx, kA1, {Permission::kSecondaryUse, "DUO:0000006"}, true);
    const auto with =
        node.cohorts.Run(node.ctx, kA1, {Permission::kSecondaryUse, "DUO:0000006", met}, true);
    ASSERT_THAT(without, IsOk());
    ASSERT_THAT(with, IsOk());
    EXPECT_EQ(used(without), 1);
    EXPECT_EQ(used(with), 2);
    const auto appended =
        node.ledger.Append(node.ctx, "dispatcher", "run:1",
                           *ledger::EncodeEntry(node.RunEntry(*with->snapshot, "run-1")));
    ASSERT_THAT(appended, IsOk());
    run = appended->index;
  }
  Process process(options_, *log_);
  Node& node = *process.node;
  EXPECT_EQ(used(node.cohorts.OfRun(node.ctx, kA1, run)), 2);
  const auto seen = node.mine.Accesses(node.ctx, "q", 0, "");
  ASSERT_THAT(seen, IsOk());
  EXPECT_TRUE(seen->accesses.at(0).used);
  EXPECT_EQ(seen->accesses.at(0).conditions,
            (std::vector<std::string>{"DUO:0000021", "DUO:0000045"}));
}

TEST_F(SqlStoreTest, ErasureNoticesAndAuditAreStored) {
  Process process(options_, *log_);
  Node& node = *process.node;
  ASSERT_THAT(node.registrar.Run(node.ctx, {kA1, {{"p", Says(7)}, {"q", Says(4)}}}), IsOk());
  ASSERT_THAT(node.mine.Set(node.ctx, "p", Bits(5)), IsOk());
  ASSERT_THAT(node.AppendRun(kA1, "run-1"), IsOk());
  // Of the holder's record, and two of the person's own choice.
  ASSERT_EQ(node.mine.Openings(node.ctx, "p")->size(), 3u);
  Audit audit(*process.store, node.ledger, node.clock, node.random);
  NoticeRow notice;
  notice.idempotency_key = "k";
  notice.title = notice.what_happened = notice.consequences = notice.measures = notice.contact = "text";
  notice.datasets = {"GOE-FI-A-1", "GOE-FI-B-1"};
  notice.happened = node.clock.Now();
  EXPECT_EQ(audit.Publish(node.ctx, notice)->people, 2);
  EXPECT_EQ(node.mine.Notices(node.ctx, "q")->at(0).datasets, notice.datasets);
  ASSERT_THAT(node.mine.Set(node.ctx, "choice", Bits(0)), IsOk());
  notice.idempotency_key = "to everybody";
  notice.datasets.clear();
  EXPECT_EQ(audit.Publish(node.ctx, notice)->people, 3);
  EXPECT_EQ(node.mine.Notices(node.ctx, "choice")->size(), 1u);
  EXPECT_EQ(node.mine.Notices(node.ctx, "q")->size(), 2u);
  ASSERT_THAT(node.ledger.Write(node.ctx,
                                [](Transaction& tx) -> Status {
                                  GF_TRY(tx.headers().Add({"o1", kA1, "header", "phenotypes"}));
                                  return tx.headers().Add({"o2", kA1, "header", "genotypes"});
                                }),
              IsOk());
  const auto holdings = node.mine.Holdings(node.ctx, "q");
  ASSERT_THAT(holdings, IsOk());
  ASSERT_EQ(holdings->size(), 1u);
  EXPECT_EQ(holdings->at(0).dataset, kA1);
  EXPECT_EQ(holdings->at(0).kinds, (std::set<std::string>{"genotypes", "phenotypes"}));
  ASSERT_THAT(node.mine.Forget(node.ctx, "p"), IsOk());
  Process restarted(options_, *log_);
  Node& after = *restarted.node;
  const auto forgotten = after.mine.Forgotten(node.ctx, 0);
  ASSERT_THAT(forgotten, IsOk());
  ASSERT_FALSE(forgotten->rows.empty());
  EXPECT_EQ(forgotten->next, 0);
  EXPECT_TRUE(after.mine.Get(node.ctx, "p")->statements.empty());
  Audit of_after(*restarted.store, after.ledger, after.clock, after.random);
  notice.idempotency_key = "to everybody who is left";
  EXPECT_EQ(of_after.Publish(node.ctx, notice)->people, 2);
  notice.idempotency_key = "to who is left of the dataset";
  notice.datasets = {"GOE-FI-A-1"};
  EXPECT_EQ(of_after.Publish(node.ctx, notice)->people, 1);
  const RegistrationRequest next{{kA1.dataset, 2}, {{"p", Says(7)}, {"q", Says(4)}}};
  EXPECT_EQ(after.registrar.Run(node.ctx, next)->subjects.at(0), (RegisteredSubject{"", -1, true}));
  const std::string tombstone = node.pseudonyms.Tombstone(node.pseudonyms.Blinded("p"));
  std::set<std::string> standing;
  for (const bool lift : {false, true}) {
    ASSERT_THAT(after.ledger.Write(
                    node.ctx,
                    [&](Transaction& tx) -> Status {
                      if (lift) GF_TRY(tx.consent().LiftTombstone(tombstone));
                      GF_ASSIGN(standing, tx.consent().FindTombstones({"another", tombstone}));
                      return absl::OkStatus();
                    }),
                IsOk());
    EXPECT_EQ(standing.size(), lift ? 0u : 1u);
  }
  EXPECT_TRUE(after.mine.Openings(node.ctx, "p")->empty());
  EXPECT_EQ(std::ranges::count(after.cohorts.Run(node.ctx, kA1, Permission::kSecondaryUse, false)->permitted, true), 1);
  auto page = after.mine.Accesses(node.ctx, "q", 0, "");
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(ledger::VerifyReceipt(page->accesses.at(0).receipt, node.ledger.VerifierKey()), IsOk());
  Audit later(*restarted.store, after.ledger, after.clock, after.random);
  AuditQuery query;
  query.kind = "run";
  query.dataset = kA1.dataset;
  query.from = node.clock.Now() - std::chrono::hours(1);
  query.to = node.clock.Now() + std::chrono::hours(1);
  EXPECT_EQ(later.Search(node.ctx, query, 1000, 10)->entries.size(), 1u);
  EXPECT_EQ(later.Export(node.ctx, query, 0, 10)->entries.size(), 1u);
  query.project = "another";
  EXPECT_TRUE(later.Search(node.ctx, query, 1000, 10)->entries.empty());
  EXPECT_TRUE(later.Reconcile(node.ctx)->accounted);
  ASSERT_THAT(after.ledger.Write(node.ctx, [](Transaction& tx) { return tx.headers().CountReleases(1).status(); }),
              IsOk());
  EXPECT_FALSE(later.Reconcile(node.ctx)->accounted) << "a release that nobody logged";
}

}  // namespace
}  // namespace genofed::consent
