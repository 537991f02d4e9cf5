// SPDX-License-Identifier: Apache-2.0
//
// Durable appends to a ledger, and what the disk allows at all: the same entries, written and synced in batches of the
// same size. They take turns, several times a second, since a shared disk changes its pace. Two of ours: appending to the
// log of entries, and the whole use case of a request by one caller, which reads and judges the entries before and grows
// the tree and signs a checkpoint behind; with several callers that happens while others' entries are synced.
//
//   append_benchmark DIR [SECONDS]      DIR: an empty directory on the disk in question
//
// Prints a JSON object for each batch size: entries per second of each, and the share of the disk's pace.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libs/core/unique_fd.h"
#include "libs/crypto/key.h"
#include "libs/obs/log.h"
#include "libs/testing/temporary_postgres.h"
#include "services/consent/adapters/sql_store.h"
#include "services/consent/app/ledger.h"
#include "tests/bench/ledger_entry.h"

namespace genofed::consent {
extern const EmbeddedFile kMigrations[];
namespace {

using std::chrono::steady_clock;

constexpr auto kTurn = std::chrono::milliseconds(100);
constexpr std::array kBatches = {1, 4, 16, 64, 128, 256};

// One of those who take turns.
struct Contestant {
  std::function<void(const std::vector<Ledger::Request>&)> prepare;  // not measured
  std::function<void()> append;
  double seconds = 0;
  std::uint64_t entries = 0;

  void Turn(int batch, std::uint64_t& number) {
    const auto until = steady_clock::now() + kTurn;
    while (steady_clock::now() < until) {
      std::vector<Ledger::Request> requests;
      for (int i = 0; i < batch; ++i, ++number) requests.push_back({fmt::format("key-{}", number), bench::MakeLedgerEntry(number)});
      prepare(requests);
      const auto began = steady_clock::now();
      append();
      seconds += std::chrono::duration<double>(steady_clock::now() - began).count();
      entries += static_cast<std::uint64_t>(batch);
    }
  }
  double Pace() const { return static_cast<double>(entries) / seconds; }
};

int Run(const std::filesystem::path& directory, double seconds) {
  GF_CHECK(obs::SetLogLevel("error").ok());
  const Context ctx = Context::Background();
  const SystemClock clock;
  auto database = sql::Database::Open(testing::TemporaryPostgres::Get().CreateSchema("consent")).value();
  GF_CHECK(database->Migrate(kMigrations).ok());
  const auto log = EntryLog::Open(directory / "ledger").value();
  SqlStore store(*database, *log);
  GF_CHECK(store.Open(ctx).ok());
  Ledger ledger(store, clock,
                ledger::NoteSigner::Create("fi.1mg.example/ledger", ledger::SignatureType::kEd25519,
                                           crypto::Ed25519Key::FromSeed(std::string(32, 's')).value())
                    .value());
  GF_CHECK(ledger.Load(ctx).ok());
  const auto alone = EntryLog::Open(directory / "alone").value();
  const UniqueFd raw(::open((directory / "raw").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  GF_CHECK(raw.valid());
  std::uint64_t number = 0;
  for (const int batch : kBatches) {
    std::string bytes;
    Contestant disk{[&](const std::vector<Ledger::Request>& requests) {
                      bytes.clear();
                      for (const auto& request : requests) bytes += request.entry;
                    },
                    [&] {
                      GF_CHECK(::write(raw.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
                      GF_CHECK(::fdatasync(raw.get()) == 0);
                    }};
    std::vector<NewEntry> made;
    std::vector<const NewEntry*> pointers;
    Contestant entries{[&](const std::vector<Ledger::Request>& requests) {
                         made.clear();
                         pointers.clear();
                         made.reserve(requests.size());
                         for (const auto& [key, entry] : requests) {
                           made.push_back({entry, ledger::LeafHash(entry), "dispatcher", key, clock.Now()});
                           pointers.push_back(&made.back());
                         }
                       },
                       [&] {
                         MutexLock lock(alone->writer());
                         GF_CHECK(alone->Append(pointers, false).ok());
                       }};
    std::vector<Ledger::Request> received;
    Contestant whole{[&](const std::vector<Ledger::Request>& requests) { received = requests; },
                     [&] { GF_CHECK(ledger.AppendAll(ctx, "dispatcher", received).ok()); }};
    const auto until = steady_clock::now() + std::chrono::duration<double>(seconds);
    while (steady_clock::now() < until) {
      for (Contestant* one : {&disk, &entries, &whole}) one->Turn(batch, number);
    }
    const nlohmann::json out = {{"batch", batch},
                                {"entries", entries.entries},
                                {"disk", disk.Pace()},
                                {"log", entries.Pace()},
                                {"ledger", whole.Pace()},
                                {"log_share", entries.Pace() / disk.Pace()},
                                {"ledger_share", whole.Pace() / disk.Pace()},
                                {"sync_ms", disk.seconds * 1e3 * batch / static_cast<double>(disk.entries)}};
    std::printf("%s\n", out.dump().c_str());
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace genofed::consent

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: append_benchmark DIR [SECONDS]\n");
    return 2;
  }
  return genofed::consent::Run(argv[1], argc > 2 ? std::atof(argv[2]) : 3);
}
