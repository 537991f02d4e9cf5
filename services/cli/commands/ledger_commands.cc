// SPDX-License-Identifier: Apache-2.0
//
// `genofed ledger`: a standing entry point for auditors, whose options, output and exit codes are
// kept stable (docs/security/auditors.md).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/ledger/fsck.h"
#include "libs/ledger/proof_case.h"
#include "libs/ledger/receipt.h"
#include "libs/ledger/tlog_proof.h"
#include "services/cli/commands/ledger_log.h"
#include "services/cli/commands/ledger_watch.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

struct Options {
  std::string log, leaves, out, key, signing_key, origin, root, entry;
  std::vector<std::string> witness_keys;
  std::size_t witnesses = 0;
  std::optional<std::uint64_t> size, index, from;
};

std::string Line(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

int Usage(const Status& status) { return Fail(status), kUsage; }

int NotValid(const Status& status) {
  std::fprintf(stderr, "NOT VALID: %s (%s)\n", Message(status).c_str(), Reason(status).c_str());
  return kRejected;
}

// Calls `take` with each line, without its newline, until it wants no more.
Status ForEachLine(const std::string& file,
                   const std::function<Result<bool>(std::string_view)>& take) {
  std::ifstream opened;
  if (file != "-") {
    opened.open(file, std::ios::binary);
    if (!opened) return Error(StatusCode::kNotFound, "FILE_UNREADABLE", "cannot read {}", file);
  }
  std::istream& in = file == "-" ? std::cin : opened;
  for (std::string line; std::getline(in, line);) {
    GF_ASSIGN(const bool more, take(line));
    if (!more) return absl::OkStatus();
  }
  return in.bad() ? Error(StatusCode::kUnavailable, "FILE_UNREADABLE", "cannot read {}", file)
                  : absl::OkStatus();
}

void PrintTree(const Target& target, std::uint64_t size, const ledger::Hash& root) {
  if (target.json) {
    std::printf(
        "%s\n",
        Line({{"size", size}, {"root", root.Hex()}, {"root_base64", root.Base64()}}).c_str());
  } else {
    std::printf("size %llu\nroot %s\n", static_cast<unsigned long long>(size), root.Hex().c_str());
  }
}

// ---- build, root, check-proofs

// Files of a log never change: one that is there already must be the same.
Status WriteTile(const std::filesystem::path& directory, const ledger::TileId& id,
                 std::string_view bytes) {
  const std::filesystem::path path = directory / id.Path();
  std::error_code failed;
  if (std::filesystem::exists(path, failed)) {
    const auto there = ReadFile(path, ledger::kMaxBundleBytes);
    if (there.ok() && *there == bytes) return absl::OkStatus();
    return Error(StatusCode::kAlreadyExists, "LOG_DIFFERS",
                 "{} is there already, with other content: give another --out", path.string());
  }
  std::filesystem::create_directories(path.parent_path(), failed);
  // A part of a file would be another content for whoever builds the log again.
  return WriteFileAtomically(path, bytes);
}

Result<ledger::NoteSigner> ReadSigner(const Options& options) {
  GF_ASSIGN(const std::string pem, ReadFile(options.signing_key, 1U << 14));
  GF_ASSIGN(auto key, crypto::Ed25519Key::FromPem(pem));
  return ledger::NoteSigner::Create(options.origin, ledger::SignatureType::kEd25519,
                                    std::move(key));
}

int Build(const Target& target, const Options& options) {
  std::optional<ledger::NoteSigner> signer;
  if (!options.signing_key.empty()) {
    auto read = ReadSigner(options);
    if (!read.ok()) return Usage(read.status());
    signer.emplace(*std::move(read));
  }
  std::error_code failed;
  std::filesystem::create_directories(options.out, failed);
  if (failed)
    return Usage(Error(StatusCode::kUnavailable, "FILE_UNWRITABLE", "{}: {}", options.out,
                       failed.message()));
  ledger::TileWriter writer([&](const ledger::TileId& id, std::string_view bytes) {
    return WriteTile(options.out, id, bytes);
  });
  Status built = ForEachLine(options.leaves, [&](std::string_view leaf) -> Result<bool> {
    GF_TRY(writer.Append(leaf));
    return true;
  });
  if (built.ok()) built = writer.Flush();
  if (built.ok() && signer) {
    const auto note = ledger::SignCheckpoint(
        {signer->verifier().name(), writer.size(), writer.Root(), {}}, *signer);
    built = note.ok() ? WriteFileAtomically(options.out + "/checkpoint", *note) : note.status();
  }
  if (!built.ok()) return Fail(built);
  PrintTree(target, writer.size(), writer.Root());
  return kOk;
}

int Root(const Target& target, const Options& options) {
  ledger::TileWriter writer(
      [](const ledger::TileId&, std::string_view) { return absl::OkStatus(); });
  const Status read = ForEachLine(options.leaves, [&](std::string_view leaf) -> Result<bool> {
    if (options.size && writer.size() == *options.size) return false;
    GF_TRY(writer.Append(leaf));
    return true;
  });
  if (!read.ok()) return Usage(read);
  if (options.size && writer.size() < *options.size) {
    return Usage(Error(StatusCode::kOutOfRange, "TREE_RANGE", "{} has only {} leaves",
                       options.leaves, writer.size()));
  }
  PrintTree(target, writer.size(), writer.Root());
  return kOk;
}

int CheckProofs() {
  std::uint64_t number = 0;
  for (std::string line; std::getline(std::cin, line);) {
    ++number;
    ledger::ProofVerdict verdict = ledger::JudgeProofCase(line);
    if (verdict.name.empty()) verdict.name = fmt::format("line {}", number);
    std::printf("%s\n", Line({{"name", verdict.name},
                              {"verdict", verdict.status.ok() ? "accept" : "refuse"}})
                            .c_str());
  }
  return std::cin.bad() || std::ferror(stdout) != 0 ? kFailed : kOk;
}

// ---- verify

int ShowReceipt(const Target& target, const ledger::ReceiptFacts& facts) {
  const std::string use = facts.use == ledger::Use::kUsed      ? "used"
                          : facts.use == ledger::Use::kNotUsed ? "not_used"
                                                               : "not_applicable";
  if (target.json) {
    Json json = {{"valid", true},          {"use", use},
                 {"index", facts.index},   {"tree_size", facts.tree_size},
                 {"origin", facts.origin}, {"time", facts.time}};
    if (facts.slot) json["slot"] = *facts.slot;
    if (facts.said) json["said"] = *facts.said;
    std::printf("%s\n", json.dump(2).c_str());
  } else if (facts.said) {
    std::printf("VALID: entry %llu of %llu in the ledger %s, written %s, says of this person: %s\n",
                static_cast<unsigned long long>(facts.index),
                static_cast<unsigned long long>(facts.tree_size), facts.origin.c_str(),
                facts.time.c_str(), Printable(*facts.said).c_str());
  } else {
    std::printf(
        "VALID: entry %llu of %llu in the ledger %s, written %s: this person's data was %s%s\n",
        static_cast<unsigned long long>(facts.index),
        static_cast<unsigned long long>(facts.tree_size), facts.origin.c_str(), facts.time.c_str(),
        use == "used"       ? "used"
        : use == "not_used" ? "NOT used"
                            : "not concerned",
        facts.slot ? fmt::format(" (slot {})", *facts.slot).c_str() : "");
  }
  return kOk;
}

void ShowCheckpoint(const Target& target, const ledger::Checkpoint& checkpoint,
                    std::optional<std::uint64_t> index, std::size_t witnesses) {
  if (target.json) {
    Json json = {{"valid", true},
                 {"origin", checkpoint.origin},
                 {"tree_size", checkpoint.size},
                 {"root", checkpoint.root.Hex()},
                 {"witnesses", witnesses}};
    if (index) json["index"] = *index;
    std::printf("%s\n", json.dump(2).c_str());
    return;
  }
  const std::string what =
      index ? fmt::format("the entry is number {} of {}", *index, checkpoint.size)
            : fmt::format("{} entries", checkpoint.size);
  std::printf("VALID: %s in the ledger %s, root %s, cosigned by %zu of the witnesses named\n",
              what.c_str(), checkpoint.origin.c_str(), checkpoint.root.Hex().c_str(), witnesses);
}

std::size_t CountWitnesses(std::string_view note,
                           const std::vector<ledger::NoteVerifier>& witnesses) {
  const auto parsed = ledger::ParseNote(note);
  if (!parsed.ok()) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(
      witnesses, [&](const auto& witness) { return witness.Verify(*parsed).ok(); }));
}

