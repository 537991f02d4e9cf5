// SPDX-License-Identifier: Apache-2.0
//
// A node with a million people: what a cohort and its snapshot take after somebody changed their
// mind, and what a citizen's page takes among ten thousand accesses. The service's use cases over a
// PostgreSQL of its own. Prints one JSON object; tests/bench/run makes rows of it.
//
//   consent_benchmark [PEOPLE [ACCESSES [SNAPSHOTS]]]
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <random>

#include "libs/crypto/key.h"
#include "libs/ledger/receipt.h"
#include "libs/obs/log.h"
#include "libs/testing/temporary_directory.h"
#include "libs/testing/temporary_postgres.h"
#include "services/consent/adapters/sql_store.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/my_consent.h"
#include "services/consent/app/people.h"

namespace genofed::consent {
extern const EmbeddedFile kMigrations[];
namespace {

using std::chrono::steady_clock;

constexpr unsigned kSeed = 20;
constexpr int kPages = 500;
constexpr char kDataset[] = "GOE-FI-BENCH-1";

// In milliseconds.
class Times {
 public:
  template <typename F>
  auto Take(F&& work) {
    const auto began = steady_clock::now();
    auto result = work();
    if (!result.ok())
      std::fprintf(stderr, "consent_benchmark: %s\n", Describe(result.status()).c_str());
    GF_CHECK(result.ok());
    all_.push_back(std::chrono::duration<double, std::milli>(steady_clock::now() - began).count());
    return *std::move(result);
  }
  nlohmann::json Json() {
    std::ranges::sort(all_);
    const auto at = [&](double share) {
      return all_[static_cast<std::size_t>(share * static_cast<double>(all_.size() - 1))];
    };
    return {{"n", all_.size()}, {"p50", at(0.5)}, {"p99", at(0.99)}, {"max", all_.back()}};
  }

 private:
  std::vector<double> all_;
};

// The service's use cases, as after a start of its process.
struct Process {
  Process(sql::Database& database, EntryLog& log) : store(database, log), ledger(store, clock, Signer()) {
    GF_CHECK(store.Open(ctx).ok());
    GF_CHECK(ledger.Load(ctx).ok());
  }
  static ledger::NoteSigner Signer() {
    return ledger::NoteSigner::Create("fi.1mg.example/ledger", ledger::SignatureType::kEd25519,
                                      crypto::Ed25519Key::FromSeed(std::string(32, 's')).value())
        .value();
  }
  const Context ctx = Context::Background();
  SystemClock clock;
  SystemRandom random;
  Pseudonyms pseudonyms = Pseudonyms::Create(std::string(32, 'k')).value();
  Policy policy;
  Rules rules{policy, clock};
  SqlStore store;
  Ledger ledger;
  Cohorts cohorts{store, ledger, rules};
  MyConsent mine{store, ledger, pseudonyms, rules, random};
};

std::string Person(int i) { return fmt::format("person-{:07}", i); }

// One version of everybody, of whom half permit secondary use. Written as its registration writes
// it, which takes at most 200,000 people at a time.
DatasetVersion Register(Process& process, sql::Database& database, int people) {
  constexpr int kBatch = 100'000;
  const DatasetVersion dataset{kDataset, 1};
  for (int first = 0; first < people; first += kBatch) {
    const int end = std::min(first + kBatch, people);
    std::vector<std::string> blinded;
    for (int i = first; i < end; ++i) blinded.push_back(process.pseudonyms.Blinded(Person(i)));
    GF_CHECK(
        process.ledger
            .Write(
                process.ctx,
                [&](Transaction& tx) -> Status {
                  if (first == 0)
                    GF_TRY(tx.consent().AddVersion({dataset, "bench", people, people, 1, 0}, {}));
                  GF_TRY(AddPeople(tx, process.random, blinded));
                  GF_ASSIGN(const auto subjects, tx.consent().FindSubjects(blinded));
                  std::map<std::int64_t, Statement> records;
                  for (int i = first; i < end; ++i) {
                    const auto permits = PermissionSet::FromBits(i % 2 == 0 ? 7 : 3);
                    records[subjects.at(blinded[static_cast<std::size_t>(i - first)]).id] = {
                        permits, permits.Others(), {}, {}};
                  }
                  GF_TRY(tx.consent().PutHolder(dataset, records));
                  return tx.consent().NextEpoch(process.clock.Now()).status();
                })
            .ok());
    GF_CHECK(
        database
            .Transact(
                process.ctx,
                [&](sql::Tx& tx) {
                  return tx
                      .Exec(
                          "INSERT INTO dataset_rows (dataset, version, slot, subject, pseudonym) "
                          "SELECT $1, 1, id - 1, id, md5(id::text) FROM subjects WHERE id > $2 AND "
                          "id <= $3",
                          std::string(kDataset), first, end)
                      .status();
                })
            .ok());
  }
  // As autovacuum does sooner or later.
  GF_CHECK(
      database.Transact(process.ctx, [](sql::Tx& tx) { return tx.Exec("ANALYZE").status(); }).ok());
  return dataset;
}

ledger::Entry RunEntry(const Process& process, const SnapshotRow& snapshot, int run) {
  ledger::Entry entry;
  entry.kind = ledger::EntryKind::kRun;
  entry.time = process.ledger.EntryTime();
  entry.fields = {{"project", "Benchmark"},
                  {"application", "APP-1"},
                  {"application_sha256", std::string(64, 'a')},
                  {"organisation", "University of Helsinki"},
                  {"purpose", "DUO:0000006"},
                  {"dataset", snapshot.dataset.dataset},
                  {"version", std::to_string(snapshot.dataset.version)},
                  {"workflow_sha256", std::string(64, 'b')},
                  {"decision_sha256", std::string(64, 'c')},
                  {"snapshot", snapshot.id},
                  {"snapshot_root", snapshot.root.Hex()},
                  {"run", fmt::format("run-{:06}", run)},
                  {"outcome", "started"}};
  entry.numbers = {{"epoch", snapshot.epoch}, {"slots", snapshot.slots}};
  return entry;
}

// One after another of the snapshots, so that the accesses of a page are of different ones.
void LogAccesses(Process& process, const std::vector<SnapshotRow>& snapshots, int accesses) {
  std::vector<Ledger::Request> requests;
  for (int run = 0; run < accesses; ++run) {
    const auto& snapshot = snapshots[static_cast<std::size_t>(run) % snapshots.size()];
    requests.push_back(
        {fmt::format("run:{}", run), *ledger::EncodeEntry(RunEntry(process, snapshot, run))});
    if (requests.size() < Ledger::kMaxAppend && run + 1 < accesses) continue;
    GF_CHECK(process.ledger.AppendAll(process.ctx, "dispatcher", requests).ok());
    requests.clear();
  }
}

int Run(int people, int accesses, int changes) {
  GF_CHECK(obs::SetLogLevel("error").ok());
  auto database =
      sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("consent")).value();
  GF_CHECK(database->Migrate(kMigrations).ok());
  const testing::TemporaryDirectory directory;
  const auto log = EntryLog::Open(directory.path()).value();
  auto process = std::make_unique<Process>(*database, *log);
  const DatasetVersion dataset = Register(*process, *database, people);
  std::mt19937 random(kSeed);
  const auto somebody = [&] {
    return Person(static_cast<int>(random() % static_cast<unsigned>(people)));
  };

