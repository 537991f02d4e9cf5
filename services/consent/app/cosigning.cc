// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/cosigning.h"

#include <algorithm>
#include <cstring>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/ledger/tiles.h"

namespace genofed::consent {
namespace {

constexpr std::chrono::seconds kFirstAnswer{1};  // of one witness

// The tiles of another site's ledger.
class PeerTiles final : public ledger::TileSource {
 public:
  PeerTiles(const Context& ctx, LedgerPeerClient& client) : ctx_(ctx), client_(client) {}
  Result<std::string> Read(const std::string& path) override {
    GF_ASSIGN(LedgerPeerClient::Answer answer, client_.LedgerFile(ctx_, path));
    if (answer.status == 200) return std::move(answer.body);
    if (answer.status == 409) {
      return Error(StatusCode::kDataLoss, "LEDGER_DAMAGED",
                   "the site itself does not take {} for what was appended", path);
    }
    return answer.status == 404
               ? Error(StatusCode::kNotFound, "FILE_MISSING", "the site has no {}", path)
               : Error(StatusCode::kUnavailable, "PEER_FAILED", "the site answered {} for {}",
                       answer.status, path);
  }

 private:
  const Context& ctx_;
  LedgerPeerClient& client_;
};

// Whether the smaller tree is the beginning of the larger, by the tiles of the larger.
Status CheckGrowth(PeerTiles& tiles, const ledger::WitnessedTree& smaller,
                   const ledger::WitnessedTree& larger) {
  ledger::TileTree tree(tiles, larger.size);
  GF_ASSIGN(const ledger::Hash root, ledger::TreeRoot(tree, larger.size));
  if (root != larger.root) {
    return Error(StatusCode::kDataLoss, "LEDGER_DAMAGED",
                 "its tiles do not lead to the root of its checkpoint of {} entries", larger.size);
  }
  GF_ASSIGN(const auto proof, ledger::ProveConsistency(tree, smaller.size, larger.size));
  if (ledger::VerifyConsistency(smaller.size, larger.size, smaller.root, larger.root, proof).ok())
    return absl::OkStatus();
  return Error(StatusCode::kDataLoss, "LEDGER_FORKED",
               "its {} entries do not begin with the {} that were signed", larger.size,
               smaller.size);
}

// Whether the entries of this bundle are those that the tree was made of.
Status CheckBundle(PeerTiles& tiles, ledger::TileTree& tree, std::uint64_t index,
                   const ledger::WitnessedTree& of) {
  const ledger::TileId id{ledger::TileId::kEntries, index,
                          ledger::TileWidthAt(ledger::TileId::kEntries, index, of.size)};
  GF_ASSIGN(const auto entries, ledger::ReadBundle(tiles, id));
  std::vector<ledger::Hash> leaves;
  leaves.reserve(entries.size());
  for (const std::string& entry : entries) leaves.push_back(ledger::LeafHash(entry));
  const std::uint64_t start = index * ledger::kTileWidth;
  const std::uint64_t end = start + id.width;
  GF_ASSIGN(const auto proof, ledger::ProveSubtreeConsistency(tree, start, end, of.size));
  if (ledger::VerifySubtreeConsistency(start, end, of.size, ledger::RootOfNodes(leaves), of.root,
                                       proof)
          .ok())
    return absl::OkStatus();
  return Error(StatusCode::kDataLoss, "LEDGER_DAMAGED",
               "its entries {} to {} are not those of its checkpoint of {} entries", start, end - 1,
               of.size);
}

// A file that is missing or none hides what was signed as well as another content.
bool IsDamage(const Status& status) {
  return status.code() == StatusCode::kNotFound || status.code() == StatusCode::kInvalidArgument ||
         status.code() == StatusCode::kDataLoss;
}

}  // namespace

// A clock that was set back ends the wait, too.
bool Candidates::Older(Duration age) {
  return clock_.Now() - since_ >= age || clock_.Now() < since_;
}

Result<Candidates::Candidate> Candidates::Current(const Context& ctx) {
  // Before the first candidate is chosen: nobody was shown a larger checkpoint than that.
  GF_TRY(ledger_.HoldPublished(ctx));
  GF_ASSIGN(const std::string newest, ledger_.Checkpoint(ctx));
  GF_ASSIGN(const ledger::Note note, ledger::ParseNote(newest));
  MutexLock lock(mutex_);
  if (!current_.note.empty()) {
    const bool enough = cosigned_ >= needed_;
    if (!enough && !given_up_ && Older(kPatience)) {
      given_up_ = true;
      ++unwitnessed_;
      ledger_.Publish(current_.note, current_.checkpoint.size);
    }
    const bool finished = cosigned_ >= witnesses_ || given_up_ || (enough && Older(kGather));
    if (!finished || current_.note.starts_with(note.text)) return current_;
  }
  GF_ASSIGN(ledger::Checkpoint checkpoint, ledger::ParseCheckpoint(note.text));
  current_ = {newest, std::move(checkpoint)};
  cosigned_ = 0;
  given_up_ = false;
  since_ = clock_.Now();
  return current_;
}

Status Candidates::Cosigned(const ledger::Checkpoint& checkpoint, const std::string& lines,
                            const ledger::NoteVerifier& witness) {
  MutexLock lock(mutex_);
  if (current_.checkpoint.size != checkpoint.size || current_.checkpoint.root != checkpoint.root)
    return absl::OkStatus();  // too late for this one
  GF_ASSIGN(current_.note, ledger::AddCosignature(current_.note, lines, witness));
  if (++cosigned_ >= needed_) ledger_.Publish(current_.note, checkpoint.size);
  return absl::OkStatus();
}

std::uint64_t Candidates::unwitnessed() {
  MutexLock lock(mutex_);
  return unwitnessed_;
}

LedgerPeer::LedgerPeer(Options options, LedgerPeerClient& client, Ledger& ledger,
                       Candidates& candidates, Witness& witness, const Clock& clock, Random& random)
    : options_(std::move(options)),
      client_(client),
      ledger_(ledger),
      candidates_(candidates),
      witness_(witness),
      clock_(clock),
      random_(random) {}

Result<LedgerPeerClient::Answer> LedgerPeer::Ask(const Context& ctx,
                                                 const Candidates::Candidate& candidate) {
  const auto size = static_cast<std::int64_t>(candidate.checkpoint.size);
  GF_ASSIGN(auto proof, ledger_.Consistency(ctx, static_cast<std::int64_t>(known_size_), size));
  return client_.AddCheckpoint(
      ctx, ledger::FormatAddCheckpoint({known_size_, std::move(proof), candidate.note}));
}

Status LedgerPeer::Submit(const Context& ctx) {
  if (frozen_) return absl::OkStatus();
  GF_ASSIGN(const Candidates::Candidate candidate, candidates_.Current(ctx));
  const ledger::Checkpoint& checkpoint = candidate.checkpoint;
  const std::string text = ledger::FormatCheckpoint(checkpoint);
  if (text == submitted_) return absl::OkStatus();
  GF_ASSIGN(LedgerPeerClient::Answer answer, Ask(ctx, candidate));
  if (answer.status == 409) {
    GF_ASSIGN(const std::int64_t known, ParseInt(Trim(answer.body)));
    if (known < 0 || static_cast<std::uint64_t>(known) > checkpoint.size) {
      return FreezeIfProven(ctx, candidate, answer);
    }
    known_size_ = static_cast<std::uint64_t>(known);
    GF_ASSIGN(answer, Ask(ctx, candidate));
  }
  if (answer.status == 422) return FreezeIfProven(ctx, candidate, answer);
  if (answer.status != 200) return Refused(answer, "");
  GF_TRY(candidates_.Cosigned(checkpoint, answer.body, options_.witness));
  known_size_ = checkpoint.size;
  submitted_ = text;
  return absl::OkStatus();
}

// A witness's word alone would let any one site stop this one: what freezes the ledger is a
// checkpoint that its own key signed and that is not of it.
Status LedgerPeer::FreezeIfProven(const Context& ctx, const Candidates::Candidate& candidate,
                                  const LedgerPeerClient::Answer& refusal) {
  const std::string& origin = candidate.checkpoint.origin;
  GF_ASSIGN(const LedgerPeerClient::Answer shown,
            client_.WitnessedCheckpoint(ctx, HexEncode(crypto::Sha256(origin))));
  const auto known =
      shown.status == 200
          ? ledger::OpenCheckpoint(shown.body, ledger_.verifier())
          : Result<ledger::Checkpoint>(Error(StatusCode::kNotFound, "CHECKPOINT_MISSING",
                                             "it answered {} for what it cosigned", shown.status));
  if (!known.ok()) return Refused(refusal, Message(known.status()));
  const auto root = ledger_.Root(ctx, known->size);
  std::string reason, detail;
  if (root.status().code() == StatusCode::kOutOfRange) {
    GF_ASSIGN(const std::int64_t size, ledger_.Size(ctx));
    reason = "LEDGER_BEHIND";
    detail = fmt::format("{} cosigned {} entries of this ledger, and there are {}",
                         options_.witness.name(), known->size, size);
  } else {
    GF_TRY(root);
    if (*root == known->root) return Refused(refusal, "what it cosigned is of this ledger");
    reason = "LEDGER_FORKED";
    detail = fmt::format("what {} cosigned at {} entries is not the beginning of this ledger",
                         options_.witness.name(), known->size);
  }
  ledger_.Freeze(detail);
  GF_TRY(witness_.Raise(ctx, {origin, std::move(reason), std::move(detail), shown.body,
                              candidate.note, clock_.Now()}));
  frozen_ = true;
  return absl::OkStatus();
}

Status LedgerPeer::Refused(const LedgerPeerClient::Answer& refusal, std::string_view why) const {
  return Error(StatusCode::kUnavailable, "WITNESS_REFUSED", "{} answered {}: {}{}{}",
               options_.witness.name(), refusal.status, Trim(refusal.body).substr(0, 200),
               why.empty() ? "" : "; ", why);
}

Status LedgerPeer::Watch(const Context& ctx) {
  GF_ASSIGN(const LedgerPeerClient::Answer answer, client_.LedgerFile(ctx, "checkpoint"));
  if (answer.status != 200) {
    return Error(StatusCode::kUnavailable, "PEER_FAILED", "{} answered {} for its checkpoint",
                 origin(), answer.status);
  }
  // A clock that was set back is no reason to wait.
  const Time time = clock_.Now();
  const bool read = time - read_ >= kReadEvery || time < read_;
  if (answer.body == watched_ && !read) return absl::OkStatus();
  GF_ASSIGN(const auto known, witness_.Known(ctx, origin()));
  if (!known) return absl::OkStatus();  // its first request makes it known
  const auto seen = ledger::OpenCheckpoint(answer.body, options_.log);
  if (!seen.ok()) {
    return Accuse(ctx, *known, answer.body, "CHECKPOINT_INVALID", Message(seen.status()),
                  known->checkpoint);
  }
  const ledger::WitnessedTree now{seen->size, seen->root};
  if (answer.body != watched_) GF_TRY(CheckCheckpoint(ctx, *known, answer.body, now));
  if (answer.body != watched_ || !read) return absl::OkStatus();
  GF_TRY(ReadEntries(ctx, *known, answer.body, now));
  read_ = time;
  return absl::OkStatus();
}

Status LedgerPeer::CheckCheckpoint(const Context& ctx, const WitnessedLog& known,
                                   const std::string& note, const ledger::WitnessedTree& now) {
  if (now.size == known.tree.size) {
    if (now.root != known.tree.root) {
      return Accuse(ctx, known, note, "LEDGER_FORKED",
                    fmt::format("two roots are signed for {} entries", now.size), known.checkpoint);
    }
  } else {
    // A little behind is what was not published yet, but then the tiles of all that was signed
    // exist.
    PeerTiles tiles(ctx, client_);
    const bool behind = now.size < known.tree.size;
    const Status grown =
        behind ? CheckGrowth(tiles, now, known.tree) : CheckGrowth(tiles, known.tree, now);
    if (behind && grown.code() == StatusCode::kNotFound) {
      return Accuse(ctx, known, note, "LEDGER_ROLLED_BACK",
                    fmt::format("it has {} entries and had {}", now.size, known.tree.size),
                    known.checkpoint);
    }
    if (IsDamage(grown)) {
      return Accuse(ctx, known, note,
                    Reason(grown) == "LEDGER_FORKED" ? "LEDGER_FORKED" : "LEDGER_DAMAGED",
                    Message(grown), known.checkpoint);
    }
    GF_TRY(grown);
  }
  watched_ = note;
  return absl::OkStatus();
}

Status LedgerPeer::ReadEntries(const Context& ctx, const WitnessedLog& known,
                               const std::string& note, const ledger::WitnessedTree& now) {
  if (now.size == 0) return absl::OkStatus();
  std::uint64_t number = 0;
  std::memcpy(&number, random_.Bytes(sizeof number).data(), sizeof number);
  const std::uint64_t newest = (now.size - 1) / ledger::kTileWidth;
  std::set<std::uint64_t> bundles{newest};
  if (newest > 0) bundles.insert(number % newest);
  PeerTiles tiles(ctx, client_);
  ledger::TileTree tree(tiles, now.size);
  for (const std::uint64_t bundle : bundles) {
    const Status sound = CheckBundle(tiles, tree, bundle, now);
    if (IsDamage(sound)) {
      GF_TRY(Accuse(ctx, known, note, "LEDGER_DAMAGED", Message(sound),
                    fmt::format("bundle {}", bundle)));
    } else {
      GF_TRY(sound);
    }
  }
  return absl::OkStatus();
}

// Once for what it contradicts: a forked ledger may go on growing.
Status LedgerPeer::Accuse(const Context& ctx, const WitnessedLog& known, const std::string& seen,
                          std::string_view reason, std::string detail, const std::string& key) {
  const std::string accusation = fmt::format("{}\n{}", reason, key);
  if (accused_.contains(accusation)) return absl::OkStatus();
  GF_TRY(witness_.Raise(ctx, {origin(), std::string(reason), std::move(detail), known.checkpoint,
                              seen, clock_.Now()}));
  accused_.insert(accusation);
  return absl::OkStatus();
}

void AskFirst(const std::vector<LedgerPeer*>& peers, const std::function<bool()>& again) {
  if (peers.empty()) return;
  for (std::size_t i = 0;; i = (i + 1) % peers.size()) {
    if (peers[i]->Submit(Context::Background().WithTimeout(kFirstAnswer)).ok() || !again()) return;
  }
}

}  // namespace genofed::consent