int VerifyProof(const Target& target, const Options& options, const std::string& text,
                const ledger::NoteVerifier& key,
                const std::vector<ledger::NoteVerifier>& witnesses) {
  if (options.entry.empty()) {
    return Usage(
        Error(StatusCode::kInvalidArgument, "ENTRY_NEEDED",
              "a tlog-proof does not hold its entry: give the file with it, --entry FILE"));
  }
  const auto entry = ReadFile(options.entry, ledger::kMaxTileEntryBytes);
  if (!entry.ok()) return Usage(entry.status());
  const auto proof = ledger::ParseTlogProof(text);
  if (!proof.ok()) return NotValid(proof.status());
  const auto checkpoint =
      ledger::VerifyTlogProof(*proof, ledger::LeafHash(*entry), key, witnesses, options.witnesses);
  if (!checkpoint.ok()) return NotValid(checkpoint.status());
  if (proof->extra) {
    const auto facts = ledger::VerifyTlogReceipt(text, *entry, key, witnesses, options.witnesses);
    if (!facts.ok()) return NotValid(facts.status());
    if (facts->in_snapshot || facts->said) return ShowReceipt(target, *facts);
  }
  ShowCheckpoint(target, *checkpoint, proof->index, CountWitnesses(proof->checkpoint, witnesses));
  return kOk;
}

