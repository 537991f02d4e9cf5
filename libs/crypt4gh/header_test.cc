// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/header.h"

#include <rapidcheck.h>

#include <algorithm>

#include "libs/crypt4gh/primitives.h"
#include "libs/crypt4gh/test_support.h"
#include "libs/crypto/hash.h"

namespace genofed::crypt4gh {
namespace {

HeaderContent OneKey(Random& random) { return {{DataKey::Generate(random)}, std::nullopt}; }

// A packet with any payload, as a writer with this library's primitives could make it.
std::string Packet(const std::string& payload, const PublicKey& reader, Random& random) {
  auto writer = SecretKey::Generate(random);
  auto shared = internal::SharedKey(writer, reader, reader, writer.public_key());
  std::string packet;
  internal::AppendLe32(packet, static_cast<std::uint32_t>(68 + payload.size()));
  internal::AppendLe32(packet, 0);
  std::string nonce = random.Bytes(12);
  std::string sealed(payload.size() + 16, '\0');
  internal::Aead(*shared).Seal(nonce, payload, sealed.data());
  return packet + writer.public_key().raw() + nonce + sealed;
}

std::string Header(const std::vector<std::string>& packets) {
  std::string header = "crypt4gh";
  internal::AppendLe32(header, 1);
  internal::AppendLe32(header, static_cast<std::uint32_t>(packets.size()));
  for (const std::string& packet : packets) header += packet;
  return header;
}

std::string Words(std::initializer_list<std::uint32_t> words, const std::string& tail = "") {
  std::string out;
  for (std::uint32_t word : words) internal::AppendLe32(out, word);
  return out + tail;
}

class HeaderTest : public ::testing::Test {
 protected:
  SystemRandom random_;
  SecretKey a_ = CountingKey(1);
  SecretKey b_ = CountingKey(0x21);
};

TEST_F(HeaderTest, EachRecipientOpensIt) {
  HeaderContent content = OneKey(random_);
  content.edit_list = {0, 7853, 71721, 307929};
  std::vector<PublicKey> recipients = {a_.public_key(), b_.public_key()};
  std::string header = BuildHeader(content, recipients, random_).value();
  for (const SecretKey& key : {a_, b_}) {
    auto opened = OpenHeader(header, key);
    ASSERT_TRUE(opened.ok()) << Describe(opened.status());
    ASSERT_EQ(opened->data_keys.size(), 1U);
    EXPECT_TRUE(opened->data_keys[0] == content.data_keys[0]);
    EXPECT_EQ(opened->edit_list, content.edit_list);
  }
  EXPECT_EQ(Reason(OpenHeader(header, CountingKey(0x61)).status()), "CRYPT4GH_NOT_A_RECIPIENT");
}

TEST_F(HeaderTest, OnePacketHas108Bytes) {
  EXPECT_EQ(BuildHeader(OneKey(random_), {&a_.public_key(), 1}, random_)->size(), 16U + 108U);
}

TEST_F(HeaderTest, ReencryptMovesAccess) {
  HeaderContent content = OneKey(random_);
  content.edit_list = {10, 20, 30};
  std::string for_a = BuildHeader(content, {&a_.public_key(), 1}, random_).value();
  std::string for_b = Reencrypt(for_a, a_, b_.public_key(), random_).value();
  auto opened = OpenHeader(for_b, b_);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(opened->data_keys[0] == content.data_keys[0]);
  EXPECT_EQ(opened->edit_list, content.edit_list);
  EXPECT_FALSE(OpenHeader(for_b, a_).ok());
  EXPECT_EQ(Reason(Reencrypt(for_a, b_, b_.public_key(), random_).status()),
            "CRYPT4GH_NOT_A_RECIPIENT");
}

TEST_F(HeaderTest, ReencryptsTheVector) {
  GF_NEED_VECTORS();
  std::string before = Load("generated/reencrypt_before.c4gh");
  std::string after = Load("generated/reencrypt_after_for_B.c4gh");
  auto from = OpenHeader(before.substr(0, HeaderSize(before).value()), a_);
  auto to = OpenHeader(after.substr(0, HeaderSize(after).value()), b_);
  ASSERT_TRUE(from.ok() && to.ok());
  EXPECT_TRUE(from->data_keys[0] == to->data_keys[0]);
}

TEST_F(HeaderTest, PaddingAndForeignPacketsAreSkipped) {
  std::string key_payload = Words({0, 0}, std::string(32, 'k'));
  std::string unknown_method = Words({12, 7}, "abcd");
  auto opened =
      OpenHeader(Header({unknown_method, Packet(key_payload, b_.public_key(), random_),
                         Packet(key_payload + std::string(40, '\0'), a_.public_key(), random_)}),
                 a_);
  ASSERT_TRUE(opened.ok()) << Describe(opened.status());
  EXPECT_EQ(opened->data_keys[0].bytes(), std::string(32, 'k'));
}

TEST_F(HeaderTest, RefusesWhatItMustNotGuess) {
  std::string key_payload = Words({0, 0}, std::string(32, 'k'));
  auto open = [&](const std::vector<std::string>& payloads) {
    std::vector<std::string> packets;
    for (const std::string& payload : payloads)
      packets.push_back(Packet(payload, a_.public_key(), random_));
    return Reason(OpenHeader(Header(packets), a_).status());
  };
  std::string edits = Words({1, 1, 5, 0});
  EXPECT_EQ(open({key_payload, edits}), "");
  EXPECT_EQ(open({key_payload, edits, edits}), "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(open({key_payload, Words({1, 0xffffffff, 5, 0})}), "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(open({Words({0, 0}, "short")}), "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(open({Words({0, 1}, std::string(40, 'k'))}), "CRYPT4GH_UNSUPPORTED");
  EXPECT_EQ(open({key_payload, Words({2, 0})}), "CRYPT4GH_UNSUPPORTED");
  EXPECT_EQ(open({edits}), "CRYPT4GH_NOT_A_RECIPIENT");
  EXPECT_EQ(open({"x"}), "CRYPT4GH_HEADER_INVALID");
}

TEST_F(HeaderTest, LimitsHold) {
  auto many = std::string("crypt4gh") + Words({1, 1001});
  EXPECT_EQ(Reason(HeaderSize(many).status()), "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(Reason(HeaderSize("crypt4gh" + Words({1, 0})).status()), "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(Reason(HeaderSize("crypt4gh" + Words({1, 1, 3})).status()), "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(Reason(HeaderSize("crypt4gh" + Words({1, 1, 0x7fffffff})).status()),
            "CRYPT4GH_HEADER_INVALID");
  EXPECT_EQ(Reason(HeaderSize("crypt4gh" + Words({2, 1})).status()), "CRYPT4GH_UNSUPPORTED");
  EXPECT_EQ(Reason(HeaderSize("crypt4g").status()), "CRYPT4GH_HEADER_INCOMPLETE");
  EXPECT_EQ(Reason(HeaderSize("crypt5").status()), "CRYPT4GH_HEADER_INVALID");
  std::vector<PublicKey> recipients(1001, a_.public_key());
  EXPECT_EQ(Reason(BuildHeader(OneKey(random_), recipients, random_).status()),
            "CRYPT4GH_HEADER_INVALID");
  recipients.resize(1000, a_.public_key());
  EXPECT_TRUE(BuildHeader(OneKey(random_), recipients, random_).ok());
  EXPECT_FALSE(BuildHeader(OneKey(random_), {}, random_).ok());
  std::string header = BuildHeader(OneKey(random_), {&a_.public_key(), 1}, random_).value();
  EXPECT_EQ(Reason(OpenHeader(header + "x", a_).status()), "CRYPT4GH_HEADER_INVALID");
  for (std::size_t size = 0; size < header.size(); ++size)
    EXPECT_FALSE(OpenHeader(header.substr(0, size), a_).ok());
}

TEST_F(HeaderTest, AnyChangedByteIsRefused) {
  std::string header = BuildHeader(OneKey(random_), {&a_.public_key(), 1}, random_).value();
  for (std::size_t at = 0; at < header.size(); ++at) {
    // The top bit of a public key is ignored by X25519 itself (RFC 7748 section 5), but is hashed
    // into the key.
    for (int bit : {0, 7}) {
      std::string changed = header;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(OpenHeader(changed, a_).ok()) << at;
    }
  }
}

TEST_F(HeaderTest, AWriterReadsWhatHeWrote) {
  HeaderContent content = OneKey(random_);
  std::string header = BuildHeader(content, {&a_.public_key(), 1}, b_, random_).value();
  EXPECT_TRUE(OpenHeader(header, a_)->data_keys[0] == content.data_keys[0]);
  EXPECT_EQ(header.substr(24, 32), b_.public_key().raw());
}

TEST_F(HeaderTest, ReencryptComposesEditLists) {
  HeaderContent content = OneKey(random_);
  std::string plain = BuildHeader(content, {&a_.public_key(), 1}, random_).value();
  auto list_of = [&](const std::string& header) { return OpenHeader(header, b_)->edit_list; };
  EXPECT_EQ(list_of(Reencrypt(plain, a_, b_.public_key(), random_).value()), std::nullopt);
  EXPECT_EQ(list_of(Reencrypt(plain, a_, b_.public_key(), random_, {5, 10}).value()),
            (EditList{5, 10}));
  content.edit_list = {100, 50, 25};
  std::string edited = BuildHeader(content, {&a_.public_key(), 1}, random_).value();
  // Of the bytes 100-149 and 175-… those at 40-59: 140-149 and 175-184.
  EXPECT_EQ(list_of(Reencrypt(edited, a_, b_.public_key(), random_, {40, 20}).value()),
            (EditList{140, 10, 25, 10}));
}

TEST_F(HeaderTest, RepeatableHeadersRepeat) {
  HeaderContent content{{DataKey::FromRaw(std::string(CountingKey(0x61).bytes())).value()},
                        EditList{10, 20, 30}};
  Secret32 secret = Secret32::FromRaw(CountingKey(0xa1).bytes()).value();
  std::vector<PublicKey> recipients = {a_.public_key(), b_.public_key()};
  RepeatableWriter writer{secret, "object-1", "grant-7"};
  std::string header = BuildHeader(content, recipients, writer).value();
  // Calculated from the description in header.h with Python's hmac, hashlib and cryptography.
  EXPECT_EQ(header.size(), 432U);
  EXPECT_EQ(HexEncode(crypto::Sha256(header)),
            "3b6baed90d436531135190239797ca3ada22aa94ca38f1967623e95056b41052");
  EXPECT_TRUE(OpenHeader(header, b_)->data_keys[0] == content.data_keys[0]);

  // Whatever differs, key and nonces differ.
  std::vector<std::string> seen = {header.substr(24, 32)};
  auto differs = [&](const Result<std::string>& other) {
    ASSERT_TRUE(other.ok());
    std::string writer_key = other->substr(24, 32);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), writer_key), 0);
    seen.push_back(writer_key);
  };
  Secret32 other_secret = Secret32::FromRaw(CountingKey(0xa2).bytes()).value();
  differs(BuildHeader(content, recipients, RepeatableWriter{other_secret, "object-1", "grant-7"}));
  differs(BuildHeader(content, recipients, RepeatableWriter{secret, "object-2", "grant-7"}));
  differs(BuildHeader(content, recipients, RepeatableWriter{secret, "object-1", "grant-8"}));
  differs(BuildHeader(content, recipients, RepeatableWriter{secret, "object-1g", "rant-7"}));
  differs(BuildHeader(content, {recipients.data(), 1}, writer));
  content.edit_list = EditList{10, 20, 31};
  differs(BuildHeader(content, recipients, writer));
  content.edit_list.reset();
  differs(BuildHeader(content, recipients, writer));
  content.data_keys = {DataKey::Generate(random_)};
  differs(BuildHeader(content, recipients, writer));
}

TEST_F(HeaderTest, SummariesSayWhatIsThere) {
  HeaderContent content = OneKey(random_);
  content.edit_list = {1, 2};
  std::vector<PublicKey> recipients = {a_.public_key(), b_.public_key()};
  std::string header = BuildHeader(content, recipients, random_).value();
  auto kinds = [](const Result<std::vector<PacketSummary>>& packets) {
    std::vector<PacketSummary::Kind> found;
    for (const PacketSummary& packet : *packets) found.push_back(packet.kind);
    return found;
  };
  using enum PacketSummary::Kind;
  EXPECT_EQ(kinds(SummariseHeader(header, &b_)),
            (std::vector{kNotReadable, kNotReadable, kDataKey, kEditList}));
  EXPECT_EQ(kinds(SummariseHeader(header, nullptr)), std::vector(4, kNotReadable));
  EXPECT_EQ(SummariseHeader(header, nullptr)->at(1).bytes, 68U + 8 + 16);
  EXPECT_EQ(kinds(SummariseHeader(Header({Packet(Words({9, 0}), a_.public_key(), random_)}), &a_)),
            std::vector{kUnknown});
  EXPECT_FALSE(SummariseHeader(header.substr(0, 100), &a_).ok());
}

TEST_F(HeaderTest, ArbitraryBytesNeverCrash) {
  EXPECT_TRUE(rc::check([this](const std::string& bytes, std::uint32_t count) {
    (void)OpenHeader(bytes, a_);
    (void)OpenHeader("crypt4gh" + Words({1, count % 5}) + bytes, a_);
  }));
}

}  // namespace
}  // namespace genofed::crypt4gh
