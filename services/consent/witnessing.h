// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <thread>
#include <vector>

#include "libs/platform/platform.h"
#include "services/consent/adapters/sql_witness_store.h"
#include "services/consent/app/cosigning.h"

namespace grpc {
class Service;
}

namespace genofed::consent {

// Everything by which the ledgers of a federation watch each other, put together: this site as a
// witness, and a thread for each other site.
class Witnessing {
 public:
  // Nothing without consent.witness_key_file. Errors: those of the configuration.
  static Result<std::unique_ptr<Witnessing>> Make(Platform& platform, sql::Database& database,
                                                  Ledger& ledger);
  ~Witnessing();

  grpc::Service* service() { return service_.get(); }
  // Before Start and before anything is served. Waits for some seconds where no witness answers.
  void AskFirst();
  void Start();
  void Stop();

 private:
  struct Site {
    std::unique_ptr<LedgerPeerClient> client;
    std::unique_ptr<LedgerPeer> peer;
  };
  Witnessing(Platform& platform, sql::Database& database, Ledger& ledger, ledger::NoteSigner signer,
             std::vector<LedgerPeer::Options> peers, std::size_t needed);
  void Run(const std::stop_token& stop, Site& site);
  void Tell(const LedgerAlarm& alarm);

  Platform& platform_;
  SqlWitnessStore store_;
  Witness witness_;
  Candidates candidates_;
  std::unique_ptr<grpc::Service> service_;
  std::vector<Site> sites_;
  std::vector<std::jthread> threads_;
};

// An Ed25519 private key for notes. Whoever has it can make the ledger lie, so a file that others
// may read is refused (KEY_FILE_EXPOSED); KEY_INVALID.
Result<ledger::NoteSigner> OpenNoteKey(const std::string& name, ledger::SignatureType type,
                                       const std::string& file, std::string_view field);

}  // namespace genofed::consent
