// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/header.h"

#include <algorithm>

#include "libs/crypt4gh/primitives.h"

namespace genofed::crypt4gh {
namespace {

using internal::AppendLe32;
using internal::AppendLe64;
using internal::kMacBytes;
using internal::kNonceBytes;
using internal::Le32;
using internal::Le64;

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
std::optional<std::string> OpenPacket(std::string_view packet, const SecretKey& key) {
  if (Le32(packet.substr(4)) != kX25519ChaCha20Poly1305 || packet.size() < kMinX25519Packet)
    return std::nullopt;
  auto writer = PublicKey::FromRaw(packet.substr(kPacketHeadBytes, kKeyBytes));
  std::string_view nonce = packet.substr(kPacketHeadBytes + kKeyBytes, kNonceBytes);
  std::string_view sealed = packet.substr(kPacketHeadBytes + kKeyBytes + kNonceBytes);
  auto shared = internal::SharedKey(key, *writer, key.public_key(), *writer);
  if (!shared) return std::nullopt;
  std::string payload(sealed.size() - kMacBytes, '\0');
  if (!internal::Aead(*shared).Open(nonce, sealed, payload.data())) return std::nullopt;
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

std::string EditListPayload(const std::vector<std::uint64_t>& lengths) {
  std::string payload;
  AppendLe32(payload, kEditListPacket);
  AppendLe32(payload, static_cast<std::uint32_t>(lengths.size()));
  for (std::uint64_t length : lengths) AppendLe64(payload, length);
  return payload;
}

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

}  // namespace

Result<std::string> BuildHeader(const HeaderContent& content, std::span<const PublicKey> recipients,
                                Random& random) {
  if (content.data_keys.empty() || recipients.empty())
    return Invalid("it needs a data key and a recipient");
  std::size_t per_recipient = content.data_keys.size() + (content.edit_list ? 1 : 0);
  if (recipients.size() > kMaxHeaderPackets ||
      per_recipient > kMaxHeaderPackets / recipients.size()) {
    return Invalid("too many packets");
  }
  if (content.edit_list && content.edit_list->size() > kMaxHeaderBytes / 8)
    return Invalid("the edit list is too long");
  std::vector<std::string> payloads;
  for (const DataKey& key : content.data_keys) payloads.push_back(KeyPayload(key));
  if (content.edit_list) payloads.push_back(EditListPayload(*content.edit_list));

  SecretKey writer = SecretKey::Generate(random);
  std::string out(kMagic);
  AppendLe32(out, kVersion);
  AppendLe32(out, static_cast<std::uint32_t>(per_recipient * recipients.size()));
  Status status;
  for (const PublicKey& recipient : recipients) {
    auto shared = internal::SharedKey(writer, recipient, recipient, writer.public_key());
    if (!shared) {
      status = Invalid("a recipient's key is not a usable X25519 key");
      break;
    }
    internal::Aead aead(*shared);
    for (const std::string& payload : payloads)
      AppendPacket(out, payload, aead, writer.public_key(), random);
  }
  for (std::string& payload : payloads) internal::Erase(payload);
  GF_TRY(status);
  if (out.size() > kMaxHeaderBytes) return Invalid("longer than 1 MiB");
  return out;
}

Result<HeaderContent> OpenHeader(std::string_view header, const SecretKey& key) {
  GF_ASSIGN(std::size_t size, HeaderSize(header));
  if (size != header.size()) return Invalid("there are bytes behind it");
  GF_ASSIGN(std::uint32_t count, ReadPreamble(header));
  header.remove_prefix(kPreambleBytes);
  HeaderContent content;
  for (std::uint32_t i = 0; i < count; ++i) {
    GF_ASSIGN(std::string_view packet, TakePacket(header));
    std::optional<std::string> payload = OpenPacket(packet, key);
    if (!payload) continue;
    Status status = ReadPayload(*payload, content);
    internal::Erase(*payload);
    GF_TRY(status);
  }
  if (content.data_keys.empty()) {
    return Error(StatusCode::kPermissionDenied, "CRYPT4GH_NOT_A_RECIPIENT",
                 "the Crypt4GH header is not for this key");
  }
  return content;
}

Result<std::string> Reencrypt(std::string_view header, const SecretKey& key,
                              const PublicKey& recipient, Random& random) {
  GF_ASSIGN(HeaderContent content, OpenHeader(header, key));
  return BuildHeader(content, {&recipient, 1}, random);
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

}  // namespace genofed::crypt4gh
