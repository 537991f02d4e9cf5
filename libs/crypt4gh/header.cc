// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/header.h"

#include <algorithm>

#include "libs/crypt4gh/primitives.h"
#include "libs/crypto/hash.h"

namespace genofed::crypt4gh {
namespace {

using internal::AppendLe32;
using internal::AppendLe64;
using internal::kMacBytes;
using internal::kNonceBytes;
using internal::Le32;
using internal::Le64;
using internal::SecretText;

constexpr std::string_view kMagic = "crypt4gh";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kPreambleBytes = 16;   // magic, version, packet count
constexpr std::size_t kPacketHeadBytes = 8;  // length, method
constexpr std::size_t kMinX25519Packet = kPacketHeadBytes + kKeyBytes + kNonceBytes + kMacBytes;
constexpr std::uint32_t kX25519ChaCha20Poly1305 = 0;
constexpr std::uint32_t kDataKeyPacket = 0;
constexpr std::uint32_t kEditListPacket = 1;
constexpr std::uint32_t kDataChaCha20Poly1305 = 0;

Status Invalid(std::string_view why) {
  return Error(StatusCode::kInvalidArgument, "CRYPT4GH_HEADER_INVALID", "Crypt4GH header: {}", why);
}
Status Unsupported(std::string_view what, std::uint32_t value) {
  return Error(StatusCode::kUnimplemented, "CRYPT4GH_UNSUPPORTED",
               "Crypt4GH {} {} is not supported", what, value);
}
Status Incomplete() {
  return Error(StatusCode::kOutOfRange, "CRYPT4GH_HEADER_INCOMPLETE",
               "the Crypt4GH header ends early");
}

// Checks the preamble and returns the packet count.
Result<std::uint32_t> ReadPreamble(std::string_view data) {
  if (data.substr(0, kMagic.size()) != kMagic.substr(0, data.size()))
    return Invalid("it does not start with 'crypt4gh'");
  if (data.size() < kPreambleBytes) return Incomplete();
  if (std::uint32_t version = Le32(data.substr(8)); version != kVersion)
    return Unsupported("version", version);
  std::uint32_t count = Le32(data.substr(12));
  if (count == 0 || count > kMaxHeaderPackets)
    return Invalid("its number of packets is out of bounds");
  return count;
}

// The next packet with its length field; `rest` moves behind it.
Result<std::string_view> TakePacket(std::string_view& rest) {
  if (rest.size() < 4) return Incomplete();
  std::size_t size = Le32(rest);
  if (size < kPacketHeadBytes || size > kMaxHeaderBytes)
    return Invalid("the length of a packet is out of bounds");
  if (rest.size() < size) return Incomplete();
  std::string_view packet = rest.substr(0, size);
  rest.remove_prefix(size);
  return packet;
}

// The payload, or nothing when the packet is for somebody else.
std::optional<SecretText> OpenPacket(std::string_view packet, const SecretKey& key) {
  if (Le32(packet.substr(4)) != kX25519ChaCha20Poly1305 || packet.size() < kMinX25519Packet)
    return std::nullopt;
  auto writer = PublicKey::FromRaw(packet.substr(kPacketHeadBytes, kKeyBytes));
  std::string_view nonce = packet.substr(kPacketHeadBytes + kKeyBytes, kNonceBytes);
  std::string_view sealed = packet.substr(kPacketHeadBytes + kKeyBytes + kNonceBytes);
  auto shared = internal::SharedKey(key, *writer, key.public_key(), *writer);
  if (!shared) return std::nullopt;
  SecretText payload(sealed.size() - kMacBytes);
  if (!internal::Aead(*shared).Open(nonce, sealed, payload.bytes.data())) return std::nullopt;
  return payload;
}

// Bytes after the known fields are padding, which the specification allows.
Status ReadPayload(std::string_view payload, HeaderContent& content) {
  if (payload.size() < 8) return Invalid("a packet is too short");
  std::uint32_t type = Le32(payload);
  std::uint32_t word = Le32(payload.substr(4));
  payload.remove_prefix(8);
  if (type == kDataKeyPacket) {
    if (word != kDataChaCha20Poly1305) return Unsupported("data encryption method", word);
    if (payload.size() < kKeyBytes) return Invalid("a key packet is too short");
    GF_ASSIGN(DataKey key, DataKey::FromRaw(payload.substr(0, kKeyBytes)));
    if (std::ranges::find(content.data_keys, key) == content.data_keys.end())
      content.data_keys.push_back(key);
    return absl::OkStatus();
  }
  if (type != kEditListPacket) return Unsupported("header packet type", type);
  if (content.edit_list) return Invalid("it has two edit lists");
  if (payload.size() / 8 < word) return Invalid("an edit list packet is too short");
  content.edit_list.emplace();
  for (std::uint32_t i = 0; i < word; ++i)
    content.edit_list->push_back(Le64(payload.substr(8U * i)));
  return absl::OkStatus();
}

std::string KeyPayload(const DataKey& key) {
  std::string payload;
  AppendLe32(payload, kDataKeyPacket);
  AppendLe32(payload, kDataChaCha20Poly1305);
  payload += key.bytes();
  return payload;
}

std::string EditListPayload(const EditList& lengths) {
  std::string payload;
  AppendLe32(payload, kEditListPacket);
  AppendLe32(payload, static_cast<std::uint32_t>(lengths.size()));
  for (std::uint64_t length : lengths) AppendLe64(payload, length);
  return payload;
}

// The packets of each recipient. Erased at the end.
class Payloads {
 public:
  static Result<Payloads> Of(const HeaderContent& content, std::size_t recipients) {
    if (content.data_keys.empty() || recipients == 0)
      return Invalid("it needs a data key and a recipient");
    std::size_t count = content.data_keys.size() + (content.edit_list ? 1 : 0);
    if (recipients > kMaxHeaderPackets || count > kMaxHeaderPackets / recipients)
      return Invalid("too many packets");
    if (content.edit_list && content.edit_list->size() > kMaxHeaderBytes / 8)
      return Invalid("the edit list is too long");
    Payloads payloads;
    for (const DataKey& key : content.data_keys) payloads.all_.emplace_back(KeyPayload(key));
    if (content.edit_list) payloads.all_.emplace_back(EditListPayload(*content.edit_list));
    return payloads;
  }
  const std::vector<SecretText>& all() const { return all_; }

