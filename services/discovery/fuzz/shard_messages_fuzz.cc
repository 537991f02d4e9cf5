// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string>

#include "services/discovery/adapters/shard_mapping.h"

namespace {

using namespace genofed;
using namespace genofed::discovery;

constexpr std::uint32_t kManyRows = 1U << 20;  // more only take longer

template <typename Message>
Message Without(Message message) {
  message.DiscardUnknownFields();
  return message;
}

void CheckRows(const v1::RowSet& received) {
  if (received.size() > kManyRows) return;
  const auto rows = FromProto(received);
  if (!rows.ok()) return;
  GF_CHECK(rows->size() == received.size() && rows->Count() <= rows->size());
  const v1::RowSet sent = ToProto(*rows);
  GF_CHECK(sent.ByteSizeLong() <= received.ByteSizeLong());
  const auto again = FromProto(sent);
  GF_CHECK(again.ok() && *again == *rows);
}

std::string MeaningOf(const VariantPattern& pattern) {
  Query query;
  query.variant = pattern;
  return Canonical(query);
}

void CheckVariant(const v1::VariantQuery& received) {
  const auto pattern = VariantFromProto(received);
  if (!pattern.ok()) return;
  const auto again = VariantFromProto(VariantToProto(*pattern));
  GF_CHECK(again.ok() && again->form == pattern->form && MeaningOf(*again) == MeaningOf(*pattern));
}

template <typename Message, typename Check>
void Read(const std::uint8_t* data, std::size_t size, Check check) {
  Message message;
  if (message.ParseFromArray(data, static_cast<int>(size))) check(Without(std::move(message)));
}

}  // namespace

// What another process of the node sends, the first byte being the kind: refused, or sent on it
// reads the same. Rows are never longer than they came.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const int kind = data[0] % 4;
  ++data, --size;
  if (kind == 0) {
    Read<v1::RowSet>(data, size, CheckRows);
  } else if (kind == 1) {
    Read<v1::VariantQuery>(data, size, CheckVariant);
  } else if (kind == 2) {
    Read<v1::CountAllelesResponse>(data, size, [](const v1::CountAllelesResponse& received) {
      const auto alleles = FromProto(received, "20");
      GF_CHECK(ToProto(alleles).SerializeAsString() == received.SerializeAsString());
    });
  } else {
    Read<v1::CountSitesResponse>(data, size, [](const v1::CountSitesResponse& received) {
      const SitePiece piece = FromProto(received);
      GF_CHECK(ToProto(piece).SerializeAsString() == received.SerializeAsString());
    });
  }
  return 0;
}
