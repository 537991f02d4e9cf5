// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/receipt.h"

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/ledger/checkpoint.h"
#include "libs/ledger/tlog_proof.h"

namespace genofed::ledger {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "genofed-receipt/v1";
constexpr std::size_t kMaxProof = 64;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "RECEIPT_INVALID", "not a valid receipt: {}", why);
}

json ToJson(const Proof& proof) {
  json list = json::array();
  for (const Hash& hash : proof) list.push_back(hash.Base64());
  return list;
}

Result<std::string> Text(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_string())
    return Invalid(fmt::format("no text '{}'", name));
  return found->get<std::string>();
}

Result<std::uint64_t> Number(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned())
    return Invalid(fmt::format("no number '{}'", name));
  return found->get<std::uint64_t>();
}

Result<Proof> Hashes(const json& object, const char* name) {
  auto found = object.find(name);
  if (found == object.end() || !found->is_array() || found->size() > kMaxProof) {
    return Invalid(fmt::format("no list '{}'", name));
  }
  Proof proof;
  for (const json& item : *found) {
    if (!item.is_string())
      return Invalid(fmt::format("'{}' holds something else than hashes", name));
    GF_ASSIGN(Hash hash, Hash::FromBase64(item.get_ref<const std::string&>()));
    proof.push_back(hash);
  }
  return proof;
}

json ToJson(const SnapshotProof& proof) {
  return {{"slot", proof.slot},
          {"bit", proof.permitted ? 1 : 0},
          {"salt", proof.salt.Base64()},
          {"path", ToJson(proof.path)}};
}

Result<SnapshotProof> ParseSnapshot(const json& object) {
  SnapshotProof proof;
  GF_ASSIGN(std::uint64_t slot, Number(object, "slot"));
  GF_ASSIGN(std::uint64_t bit, Number(object, "bit"));
  if (slot >= kMaxSnapshotSlots || bit > 1) return Invalid("slot or bit out of range");
  proof.slot = static_cast<std::uint32_t>(slot);
  proof.permitted = bit == 1;
  GF_ASSIGN(std::string salt, Text(object, "salt"));
  GF_ASSIGN(proof.salt, Hash::FromBase64(salt));
  GF_ASSIGN(proof.path, Hashes(object, "path"));
  return proof;
}

json ToJson(const GroupProof& proof) {
  return {{"key", Base64Encode(proof.key)},
          {"path", ToJson(proof.path)},
          {"payload", proof.payload},
          {"place", proof.place},
          {"size", proof.size}};
}

Result<GroupProof> ParseGroup(const json& object) {
  GroupProof proof;
  GF_ASSIGN(proof.place, Number(object, "place"));
  GF_ASSIGN(proof.size, Number(object, "size"));
  GF_ASSIGN(const std::string key, Text(object, "key"));
  GF_ASSIGN(const Hash key_bytes, Hash::FromBase64(key));
  proof.key = key_bytes.view();
  GF_ASSIGN(proof.payload, Text(object, "payload"));
  GF_ASSIGN(proof.path, Hashes(object, "path"));
  return proof;
}

Result<Receipt> Parse(std::string_view text) {
  if (text.size() > kMaxReceiptBytes || !IsUtf8(text)) return Invalid("too long or not UTF-8");
  json object = json::parse(text, nullptr, false);
  if (!object.is_object()) return Invalid("not a JSON object");
  Receipt receipt;
  GF_ASSIGN(receipt.origin, Text(object, "origin"));
  GF_ASSIGN(receipt.entry, Text(object, "entry"));
  GF_ASSIGN(receipt.index, Number(object, "index"));
  GF_ASSIGN(receipt.proof, Hashes(object, "proof"));
  GF_ASSIGN(receipt.checkpoint, Text(object, "checkpoint"));
  if (auto snapshot = object.find("snapshot"); snapshot != object.end()) {
    if (!snapshot->is_object()) return Invalid("'snapshot' is not an object");
    GF_ASSIGN(receipt.snapshot, ParseSnapshot(*snapshot));
  }
  if (auto group = object.find("group"); group != object.end()) {
    if (!group->is_object()) return Invalid("'group' is not an object");
    GF_ASSIGN(receipt.group, ParseGroup(*group));
  }
  // Refuses another format, unknown and repeated members, and other spellings.
  if (FormatReceipt(receipt) != text)
    return Invalid("not in the form in which receipts are issued");
  return receipt;
}

// Whether the citizen was in the snapshot that the entry names; nothing when it names none.
Result<std::optional<bool>> CheckSnapshot(const Receipt& receipt, const Entry& entry) {
  bool named = entry.fields.contains("snapshot");
  if (named != receipt.snapshot.has_value())
    return Invalid("the snapshot proof does not belong to the entry");
  if (!named) return std::optional<bool>();
  GF_ASSIGN(Hash root, Hash::FromHex(entry.Field("snapshot_root")));
  auto slots = static_cast<std::uint64_t>(entry.numbers.at("slots"));
  GF_TRY(VerifySnapshotProof(entry.Field("snapshot"), slots, root, *receipt.snapshot));
  return std::optional<bool>(receipt.snapshot->permitted);
}

