// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>

#include "libs/ledger/checkpoint.h"

using namespace genofed;
using namespace genofed::ledger;

// A note, a checkpoint in it, and a verifier key.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto note = ParseNote(text); note.ok()) {
    const auto again = ParseNote(FormatNote(*note));
    GF_CHECK(again.ok() && again->text == note->text &&
             again->signatures.size() == note->signatures.size());
    GF_CHECK(FormatNote(*again) == text);
    if (const auto checkpoint = ParseCheckpoint(note->text); checkpoint.ok())
      GF_CHECK(FormatCheckpoint(*checkpoint) == note->text);
  }
  if (const auto key = NoteVerifier::Parse(text); key.ok()) GF_CHECK(key->ToString() == text);
  return 0;
}