int VerifyLog(const Target& target, const Options& options, const ledger::NoteVerifier& key,
              const std::vector<ledger::NoteVerifier>& witnesses) {
  auto log = OpenLog(target, options.log);
  if (!log.ok()) return Usage(log.status());
  const auto promise = ReadPromise(*log, key);
  if (promise.status().code() == StatusCode::kUnavailable) return Fail(promise.status());
  if (!promise.ok()) return NotValid(promise.status());
  if (!promise->has_value())
    return NotValid(
        Error(StatusCode::kNotFound, "CHECKPOINT_MISSING", "{} has no checkpoint", log->name));
  const auto& [note, checkpoint] = **promise;
  const Status cosigned = ledger::CheckCosignatures(note, witnesses, options.witnesses);
  if (!cosigned.ok()) return NotValid(cosigned);
  ledger::TileTree tree(*log->source, checkpoint.size);
  const auto root = ledger::TreeRoot(tree, checkpoint.size);
  if (root.status().code() == StatusCode::kUnavailable) return Fail(root.status());
  if (!root.ok()) return NotValid(root.status());
  if (*root != checkpoint.root) {
    return NotValid(Error(
        StatusCode::kDataLoss, "LEDGER_DAMAGED",
        "the tiles do not lead to the root of the checkpoint; genofed ledger fsck says where"));
  }
  ShowCheckpoint(target, checkpoint, std::nullopt, CountWitnesses(note, witnesses));
  return kOk;
}