 private:
  Payloads() = default;
  std::vector<SecretText> all_;
};

void AppendPacket(std::string& out, std::string_view payload, internal::Aead& aead,
                  const PublicKey& writer, Random& random) {
  AppendLe32(out, static_cast<std::uint32_t>(kMinX25519Packet + payload.size()));
  AppendLe32(out, kX25519ChaCha20Poly1305);
  out += writer.raw();
  std::string nonce = random.Bytes(kNonceBytes);
  out += nonce;
  std::size_t at = out.size();
  out.resize(at + payload.size() + kMacBytes);
  aead.Seal(nonce, payload, out.data() + at);
}

Result<std::string> WriteHeader(const Payloads& payloads, std::span<const PublicKey> recipients,
                                const SecretKey& writer, Random& random) {
  std::string out(kMagic);
  AppendLe32(out, kVersion);
  AppendLe32(out, static_cast<std::uint32_t>(payloads.all().size() * recipients.size()));
  for (const PublicKey& recipient : recipients) {
    auto shared = internal::SharedKey(writer, recipient, recipient, writer.public_key());
    if (!shared) return Invalid("a recipient's key is not a usable X25519 key");
    internal::Aead aead(*shared);
    for (const SecretText& payload : payloads.all())
      AppendPacket(out, payload.bytes, aead, writer.public_key(), random);
  }
  if (out.size() > kMaxHeaderBytes) return Invalid("longer than 1 MiB");
  return out;
}

// An endless stream of pseudo-random bytes: HMAC-SHA256 in counter mode (NIST SP 800-108r1 section
// 4.1) under the given key.
class DerivedRandom final : public Random {
 public:
  explicit DerivedRandom(std::string key) : key_(std::move(key)) {}

  void Fill(std::span<std::uint8_t> bytes) override {
    for (std::uint8_t& byte : bytes) {
      if (at_ == block_.bytes.size()) Next();
      byte = static_cast<std::uint8_t>(block_.bytes[at_++]);
    }
  }

 private:
  void Next() {
    std::string input = "genofed crypt4gh header stream";
    AppendLe64(input, counter_++);
    std::string next = crypto::HmacSha256(key_.bytes, input);
    next.copy(block_.bytes.data(), next.size());
    internal::Erase(next);
    at_ = 0;
  }