  Times withdrawal, cohort, snapshot;
  std::vector<SnapshotRow> snapshots;
  for (int i = 0; i < changes; ++i) {
    const auto changed = withdrawal.Take(
        [&] { return process->mine.Set(process->ctx, somebody(), PermissionSet()); });
    const auto now = cohort.Take([&] {
      return process->cohorts.Run(process->ctx, dataset, Permission::kSecondaryUse, false);
    });
    GF_CHECK(now.epoch == changed.epoch);
    snapshots.push_back(*snapshot
                             .Take([&] {
                               return process->cohorts.Run(process->ctx, dataset,
                                                           Permission::kSecondaryUse, true);
                             })
                             .snapshot);
  }
  // What a snapshot cannot do without: its hashes.
  Times tree;
  for (int i = 0; i < 5; ++i) {
    std::vector<std::string> secrets;
    GF_CHECK(process->store
                 .Read(process->ctx,
                       [&](Transaction& tx) -> Status {
                         GF_ASSIGN(const auto blocks, tx.consent().CountSlotBlocks());
                         GF_ASSIGN(secrets, tx.consent().SlotSecrets(0, blocks));
                         return absl::OkStatus();
                       })
                 .ok());
    tree.Take([&] { return ledger::Snapshot::Build("bench", ledger::SlotSet(), secrets); });
  }
  LogAccesses(*process, snapshots, accesses);

  // Anywhere among the accesses, which are the last entries.
  const auto page = [&](Times& times) {
    const std::int64_t size = *process->ledger.Size(process->ctx);
    const std::string before = std::to_string(
        size - static_cast<std::int64_t>(random() % static_cast<unsigned>(accesses - 20)));
    return times.Take([&] { return process->mine.Accesses(process->ctx, somebody(), 20, before); });
  };
  process = std::make_unique<Process>(*database, *log);
  Times cold, warm;
  page(cold);
  Times rest;
  for (int i = 0; i < changes; ++i) page(rest);
  for (int i = 0; i < kPages; ++i) {
    const MyAccesses found = page(warm);
    GF_CHECK(!found.accesses.empty());
    for (const MyAccess& access : found.accesses) {
      const auto facts = ledger::VerifyReceipt(access.receipt, process->ledger.VerifierKey());
      GF_CHECK(facts.ok() && (facts->use == ledger::Use::kUsed) == access.used);
    }
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const nlohmann::json out = {{"people", people},        {"slots", snapshots.back().slots},
                              {"accesses", accesses},    {"snapshots", changes},
                              {"seed", kSeed},           {"withdrawal", withdrawal.Json()},
                              {"cohort", cohort.Json()}, {"snapshot", snapshot.Json()},
                              {"tree", tree.Json()},     {"page_cold", cold.Json()},
                              {"page", warm.Json()},     {"peak_mib", usage.ru_maxrss / 1024}};
  std::printf("%s\n", out.dump(1).c_str());
  return 0;
}

}  // namespace
}  // namespace genofed::consent

int main(int argc, char** argv) {
  const auto argument = [&](int i, int otherwise) {
    return argc > i ? std::atoi(argv[i]) : otherwise;
  };
  return genofed::consent::Run(argument(1, 1'000'000), argument(2, 10'000), argument(3, 100));
}