int Verify(const Target& target, const Options& options) {
  const auto key = ReadVerifierKey(options.key);
  // A key that is none says nothing about what is verified.
  if (!key.ok()) return Usage(key.status());
  const auto witnesses = ReadVerifierKeys(options.witness_keys);
  if (!witnesses.ok()) return Usage(witnesses.status());
  std::error_code failed;
  if (options.log.empty() || options.log.find("://") != std::string::npos ||
      std::filesystem::is_directory(options.log, failed)) {
    return VerifyLog(target, options, *key, *witnesses);
  }
  const auto text = ReadFile(options.log, ledger::kMaxReceiptBytes);
  if (!text.ok()) return Usage(text.status());
  if (text->starts_with(ledger::kTlogProofHeader))
    return VerifyProof(target, options, *text, *key, *witnesses);
  const auto facts = ledger::VerifyReceipt(*text, *key, *witnesses, options.witnesses);
  return facts.ok() ? ShowReceipt(target, *facts) : NotValid(facts.status());
}

// ---- fsck, prove

Result<std::optional<ledger::NoteVerifier>> OptionalKey(const Options& options) {
  if (options.key.empty()) return std::optional<ledger::NoteVerifier>();
  GF_ASSIGN(auto key, ReadVerifierKey(options.key));
  return std::optional(std::move(key));
}

Result<ledger::Hash> ParseRoot(const std::string& text) {
  return text.size() == 64 ? ledger::Hash::FromHex(text) : ledger::Hash::FromBase64(text);
}