  SecretText key_;
  SecretText block_{crypto::kSha256Bytes};
  std::size_t at_ = crypto::kSha256Bytes;
  std::uint64_t counter_ = 0;
};

// Everything that the header depends on, each part with its length before it.
std::string StreamKey(const RepeatableWriter& writer, const Payloads& payloads,
                      std::span<const PublicKey> recipients) {
  SecretText input(std::string("genofed crypt4gh header key"));
  input.bytes.reserve(kMaxHeaderBytes);  // growing would leave copies of the data keys behind
  auto add = [&input](std::string_view part) {
    AppendLe64(input.bytes, part.size());
    input.bytes += part;
  };
  add(writer.object_id);
  add(writer.grant_id);
  AppendLe64(input.bytes, recipients.size());
  for (const PublicKey& recipient : recipients) add(recipient.raw());
  for (const SecretText& payload : payloads.all()) add(payload.bytes);
  return crypto::HmacSha256(writer.secret.bytes(), input.bytes);
}

Result<HeaderContent> OpenAndEdit(std::string_view header, const SecretKey& key,
                                  const EditList& added) {
  GF_ASSIGN(HeaderContent content, OpenHeader(header, key));
  if (!added.empty()) content.edit_list = Compose(content.edit_list.value_or(EditList{}), added);
  return content;
}

PacketSummary::Kind KindOf(std::string_view payload) {
  if (payload.size() < 4) return PacketSummary::Kind::kUnknown;
  std::uint32_t type = Le32(payload);
  return type == kDataKeyPacket    ? PacketSummary::Kind::kDataKey
         : type == kEditListPacket ? PacketSummary::Kind::kEditList
                                   : PacketSummary::Kind::kUnknown;
}

}  // namespace

Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                const SecretKey& writer, Random& random) {
  GF_ASSIGN(Payloads payloads, Payloads::Of(content, recipients.size()));
  return WriteHeader(payloads, recipients, writer, random);
}

Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                Random& random) {
  return BuildHeader(content, recipients, SecretKey::Generate(random), random);
}

Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                const RepeatableWriter& writer) {
  GF_ASSIGN(Payloads payloads, Payloads::Of(content, recipients.size()));
  DerivedRandom random(StreamKey(writer, payloads, recipients));
  SecretKey ephemeral = SecretKey::Generate(random);
  return WriteHeader(payloads, recipients, ephemeral, random);
}

Result<HeaderContent> OpenHeader(std::string_view header, const SecretKey& key) {
  GF_ASSIGN(std::size_t size, HeaderSize(header));
  if (size != header.size()) return Invalid("there are bytes behind it");
  GF_ASSIGN(std::uint32_t count, ReadPreamble(header));
  header.remove_prefix(kPreambleBytes);
  HeaderContent content;
  for (std::uint32_t i = 0; i < count; ++i) {
    GF_ASSIGN(std::string_view packet, TakePacket(header));
    std::optional<SecretText> payload = OpenPacket(packet, key);
    if (payload) GF_TRY(ReadPayload(payload->bytes, content));
  }
  if (content.data_keys.empty()) {
    return Error(StatusCode::kPermissionDenied, "CRYPT4GH_NOT_A_RECIPIENT",
                 "the Crypt4GH header is not for this key");
  }
  return content;
}

Result<std::string> Reencrypt(std::string_view header, const SecretKey& key,
                              const PublicKey& recipient, Random& random, const EditList& added) {
  GF_ASSIGN(HeaderContent content, OpenAndEdit(header, key, added));
  return BuildHeader(content, {&recipient, 1}, random);
}

Result<std::string> Reencrypt(std::string_view header, const SecretKey& key,
                              const PublicKey& recipient, const RepeatableWriter& writer,
                              const EditList& added) {
  GF_ASSIGN(HeaderContent content, OpenAndEdit(header, key, added));
  return BuildHeader(content, {&recipient, 1}, writer);
}

Result<RangeHeader> ReencryptRange(std::string_view header, const SecretKey& key,
                                   const PublicKey& recipient, const RepeatableWriter& writer,
                                   std::uint64_t plain_size, std::span<const ByteRange> ranges) {
  GF_ASSIGN(HeaderContent content, OpenHeader(header, key));
  RangeHeader result;
  GF_ASSIGN(result.plan, PlanRange(plain_size, ranges, content.edit_list.value_or(EditList{})));
  // The old list counted over the whole body; the plan counts over what is sent of it.
  content.edit_list.reset();
  if (!result.plan.edit_list.empty()) content.edit_list = result.plan.edit_list;
  GF_ASSIGN(result.header, BuildHeader(content, {&recipient, 1}, writer));
  return result;
}

Result<std::size_t> HeaderSize(std::string_view data) {
  GF_ASSIGN(std::uint32_t count, ReadPreamble(data));
  std::string_view rest = data.substr(kPreambleBytes);
  for (std::uint32_t i = 0; i < count; ++i) {
    Result<std::string_view> packet = TakePacket(rest);
    // A header that is still incomplete at the limit will never fit.
    if (!packet.ok() && data.size() > kMaxHeaderBytes) return Invalid("longer than 1 MiB");
    GF_TRY(packet);
  }
  std::size_t size = data.size() - rest.size();
  if (size > kMaxHeaderBytes) return Invalid("longer than 1 MiB");
  return size;
}

Result<std::vector<PacketSummary>> SummariseHeader(std::string_view header, const SecretKey* key) {
  GF_ASSIGN(std::uint32_t count, ReadPreamble(header));
  header.remove_prefix(kPreambleBytes);
  std::vector<PacketSummary> packets;
  for (std::uint32_t i = 0; i < count; ++i) {
    GF_ASSIGN(std::string_view packet, TakePacket(header));
    PacketSummary summary{packet.size(), Le32(packet.substr(4)), PacketSummary::Kind::kNotReadable};
    if (key != nullptr) {
      if (auto payload = OpenPacket(packet, *key)) summary.kind = KindOf(payload->bytes);
    }
    packets.push_back(summary);
  }
  return packets;
}

}  // namespace genofed::crypt4gh
