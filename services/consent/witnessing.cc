// SPDX-License-Identifier: Apache-2.0
#include "services/consent/witnessing.h"

#include <grpcpp/impl/codegen/service_type.h>

#include <condition_variable>
#include <filesystem>

#include "libs/config/load.h"
#include "libs/core/file.h"
#include "libs/obs/log.h"
#include "services/consent/adapters/grpc_witness_service.h"
#include "services/consent/adapters/http_ledger_peer.h"

namespace genofed::consent {
namespace {

constexpr std::size_t kMaxKeyFile = 16U << 10;
constexpr std::chrono::milliseconds kInterval{200};
constexpr int kWatchEvery = 5;  // intervals
constexpr std::chrono::seconds kRound{10};
constexpr std::chrono::seconds kFirstAnswers{5};

Result<LedgerPeer::Options> ReadPeer(const config::v1::LedgerPeer& config,
                                     const std::string& path) {
  if (config.url().empty()) return InvalidField(path + ".url", "CONFIG_MISSING", "must be set");
  auto log = ledger::NoteVerifier::Parse(config.ledger_key());
  if (!log.ok() || log->type() != ledger::SignatureType::kEd25519)
    return InvalidField(path + ".ledger_key", "CONFIG_INVALID", "is no verifier key of a ledger");
  auto witness = ledger::NoteVerifier::Parse(config.witness_key());
  if (!witness.ok() || witness->type() != ledger::SignatureType::kCosignature)
    return InvalidField(path + ".witness_key", "CONFIG_INVALID", "is no verifier key of a witness");
  return LedgerPeer::Options{*std::move(log), *std::move(witness)};
}

std::vector<ledger::NoteVerifier> LogsOf(const std::vector<LedgerPeer::Options>& peers) {
  std::vector<ledger::NoteVerifier> logs;
  for (const LedgerPeer::Options& peer : peers) logs.push_back(peer.log);
  return logs;
}

}  // namespace

Result<ledger::NoteSigner> OpenNoteKey(const std::string& name, ledger::SignatureType type,
                                       const std::string& file, std::string_view field) {
  GF_ASSIGN(const std::string pem, ReadFile(file, kMaxKeyFile));
  std::error_code failed;
  const auto mode = std::filesystem::status(file, failed).permissions();
  if (failed || (mode & std::filesystem::perms::others_all) != std::filesystem::perms::none) {
    return Error(StatusCode::kFailedPrecondition, "KEY_FILE_EXPOSED",
                 "{}: a private key must not be accessible to others (chmod 600)", file);
  }
  auto key = crypto::Ed25519Key::FromPem(pem);
  if (!key.ok())
    return Error(StatusCode::kInvalidArgument, "KEY_INVALID", "{}: {}", field,
                 Message(key.status()));
  return ledger::NoteSigner::Create(name, type, *std::move(key));
}

Result<std::unique_ptr<Witnessing>> Witnessing::Make(Platform& platform, sql::Database& database,
                                                     Ledger& ledger) {
  const config::v1::ConsentConfig& config = platform.config().consent();
  if (config.witness_key_file().empty()) {
    if (config.ledger_peers().empty()) return std::unique_ptr<Witnessing>();
    return InvalidField("consent.witness_key_file", "CONFIG_MISSING",
                        "must be set with ledger_peers");
  }
  const std::string name = platform.site() + "." + platform.config().site().domain() + "/witness";
  GF_ASSIGN(auto signer, OpenNoteKey(name, ledger::SignatureType::kCosignature,
                                     config::ForService(config.witness_key_file(), "consent"),
                                     "consent.witness_key_file"));
  std::vector<LedgerPeer::Options> peers;
  for (const config::v1::LedgerPeer& peer : config.ledger_peers()) {
    GF_ASSIGN(auto options, ReadPeer(peer, fmt::format("consent.ledger_peers[{}]", peers.size())));
    peers.push_back(std::move(options));
  }
  const int needed = config.needed_witnesses() == 0 ? 1 : config.needed_witnesses();
  if (needed < 0 || (!peers.empty() && static_cast<std::size_t>(needed) > peers.size())) {
    return InvalidField("consent.needed_witnesses", "CONFIG_INVALID", "there are {} ledger_peers",
                        peers.size());
  }
  return std::unique_ptr<Witnessing>(new Witnessing(platform, database, ledger, std::move(signer),
                                                    std::move(peers),
                                                    static_cast<std::size_t>(needed)));
}

Witnessing::Witnessing(Platform& platform, sql::Database& database, Ledger& ledger,
                       ledger::NoteSigner signer, std::vector<LedgerPeer::Options> peers,
                       std::size_t needed)
    : platform_(platform),
      store_(database),
      witness_({std::move(signer), LogsOf(peers), platform.is_hub(),
                [this](const LedgerAlarm& alarm) { Tell(alarm); }},
               store_, ledger, platform.clock()),
      candidates_(ledger, platform.clock(), peers.size(), needed),
      service_(MakeGrpcWitnessService(platform.dispatcher(), witness_)) {
  const auto& config = platform.config().consent().ledger_peers();
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const config::v1::LedgerPeer& at = config[static_cast<int>(i)];
    Site site{MakeHttpLedgerPeer(at.url(), at.ca_file()), nullptr};
    site.peer = std::make_unique<LedgerPeer>(std::move(peers[i]), *site.client, ledger, candidates_,
                                             witness_, platform.clock(), platform.random());
    sites_.push_back(std::move(site));
  }
  platform.metrics().Add("genofed_ledger_alarms_total", {}, 0);
}

