// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/proof_case.h"

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/ledger/merkle.h"
#include "libs/ledger/proof_lines.h"

namespace genofed::ledger {
namespace {

using nlohmann::json;

Status Malformed(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "PROOF_CASE_INVALID", "not a proof to judge: {}", why);
}
Status Meaningless(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "PROOF_INVALID", "the Merkle proof does not hold: {}",
               why);
}

Result<std::uint64_t> Number(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned())
    return Malformed(fmt::format("'{}' is not a whole number", name));
  return found->get<std::uint64_t>();
}

Result<std::string> Bytes(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string())
    return Malformed(fmt::format("'{}' is not base64", name));
  return Base64Decode(found->get_ref<const std::string&>());
}

Result<Hash> HashOf(const json& object, const char* name) {
  GF_ASSIGN(const std::string bytes, Bytes(object, name));
  return Hash::FromBytes(bytes);
}

Result<Proof> ProofOf(const json& object) {
  Proof proof;
  const auto found = object.find("proof");
  if (found == object.end() || found->is_null()) return proof;
  if (!found->is_array() || found->size() > kMaxProofLines + 1)
    return Malformed("'proof' is not a list of hashes");
  for (const json& item : *found) {
    if (!item.is_string()) return Malformed("'proof' holds something else than base64");
    GF_ASSIGN(const Hash hash, Hash::FromBase64(item.get_ref<const std::string&>()));
    proof.push_back(hash);
  }
  return proof;
}

Status JudgeInclusion(const json& object, const Proof& proof) {
  GF_ASSIGN(const auto index, Number(object, "leafIdx"));
  GF_ASSIGN(const Hash leaf, HashOf(object, "leafHash"));
  GF_ASSIGN(const Hash root, HashOf(object, "root"));
  if (!object.contains("start")) {
    GF_ASSIGN(const auto size, Number(object, "treeSize"));
    return VerifyInclusion(index, size, leaf, proof, root);
  }
  GF_ASSIGN(const auto start, Number(object, "start"));
  GF_ASSIGN(const auto end, Number(object, "end"));
  return VerifySubtreeInclusion(index, start, end, leaf, proof, root);
}

// A tree is consistent with itself whatever its root looks like: no hash is made of it.
Status JudgeSame(const json& object, const Proof& proof) {
  GF_ASSIGN(const std::string one, Bytes(object, "root1"));
  GF_ASSIGN(const std::string other, Bytes(object, "root2"));
  if (!proof.empty()) return Meaningless("it should be empty");
  return one == other ? absl::OkStatus() : Meaningless("the roots differ");
}

Status JudgeConsistency(const json& object, const Proof& proof) {
  GF_ASSIGN(const auto size1, Number(object, "size1"));
  GF_ASSIGN(const auto size2, Number(object, "size2"));
  if (size1 == 0) return Meaningless("the empty tree is consistent with any");
  if (size1 == size2) return JudgeSame(object, proof);
  GF_ASSIGN(const Hash root1, HashOf(object, "root1"));
  GF_ASSIGN(const Hash root2, HashOf(object, "root2"));
  return VerifyConsistency(size1, size2, root1, root2, proof);
}

Status JudgeSubtreeConsistency(const json& object, const Proof& proof) {
  GF_ASSIGN(const auto start, Number(object, "start"));
  GF_ASSIGN(const auto end, Number(object, "end"));
  GF_ASSIGN(const auto size, Number(object, "size"));
  if (start == 0 && end == size && size != 0) return JudgeSame(object, proof);
  GF_ASSIGN(const Hash root1, HashOf(object, "root1"));
  // The root of the tree does not matter to an empty subtree.
  if (start == end) return VerifySubtreeConsistency(start, end, size, root1, EmptyRoot(), proof);
  GF_ASSIGN(const Hash root2, HashOf(object, "root2"));
  return VerifySubtreeConsistency(start, end, size, root1, root2, proof);
}

Status Judge(const json& object) {
  GF_ASSIGN(const Proof proof, ProofOf(object));
  if (object.contains("leafIdx")) return JudgeInclusion(object, proof);
  if (object.contains("size1")) return JudgeConsistency(object, proof);
  if (object.contains("start")) return JudgeSubtreeConsistency(object, proof);
  return Malformed("it has neither leafIdx nor size1 nor start");
}

}  // namespace

ProofVerdict JudgeProofCase(std::string_view json_text) {
  if (json_text.size() > kMaxProofCaseBytes) return {"", Malformed("it is too long")};
  const json object = json::parse(json_text, nullptr, false);
  if (!object.is_object()) return {"", Malformed("it is not a JSON object")};
  ProofVerdict verdict;
  for (const char* member : {"name", "desc"}) {
    const auto name = object.find(member);
    if (name == object.end() || !name->is_string()) continue;
    verdict.name = name->get<std::string>();
    break;
  }
  verdict.status = Judge(object);
  return verdict;
}

}  // namespace genofed::ledger
