// SPDX-License-Identifier: Apache-2.0
//
// Appends to the ledger of a running node over mutual TLS, as its services do, and measures what a
// disk allows at all: the same bytes, written and synced in batches of the same size.
//
//   ledger_load --tls DIR --bundle CA.pem --at HOST:PORT --site fi --batch 64 --threads 8 --seconds
//   5 ledger_load --floor DIR --batch 64 --seconds 5
//
// Prints one line of JSON: entries per second, and the latency of a batch in ms (p50, p99).
// --acknowledged FILE keeps "KEY INDEX" of every entry that was acknowledged, and what fails is
// tried anew until the time is over: for tests.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/channel_cache.h"
#include "libs/rpc/tls.h"
#include "tests/bench/ledger_entry.h"

namespace genofed {
namespace {

using SteadyClock = std::chrono::steady_clock;
namespace pb = consent::v1;

struct Measured {
  std::uint64_t entries = 0;
  double seconds = 0;
  std::vector<double> milliseconds;  // of each batch
};

void Print(Measured& m) {
  std::ranges::sort(m.milliseconds);
  auto quantile = [&](double share) {
    return m.milliseconds[static_cast<std::size_t>(share *
                                                   static_cast<double>(m.milliseconds.size() - 1))];
  };
  std::printf("{\"per_second\":%.1f,\"entries\":%llu,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n",
              static_cast<double>(m.entries) / m.seconds,
              static_cast<unsigned long long>(m.entries), quantile(0.5), quantile(0.99));
}

using LedgerPeer = rpc::Peer<pb::LedgerService>;

// A connection of its own, made before anything is measured: a handshake on a busy machine may fail,
// and is tried again.
Result<LedgerPeer> Connect(const std::map<std::string, std::string>& options) {
  const std::string stem = options.at("--tls") + "/dispatcher";
  const std::string& site = options.at("--site");
  const auto channel =
      rpc::ConnectTls(options.at("--at"), {stem + ".pem", stem + ".key", options.at("--bundle")},
                      {site, "consent"}, "1mg.example");
  LedgerPeer peer({[channel] { return channel; }, site + "/consent", "", nullptr});
  for (const auto began = SteadyClock::now();;) {
    const auto answer = peer.Call(Context::Background(), &pb::LedgerService::Stub::GetCheckpoint,
                                  pb::GetCheckpointRequest());
    // A refusal is an answer too: who may append may not ask for everything.
    if (answer.status().code() != StatusCode::kUnavailable) return peer;
    if (SteadyClock::now() - began > std::chrono::seconds(20)) return answer.status();
  }
}

int Load(std::map<std::string, std::string>& options) {
  const int batch = std::stoi(options["--batch"]);
  const auto duration = std::chrono::duration<double>(std::stod(options["--seconds"]));
  rpc::RequireTls13();
  std::vector<LedgerPeer> peers;
  for (int t = 0; t < std::stoi(options["--threads"]); ++t) {
    auto peer = Connect(options);
    if (!peer.ok()) {
      std::fprintf(stderr, "ledger_load: %s\n", Describe(peer.status()).c_str());
      return 1;
    }
    peers.push_back(*std::move(peer));
  }
  SystemRandom random;
  const std::string run = HexEncode(random.Bytes(8));
  std::mutex mutex;
  Measured all;
  std::string error, acknowledged;
  const bool persistent = options.contains("--acknowledged");
  const auto began = SteadyClock::now();
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < peers.size(); ++t) {
      threads.emplace_back([&, t] {
        const LedgerPeer& peer = peers[t];
        Measured mine;
        for (std::uint64_t i = 0; SteadyClock::now() - began < duration; ++i) {
          pb::AppendEntriesRequest request;
          for (int e = 0; e < batch; ++e) {
            pb::AppendEntryRequest* one = request.add_entries();
            one->set_idempotency_key(fmt::format("{}:{}:{}:{}", run, t, i, e));
            one->set_entry(
                bench::MakeLedgerEntry(i * static_cast<std::uint64_t>(batch) + static_cast<std::uint64_t>(e)));
          }
          const auto sent = SteadyClock::now();
          const auto answer =
              peer.Call(Context::Background(), &pb::LedgerService::Stub::AppendEntries, request);
          if (!answer.ok() && persistent) continue;
          if (!answer.ok()) {
            std::lock_guard lock(mutex);
            error = Describe(answer.status());
            return;
          }
          mine.milliseconds.push_back(
              std::chrono::duration<double, std::milli>(SteadyClock::now() - sent).count());
          mine.entries += static_cast<std::uint64_t>(batch);
          if (!persistent) continue;
          std::lock_guard lock(mutex);
          for (int e = 0; e < batch; ++e)
            acknowledged +=
                fmt::format("{} {}\n", request.entries(e).idempotency_key(), answer->indices(e));
        }
        std::lock_guard lock(mutex);
        all.entries += mine.entries;
        all.milliseconds.insert(all.milliseconds.end(), mine.milliseconds.begin(),
                                mine.milliseconds.end());
      });
    }
  }
  all.seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  if (!error.empty() || all.milliseconds.empty()) {
    std::fprintf(stderr, "ledger_load: %s\n", error.c_str());
    return 1;
  }
  Print(all);
  if (!persistent) return 0;
  return WriteFileAtomically(options["--acknowledged"], acknowledged).ok() ? 0 : 1;
}

int Floor(std::map<std::string, std::string>& options) {
  const std::string file = options["--floor"] + "/ledger-floor";
  const int fd = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return 1;
  unlink(file.c_str());
  std::string bytes;
  for (int e = 0; e < std::stoi(options["--batch"]); ++e)
    bytes += bench::MakeLedgerEntry(static_cast<std::uint64_t>(e));
  Measured m;
  const auto duration = std::chrono::duration<double>(std::stod(options["--seconds"]));
  const auto began = SteadyClock::now();
  for (auto now = began; now - began < duration; now = SteadyClock::now()) {
    if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
        fdatasync(fd) != 0)
      return 1;
    m.milliseconds.push_back(
        std::chrono::duration<double, std::milli>(SteadyClock::now() - now).count());
    m.entries += std::stoull(options["--batch"]);
  }
  m.seconds = std::chrono::duration<double>(SteadyClock::now() - began).count();
  close(fd);
  Print(m);
  return 0;
}

}  // namespace
}  // namespace genofed

int main(int argc, char** argv) {
  std::map<std::string, std::string> options = {
      {"--batch", "64"}, {"--threads", "8"}, {"--seconds", "5"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  return options.contains("--floor") ? genofed::Floor(options) : genofed::Load(options);
}
