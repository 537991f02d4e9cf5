// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "services/consent/app/ledger.h"
#include "services/consent/app/witness.h"

namespace genofed::consent {

// Which checkpoint of this site's ledger the witnesses are asked for at a time, and when it is
// served: once enough of them cosigned it or, because the ledger must not stand still without them,
// after a while without. Thread-safe.
class Candidates {
 public:
  static constexpr std::chrono::milliseconds kGather{300};  // for more cosignatures than needed
  static constexpr std::chrono::milliseconds kPatience{2000};

  // Of `witnesses` sites, `needed` must cosign.
  Candidates(Ledger& ledger, const Clock& clock, std::size_t witnesses, std::size_t needed)
      : ledger_(ledger), clock_(clock), witnesses_(witnesses), needed_(needed) {}

  struct Candidate {
    std::string note;  // signed by the ledger, and by those who cosigned so far
    ledger::Checkpoint checkpoint;
  };
  Result<Candidate> Current(const Context& ctx);
  // Adds what a witness answered for this candidate. Errors: those of AddCosignature.
  Status Cosigned(const ledger::Checkpoint& checkpoint, const std::string& lines,
                  const ledger::NoteVerifier& witness);
  // Checkpoints that were served without enough cosignatures.
  std::uint64_t unwitnessed();

 private:
  bool Older(Duration age) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Ledger& ledger_;
  const Clock& clock_;
  const std::size_t witnesses_;
  const std::size_t needed_;
  Mutex mutex_;
  Candidate current_ ABSL_GUARDED_BY(mutex_);
  std::size_t cosigned_ ABSL_GUARDED_BY(mutex_) = 0;
  bool given_up_ ABSL_GUARDED_BY(mutex_) = false;
  Time since_ ABSL_GUARDED_BY(mutex_);
  std::uint64_t unwitnessed_ ABSL_GUARDED_BY(mutex_) = 0;
};

// Another site: asked to witness this site's ledger, and its own ledger watched. One thread at a
// time.
class LedgerPeer {
 public:
  static constexpr std::chrono::seconds kReadEvery{10};

  struct Options {
    ledger::NoteVerifier log;      // its ledger
    ledger::NoteVerifier witness;  // its witness key
  };
  LedgerPeer(Options options, LedgerPeerClient& client, Ledger& ledger, Candidates& candidates,
             Witness& witness, const Clock& clock, Random& random);

  // Has the candidate cosigned unless it is already. When the witness shows that this ledger's key
  // signed a longer or another ledger, this process is a restored backup or a second copy: the
  // ledger is frozen and an alarm raised. Errors: WITNESS_REFUSED, and those of the client.
  Status Submit(const Context& ctx);

  // Looks at the checkpoint that the other site shows to everybody: it must contain what was
  // cosigned here, and its tiles must say the same. Every kReadEvery also reads the newest entries
  // and 256 older ones, nobody knows which: they must be those of the checkpoint. Otherwise raises
  // an alarm. Errors: those of the client.
  Status Watch(const Context& ctx);

  const std::string& origin() const { return options_.log.name(); }

 private:
  Result<LedgerPeerClient::Answer> Ask(const Context& ctx, const Candidates::Candidate& candidate);
  Status CheckCheckpoint(const Context& ctx, const WitnessedLog& known, const std::string& note,
                         const ledger::WitnessedTree& now);
  Status ReadEntries(const Context& ctx, const WitnessedLog& known, const std::string& note,
                     const ledger::WitnessedTree& now);
  // `key` names what is accused: the same is not accused twice.
  Status Accuse(const Context& ctx, const WitnessedLog& known, const std::string& seen,
                std::string_view reason, std::string detail, const std::string& key);
  // After a refusal that says so.
  Status FreezeIfProven(const Context& ctx, const Candidates::Candidate& candidate,
                        const LedgerPeerClient::Answer& refusal);
  Status Refused(const LedgerPeerClient::Answer& refusal, std::string_view why) const;

  const Options options_;
  LedgerPeerClient& client_;
  Ledger& ledger_;
  Candidates& candidates_;
  Witness& witness_;
  const Clock& clock_;
  Random& random_;
  std::uint64_t known_size_ = 0;  // what the other site cosigned last
  std::string submitted_;         // text of the last candidate that it cosigned
  bool frozen_ = false;           // this site's ledger is, by what the other site said
  std::string watched_;           // the last checkpoint that was found good
  Time read_{};                   // when entries were read last
  std::set<std::string> accused_;  // of what
};

// Before a process serves anything: a restored backup must not tell permissions by what it lacks,
// not even until the first of its witnesses was asked. Asks them in turn until one has cosigned, or
// shown what freezes the ledger; `again`, which may wait, says after each one that did not whether to
// go on.
void AskFirst(const std::vector<LedgerPeer*>& peers, const std::function<bool()>& again);

}  // namespace genofed::consent