void ShowFsck(const Target& target, const ledger::FsckReport& report, bool signature_checked) {
  if (target.json) {
    Json findings = Json::array();
    for (const auto& f : report.findings)
      findings.push_back({{"path", f.path}, {"about", f.about}, {"what", f.what}});
    Json json = {{"ok", report.ok()},     {"size", report.size},
                 {"files", report.files}, {"signature_checked", signature_checked},
                 {"findings", findings},  {"notes", report.notes}};
    json["root"] = report.root ? Json(report.root->Hex()) : Json(nullptr);
    std::printf("%s\n", json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  for (const auto& f : report.findings)
    std::printf("BAD %s%s%s: %s\n", f.path.c_str(), f.about.empty() ? "" : " ", f.about.c_str(),
                f.what.c_str());
  for (const auto& note : report.notes)
    std::printf("note %s: belongs to no ledger of this size, not looked at\n", note.c_str());
  std::printf(
      "size %llu\nroot %s\n", static_cast<unsigned long long>(report.size),
      report.root ? report.root->Hex().c_str() : "unknown: entries and their hashes are lost");
  std::printf("%s: %llu files, %zu findings%s\n", report.ok() ? "OK" : "NOT OK",
              static_cast<unsigned long long>(report.files), report.findings.size(),
              signature_checked ? "" : "; no signature was checked (give --key)");
}

// The root that the checkpoint signs for the first `size` entries: its own, or that of a beginning
// that the tiles prove. Errors: CHECKPOINT_OTHER_SIZE.
Result<ledger::Hash> SignedRoot(Log& log, const ledger::Checkpoint& checkpoint,
                                std::uint64_t size) {
  if (checkpoint.size == size) return checkpoint.root;
  const auto other_size = [&](const std::string& why) {
    return Error(StatusCode::kFailedPrecondition, "CHECKPOINT_OTHER_SIZE",
                 "is of {} entries, and signs nothing of {}: {}", checkpoint.size, size, why);
  };
  if (checkpoint.size < size) return other_size("it has fewer");
  ledger::TileTree tree(*log.source, checkpoint.size);
  const auto root = ledger::TreeRoot(tree, size);
  const auto proof = root.ok() ? ledger::ProveConsistency(tree, size, checkpoint.size)
                               : Result<ledger::Proof>(root.status());
  if (proof.status().code() == StatusCode::kUnavailable) return proof.status();
  const Status proven =
      proof.ok() ? ledger::VerifyConsistency(size, checkpoint.size, *root, checkpoint.root, *proof)
                 : proof.status();
  if (!proven.ok()) return other_size(Message(proven));
  return *root;
}

int FsckLedger(const Target& target, const Options& options) {
  const auto key = OptionalKey(options);
  if (!key.ok()) return Usage(key.status());
  auto log = OpenLog(target, options.log);
  if (!log.ok()) return Usage(log.status());
  std::vector<ledger::FsckFinding> findings;
  auto promise = ReadPromise(*log, *key);
  if (promise.status().code() == StatusCode::kUnavailable) return Fail(promise.status());
  const bool verified = promise.ok() && promise->has_value() && key->has_value();
  if (!promise.ok()) {
    findings.push_back({"checkpoint", "", Message(promise.status())});
    promise = key->has_value() ? ReadPromise(*log, std::nullopt) : std::optional<Promise>();
    if (!promise.ok()) promise = std::optional<Promise>();
  } else if (!promise->has_value() && key->has_value()) {
    findings.push_back({"checkpoint", "", "is missing"});
  }
  const std::optional<Promise>& known = *promise;
  const std::uint64_t size = options.size ? *options.size
                             : known      ? known->checkpoint.size
                                          : ledger::SizeFromFiles(log->files);
  if (!options.size && !known && log->files.empty() && options.root.empty() && findings.empty()) {
    return Usage(Error(StatusCode::kInvalidArgument, "SIZE_NEEDED",
                       "{} has no checkpoint and no tiles: say how large it is with --size",
                       log->name));
  }
  std::optional<ledger::Hash> expected;
  if (verified) {
    const auto root = SignedRoot(*log, known->checkpoint, size);
    if (root.status().code() == StatusCode::kUnavailable) return Fail(root.status());
    if (root.ok()) expected = *root;
    if (!root.ok()) findings.push_back({"checkpoint", "", Message(root.status())});
  } else if (known && known->checkpoint.size == size) {
    expected = known->checkpoint.root;
  }
  const bool signed_root = verified && expected.has_value();
  if (!options.root.empty()) {
    const auto root = ParseRoot(options.root);
    if (!root.ok()) return Usage(root.status());
    if (signed_root && *expected != *root)
      findings.push_back({"checkpoint", "", "its root is not the one of --root"});
    expected = *root;
  }
  auto report = ledger::Fsck(*log->source, size, expected, log->files);
  if (!report.ok()) return Fail(report.status());
  report->findings.insert(report->findings.begin(), findings.begin(), findings.end());
  ShowFsck(target, *report, signed_root);
  return report->ok() ? kOk : kRejected;
}

Json Base64List(const ledger::Proof& proof) {
  Json list = Json::array();
  for (const ledger::Hash& hash : proof) list.push_back(hash.Base64());
  return list;
}

Result<std::string> ProveEntry(const Target& target, const Options& options, Log& log,
                               ledger::TileTree& tree, std::uint64_t size,
                               const std::optional<Promise>& promise) {
  GF_ASSIGN(const ledger::Hash root, ledger::TreeRoot(tree, size));
  const std::uint64_t index = *options.index;
  GF_ASSIGN(const auto proof, ledger::ProveInclusion(tree, index, size));
  GF_ASSIGN(const auto bundle,
            ledger::ReadBundle(*log.source, ledger::BundleOf(index, tree.size())));
  const std::string& entry = bundle[index % ledger::kTileWidth];
  const ledger::Hash leaf = ledger::LeafHash(entry);
  if (!ledger::VerifyInclusion(index, size, leaf, proof, root).ok() ||
      (promise && promise->checkpoint.size == size && promise->checkpoint.root != root)) {
    return Error(StatusCode::kDataLoss, "LEDGER_DAMAGED",
                 "entry, tiles and checkpoint do not fit together; genofed ledger fsck says where");
  }
  if (!options.entry.empty()) GF_TRY(WriteFileAtomically(options.entry, entry));
  if (target.json) {
    return Line({{"name", fmt::format("inclusion {} {}", index, size)},
                 {"leafIdx", index},
                 {"treeSize", size},
                 {"root", root.Base64()},
                 {"leafHash", leaf.Base64()},
                 {"proof", Base64List(proof)}}) +
           "\n";
  }
  if (!promise || promise->checkpoint.size != size) {
    return Error(StatusCode::kFailedPrecondition, "CHECKPOINT_MISSING",
                 "there is no checkpoint of size {} for a tlog-proof; --json prints the bare proof",
                 size);
  }
  return ledger::FormatTlogProof({std::nullopt, index, proof, promise->note});
}

Result<std::string> ProveGrowth(const Options& options, ledger::TileTree& tree,
                                std::uint64_t size) {
  GF_ASSIGN(const auto proof, ledger::ProveConsistency(tree, *options.from, size));
  GF_ASSIGN(const ledger::Hash old_root, ledger::TreeRoot(tree, *options.from));
  GF_ASSIGN(const ledger::Hash root, ledger::TreeRoot(tree, size));
  return Line({{"name", fmt::format("consistency {} {}", *options.from, size)},
               {"size1", *options.from},
               {"size2", size},
               {"root1", old_root.Base64()},
               {"root2", root.Base64()},
               {"proof", Base64List(proof)}}) +
         "\n";
}

int Prove(const Target& target, const Options& options) {
  const auto key = OptionalKey(options);
  if (!key.ok()) return Usage(key.status());
  auto log = OpenLog(target, options.log);
  if (!log.ok()) return Usage(log.status());
  const auto promise = ReadPromise(*log, *key);
  if (promise.status().code() == StatusCode::kUnavailable) return Fail(promise.status());
  if (!promise.ok()) return NotValid(promise.status());
  const std::uint64_t known = *promise              ? (*promise)->checkpoint.size
                              : !log->files.empty() ? ledger::SizeFromFiles(log->files)
                                                    : options.size.value_or(0);
  const std::uint64_t size = options.size.value_or(known);
  ledger::TileTree tree(*log->source, std::max(size, known));
  const auto text = options.index ? ProveEntry(target, options, *log, tree, size, *promise)
                                  : ProveGrowth(options, tree, size);
  if (text.status().code() == StatusCode::kOutOfRange) return Usage(text.status());
  if (text.status().code() == StatusCode::kDataLoss) return NotValid(text.status());
  if (!text.ok()) return Fail(text.status());
  std::printf("%s", text->c_str());
  return kOk;
}

// ---- witnesses

int ShowWitnessed(const Target& target) {
  Session session(target);
  const auto answer = session.Get("/witness/logs");
  const int shown = Show(session, answer, [](const Json& json) {
    std::printf("witness key: %s\n", TextOf(json, "verifier_key").c_str());
    for (const Json& log : json.value("logs", Json::array())) {
      std::printf("cosigned %s: %s entries at %s\n", TextOf(log, "origin").c_str(),
                  TextOf(log, "size").c_str(), TextOf(log, "at").c_str());
    }
    for (const Json& alarm : json.value("alarms", Json::array())) {
      std::printf("ALARM %s %s %s: %s\n", TextOf(alarm, "at").c_str(),
                  TextOf(alarm, "origin").c_str(), TextOf(alarm, "reason").c_str(),
                  TextOf(alarm, "detail").c_str());
    }
  });
  return shown == kOk && !answer->value("alarms", Json::array()).empty() ? kRejected : shown;
}

// ---- the command line

constexpr char kLogHelp[] =
    "Directory or https:// address of a ledger's files; default: the site's own ledger";
constexpr char kKeyHelp[] =
    "The ledger's verifier key (name+hash+key), or a file with it; genofed ledger key prints a "
    "site's";

void AddWitnesses(CLI::App* command, std::vector<std::string>& keys, std::size_t& needed) {
  command->add_option("--witness-key", keys,
                      "Verifier key of a witness, or a file with it; may be repeated");
  command->add_option("--witnesses", needed, "How many of them must have cosigned")
      ->capture_default_str();
}

void AddOffline(CLI::App* ledger, const std::shared_ptr<Options>& o, const Target& target,
                Action& action) {
  auto* build =
      ledger->add_subcommand("build", "Write the files of a ledger from a list of leaves");
  build->add_option("--leaves", o->leaves, "File with one leaf a line; - reads standard input")
      ->required();
  build->add_option("--out", o->out, "Directory to write to")->required();
  build->add_option("--signing-key", o->signing_key,
                    "Ed25519 private key (PEM) to sign a checkpoint with");
  build->add_option("--origin", o->origin, "Name of the ledger, for the checkpoint")
      ->needs("--signing-key");
  build->footer(
      "Example: genofed ledger build --leaves leaves.txt --out log\nPrints \"size N\" and \"root "
      "HEX\".");
  build->callback([o, &target, &action] { action = [o, &target] { return Build(target, *o); }; });

  auto* root = ledger->add_subcommand("root", "The root of a tree of leaves");
  root->add_option("--leaves", o->leaves, "File with one leaf a line; - reads standard input")
      ->required();
  root->add_option("--size", o->size, "Of the tree: the first so many leaves; default: all");
  root->footer(
      "Example: genofed ledger root --leaves leaves.txt --size 300\nPrints \"size N\" and \"root "
      "HEX\".");
  root->callback([o, &target, &action] { action = [o, &target] { return Root(target, *o); }; });

  auto* check = ledger->add_subcommand(
      "check-proofs", "Judge Merkle proofs, one JSON object a line, from standard input");
  check->footer(
      "Example: genofed ledger check-proofs < cases.jsonl\n"
      "Lines have the members of the test cases of transparency-dev/merkle and a \"name\". Prints\n"
      "{\"name\",\"verdict\"} a line, verdict accept or refuse; exit code 0 when every line was "
      "judged.");
  check->callback([&action] { action = [] { return CheckProofs(); }; });
}

void AddChecking(CLI::App* ledger, const std::shared_ptr<Options>& o, const Target& target,
                 Action& action) {
  auto* verify = ledger->add_subcommand(
      "verify", "Check a receipt, a tlog-proof or a whole ledger; exit code 3 if it is not valid");
  verify->add_option("what", o->log,
                     "Receipt (JSON), tlog-proof, or a ledger: directory or https:// address");
  verify->add_option("--key", o->key, kKeyHelp)->required();
  verify->add_option("--entry", o->entry, "File with exactly the entry's bytes, for a tlog-proof");
  AddWitnesses(verify, o->witness_keys, o->witnesses);
  verify->footer(
      "Examples:\n"
      "  genofed ledger verify receipt-12.json --key key.txt\n"
      "  genofed ledger verify entry-12.tlog-proof --entry entry-12 --key key.txt --witness-key "
      "hub.key --witnesses 1\n"
      "  genofed ledger verify /mirror/fi --key key.txt       signature, and that the tiles lead "
      "to the root\n"
      "All but addresses work offline.");
  verify->callback([o, &target, &action] { action = [o, &target] { return Verify(target, *o); }; });

  auto* fsck = ledger->add_subcommand("fsck",
                                      "Derive the root anew from all entries, and name every bad "
                                      "file; exit code 3 if there is one");
  fsck->add_option("log", o->log, kLogHelp);
  fsck->add_option("--key", o->key, kKeyHelp);
  fsck->add_option("--size", o->size,
                   "Entries of the ledger; default: as its checkpoint or its files say");
  fsck->add_option("--root", o->root,
                   "Root it must have (hex or base64); default: that of its checkpoint");
  fsck->footer(
      "Example: genofed ledger fsck /mirror/fi --key key.txt\n"
      "Prints a line \"BAD FILE entry|hash N: what\" for each finding, then size, root, and OK or "
      "NOT OK.");
  fsck->callback(
      [o, &target, &action] { action = [o, &target] { return FsckLedger(target, *o); }; });

  auto* prove = ledger->add_subcommand(
      "prove", "Make a proof from the tiles: that an entry is in, or that the ledger only grew");
  prove->add_option("log", o->log, kLogHelp);
  auto* index = prove->add_option("--index", o->index, "Entry to prove");
  prove->add_option("--from", o->from, "Smaller size, to prove that the ledger contains it")
      ->excludes(index);
  prove->add_option("--size", o->size, "Of the tree; default: that of the checkpoint");
  prove->add_option("--key", o->key, kKeyHelp);
  prove->add_option("--save-entry", o->entry, "File to write the entry's bytes to");
  prove->footer(
      "Examples:\n"
      "  genofed ledger prove --site fi --index 12 --save-entry entry-12 > entry-12.tlog-proof\n"
      "  genofed ledger prove log --index 12 --size 300 --json | genofed ledger check-proofs\n"
      "  genofed ledger prove log --from 255 --size 300 | genofed ledger check-proofs");
  prove->callback([o, prove, &target, &action] {
    if (!o->index && !o->from) throw CLI::RequiredError("--index or --from");
    action = [o, &target] { return Prove(target, *o); };
  });
}

void AddWatch(CLI::App* ledger, const Target& target, Action& action) {
  auto w = std::make_shared<WatchOptions>();
  auto* watch = ledger->add_subcommand(
      "watch", "Follow a ledger and raise an alarm (exit code 3) when it is not only grown");
  watch->add_option("log", w->log, kLogHelp);
  watch->add_option("--key", w->key, kKeyHelp)->required();
  watch->add_option("--state", w->state,
                    "File that keeps the newest checkpoint seen, for the next time");
  watch->add_option("--interval", w->interval_seconds, "Seconds between looks")
      ->check(CLI::Range(0.01, 86400.0))
      ->capture_default_str();
  watch->add_flag("--once", w->once, "Look once");
  AddWitnesses(watch, w->witness_keys, w->witnesses);
  watch->footer("Example: genofed ledger watch --site fi --key key.txt --state fi.checkpoint");
  watch->callback(
      [w, &target, &action] { action = [w, &target] { return WatchLedger(target, *w); }; });
}

}  // namespace

void AddLedgerCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto* ledger =
      commands.app.add_subcommand("ledger", "A node's transparency ledger: read, prove, check")
          ->require_subcommand(1);
  ledger->footer(
      "Examples:\n"
      "  genofed ledger key --site fi > key.txt               once, from where you trust it\n"
      "  genofed ledger verify receipt-12.json --key key.txt  offline\n"
      "  genofed ledger fsck --site fi --key key.txt          every entry of the node's ledger");
  auto options = std::make_shared<Options>();
  AddOffline(ledger, options, target, action);
  AddChecking(ledger, options, target, action);
  AddWatch(ledger, target, action);
  auto* witnesses = ledger->add_subcommand(
      "witnesses",
      "Which ledgers a site cosigned, and which it caught; exit code 3 if there is an alarm");
  witnesses->footer(
      "Example: genofed ledger witnesses --site hub\nWith --json, alarms hold both signed notes: "
      "the evidence.");
  witnesses->callback([&target, &action] { action = [&target] { return ShowWitnessed(target); }; });
  for (const char* what : {"key", "checkpoint"}) {
    const std::string path = std::string("/ledger/") + what;
    ledger
        ->add_subcommand(what,
                         std::string("The node's ") +
                             (path.ends_with("key") ? "verifier key" : "newest signed checkpoint"))
        ->callback([path, &target, &action] {
          action = [path, &target] {
            Session session(target);
            auto text = session.GetBytes(path);
            if (!text.ok()) return Fail(text.status());
            std::printf("%s%s", text->c_str(), text->ends_with('\n') ? "" : "\n");
            return kOk;
          };
        });
  }
}

}  // namespace genofed::cli