// What the entry commits to of the citizen; nothing when it is about no group.
Result<std::optional<std::string>> CheckGroup(const Receipt& receipt, const Entry& entry) {
  const auto root = entry.commitments.find(kGroupCommitment);
  if ((root != entry.commitments.end()) != receipt.group.has_value())
    return Invalid("the group's proof does not belong to the entry");
  if (!receipt.group) return std::optional<std::string>();
  GF_TRY(VerifyGroup(*receipt.group, root->second));
  return std::optional<std::string>(receipt.group->payload);
}

Use UseOf(EntryKind kind, std::optional<bool> in_snapshot) {
  bool access = kind == EntryKind::kRun || kind == EntryKind::kAccess ||
                kind == EntryKind::kRelease || kind == EntryKind::kDenied;
  if (!access || !in_snapshot) return Use::kNotApplicable;
  return *in_snapshot && kind != EntryKind::kDenied ? Use::kUsed : Use::kNotUsed;
}

// Of a receipt whose entry is in the ledger.
Result<ReceiptFacts> FactsOf(const Receipt& receipt, const Checkpoint& checkpoint) {
  ReceiptFacts facts;
  GF_ASSIGN(facts.entry, DecodeEntry(receipt.entry));
  GF_ASSIGN(facts.in_snapshot, CheckSnapshot(receipt, facts.entry));
  GF_ASSIGN(facts.said, CheckGroup(receipt, facts.entry));
  if (receipt.snapshot) facts.slot = receipt.snapshot->slot;
  facts.use = UseOf(facts.entry.kind, facts.in_snapshot);
  facts.time = facts.entry.time;
  facts.origin = checkpoint.origin;
  facts.index = receipt.index;
  facts.tree_size = checkpoint.size;
  return facts;
}

}  // namespace

std::string FormatReceipt(const Receipt& receipt) {
  json object = {{"format", kFormat},
                 {"origin", receipt.origin},
                 {"entry", receipt.entry},
                 {"index", receipt.index},
                 {"proof", ToJson(receipt.proof)},
                 {"checkpoint", receipt.checkpoint}};
  if (receipt.snapshot) object["snapshot"] = ToJson(*receipt.snapshot);
  if (receipt.group) object["group"] = ToJson(*receipt.group);
  return object.dump(2, ' ', false, json::error_handler_t::replace);
}

std::string FormatReceiptAsTlogProof(const Receipt& receipt) {
  TlogProof proof{std::nullopt, receipt.index, receipt.proof, receipt.checkpoint};
  if (receipt.snapshot) proof.extra = ToJson(*receipt.snapshot).dump();
  if (receipt.group)
    proof.extra = ToJson(*receipt.group).dump(-1, ' ', false, json::error_handler_t::replace);
  return FormatTlogProof(proof);
}

Result<ReceiptFacts> VerifyReceipt(std::string_view json_text, const NoteVerifier& log,
                                   std::span<const NoteVerifier> witnesses,
                                   std::size_t needed_witnesses) {
  GF_ASSIGN(Receipt receipt, Parse(json_text));
  GF_ASSIGN(Checkpoint checkpoint,
            VerifyTlogProof({std::nullopt, receipt.index, receipt.proof, receipt.checkpoint},
                            LeafHash(receipt.entry), log, witnesses, needed_witnesses));
  if (receipt.origin != checkpoint.origin) return Invalid("origin and checkpoint differ");
  return FactsOf(receipt, checkpoint);
}

Result<ReceiptFacts> VerifyTlogReceipt(std::string_view tlog_proof, std::string_view entry,
                                       const NoteVerifier& log,
                                       std::span<const NoteVerifier> witnesses,
                                       std::size_t needed_witnesses) {
  GF_ASSIGN(TlogProof proof, ParseTlogProof(tlog_proof));
  GF_ASSIGN(Checkpoint checkpoint,
            VerifyTlogProof(proof, LeafHash(entry), log, witnesses, needed_witnesses));
  Receipt receipt;
  receipt.origin = checkpoint.origin;
  receipt.entry = entry;
  receipt.index = proof.index;
  const json extra = json::parse(proof.extra.value_or(""), nullptr, false);
  if (extra.is_object()) {
    if (extra.contains("payload")) {
      GF_ASSIGN(receipt.group, ParseGroup(extra));
    } else {
      GF_ASSIGN(receipt.snapshot, ParseSnapshot(extra));
    }
    return FactsOf(receipt, checkpoint);
  }
  ReceiptFacts facts;
  GF_ASSIGN(facts.entry, DecodeEntry(entry));
  facts.time = facts.entry.time;
  facts.origin = checkpoint.origin;
  facts.index = proof.index;
  facts.tree_size = checkpoint.size;
  return facts;
}

Result<ReceiptFacts> VerifyReceipt(std::string_view json_text, std::string_view log_vkey) {
  GF_ASSIGN(NoteVerifier log, NoteVerifier::Parse(log_vkey));
  return VerifyReceipt(json_text, log);
}

}  // namespace genofed::ledger
