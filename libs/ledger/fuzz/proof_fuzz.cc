// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/ledger/proof_case.h"
#include "libs/ledger/tlog_proof.h"
#include "libs/ledger/witness.h"

using namespace genofed;
using namespace genofed::ledger;

// A tlog-proof, an add-checkpoint request, and a proof in JSON.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto proof = ParseTlogProof(text); proof.ok())
    GF_CHECK(FormatTlogProof(*proof) == text);
  if (const auto request = ParseAddCheckpoint(text); request.ok())
    GF_CHECK(FormatAddCheckpoint(*request) == text);
  (void)JudgeProofCase(text);
  return 0;
}