Witnessing::~Witnessing() { Stop(); }

void Witnessing::AskFirst() {
  std::vector<LedgerPeer*> peers;
  for (Site& site : sites_) peers.push_back(site.peer.get());
  const auto end = std::chrono::steady_clock::now() + kFirstAnswers;
  consent::AskFirst(peers, [end] {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(kInterval);
    return true;
  });
}

void Witnessing::Start() {
  for (Site& site : sites_)
    threads_.emplace_back([this, &site](const std::stop_token& stop) { Run(stop, site); });
}

void Witnessing::Stop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void Witnessing::Run(const std::stop_token& stop, Site& site) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  Status watched;
  std::string failing;
  bool accused_own = false;
  for (int round = 0; !stop.stop_requested(); ++round) {
    const Context ctx = Context::Background().WithTimeout(kRound);
    Status status = site.peer->Submit(ctx);
    if (round % kWatchEvery == 0) watched = site.peer->Watch(ctx);
    status.Update(watched);
    if (!accused_own) {
      const auto accused = witness_.AccuseOwn(ctx);
      accused_own = accused.ok() && *accused;
      status.Update(accused.status());
    }
    // Once when it begins and once when it ends: a site may be away for long.
    const std::string now = Reason(status);
    if (now != failing) {
      GF_LOG(ctx, info, "ledger.peer", {"peer", site.peer->origin()},
             {"result", status.ok() ? "OK" : Describe(status)});
      failing = now;
    }
    platform_.metrics().Set("genofed_ledger_peer_up", {{"peer", site.peer->origin()}},
                            status.ok() ? 1 : 0);
    platform_.metrics().Set("genofed_ledger_unwitnessed_checkpoints", {},
                            static_cast<double>(candidates_.unwitnessed()));
    wake.wait_for(lock, stop, kInterval, [] { return false; });
  }
}

void Witnessing::Tell(const LedgerAlarm& alarm) {
  platform_.metrics().Add("genofed_ledger_alarms_total");
  GF_LOG(Context::Background(), error, "ledger.alarm", {"ledger", alarm.origin},
         {"reason", alarm.reason}, {"detail", alarm.detail});
}

}  // namespace genofed::consent
