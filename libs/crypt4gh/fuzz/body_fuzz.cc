// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "libs/crypt4gh/range_reader.h"

namespace {

using namespace genofed;
using namespace genofed::crypt4gh;

// Takes integers of two bytes; 0 at the end of the input.
class Numbers {
 public:
  Numbers(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint64_t Next() {
    if (size_ < 2) return 0;
    std::uint64_t value = data_[0] | static_cast<std::uint64_t>(data_[1]) << 8;
    data_ += 2;
    size_ -= 2;
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

struct File {
  SecretKey key = SecretKey::FromRaw(std::string(32, 'k')).value();
  std::string plain;
  std::string body;
  Manifest manifest;
};

const File& TheFile() {
  static const File file = [] {
    File made;
    for (std::size_t i = 0; i < 200'000; ++i) made.plain += static_cast<char>(i * 131 + (i >> 8));
    SystemRandom random;
    auto encryptor =
        Encryptor::Create({&made.key.public_key(), 1}, random, [&made](std::string_view bytes) {
          made.body += bytes;
          return absl::OkStatus();
        });
    GF_CHECK(encryptor.ok() && encryptor->Push(made.plain).ok());
    made.manifest = encryptor->Finish().value();
    return made;
  }();
  return file;
}

Sink Into(std::string& out) {
  return [&out](std::string_view bytes) {
    out += bytes;
    return absl::OkStatus();
  };
}

// Bytes of the body changed, cut off or doubled: what comes out is always a prefix that ends where
// a segment does.
void Damage(Numbers& numbers, std::uint64_t step) {
  const File& file = TheFile();
  std::string body = file.body;
  for (std::uint64_t changes = numbers.Next() % 3; changes > 0; --changes) {
    char& byte = body[numbers.Next() * 4 % body.size()];
    byte = static_cast<char>(byte ^ static_cast<char>(numbers.Next()));
  }
  body.resize(std::min<std::uint64_t>(body.size(), numbers.Next() * 4));
  std::string out;
  auto decryptor = Decryptor::CreateUnverified(file.manifest.header, file.key, Into(out)).value();
  bool ok = true;
  for (std::size_t at = 0; at < body.size() && ok; at += step)
    ok = decryptor.Push(std::string_view(body).substr(at, step)).ok();
  ok = ok && decryptor.Finish().ok();
  GF_CHECK(std::string_view(file.plain).starts_with(out));
  GF_CHECK(out.size() % kSegmentBytes == 0 || out.size() == file.plain.size());
  GF_CHECK(!ok || PlainSize(body.size()).value() == out.size());
}

// Streaming and random access agree about any edit list, and so does a planned part.
void Edit(Numbers& numbers, std::uint64_t step) {
  const File& file = TheFile();
  EditList list(numbers.Next() % 8);
  for (std::uint64_t& length : list) length = numbers.Next() * (numbers.Next() % 3);
  ByteRange range{numbers.Next() * 4, 0};
  range.end = range.begin + numbers.Next();
  SystemRandom random;
  std::string header =
      Reencrypt(file.manifest.header, file.key, file.key.public_key(), random, list).value();
  std::string streamed;
  auto decryptor = Decryptor::CreateUnverified(header, file.key, Into(streamed)).value();
  for (std::size_t at = 0; at < file.body.size(); at += step)
    GF_CHECK(decryptor.Push(std::string_view(file.body).substr(at, step)).ok());
  GF_CHECK(decryptor.Finish().ok());

  ReadBody read = [&file](std::uint64_t offset, std::span<char> out) {
    GF_CHECK(file.body.copy(out.data(), out.size(), offset) == out.size());
    return absl::OkStatus();
  };
  auto reader = RangeReader::Create(header, file.key, file.body.size(), read).value();
  std::string slice;
  GF_CHECK(reader.size() == streamed.size() && reader.Read(range, Into(slice)).ok());
  GF_CHECK(slice ==
           (range.begin < streamed.size() ? streamed.substr(range.begin, range.size()) : ""));

  RangePlan plan = PlanRange(file.plain.size(), {&range, 1}, list).value();
  GF_CHECK(plan.plain_size == slice.size());
  std::string sent, part;
  for (const ByteRange& piece : plan.body) sent += file.body.substr(piece.begin, piece.size());
  std::string part_header =
      Reencrypt(file.manifest.header, file.key, file.key.public_key(), random, plan.edit_list)
          .value();
  auto receiver = Decryptor::CreateUnverified(part_header, file.key, Into(part)).value();
  GF_CHECK(receiver.Push(sent).ok() && receiver.Finish().ok() && part == slice);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Numbers numbers(data, size);
  bool damage = numbers.Next() % 2 == 0;
  std::uint64_t step = numbers.Next() * 4 + 500;
  damage ? Damage(numbers, step) : Edit(numbers, step);
  return 0;
}
