// SPDX-License-Identifier: Apache-2.0
#include "libs/crypt4gh/range_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/crypt4gh/primitives.h"
#include "libs/crypt4gh/segment_opener.h"

namespace genofed::crypt4gh {
namespace {

// How much is asked for at once: few requests for a large range, little memory.
constexpr std::uint64_t kFetchSegments = 16;

}  // namespace

ReadBody FileBody(int fd, std::uint64_t body_offset) {
  return [fd, body_offset](std::uint64_t offset, std::span<char> out) -> Status {
    while (!out.empty()) {
      ssize_t n = ::pread(fd, out.data(), out.size(), static_cast<off_t>(body_offset + offset));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read the body: {}",
                     std::strerror(errno));
      }
      if (n == 0)
        return Error(StatusCode::kDataLoss, "CRYPT4GH_BODY_INVALID", "the body ends early");
      out = out.subspan(static_cast<std::size_t>(n));
      offset += static_cast<std::uint64_t>(n);
    }
    return absl::OkStatus();
  };
}

struct RangeReader::State {
  State(const HeaderContent& content, std::uint64_t size_of_body, std::uint64_t plain_size,
        ReadBody source)
      : opener(content.data_keys),
        body_size(size_of_body),
        kept(KeptRanges(content.edit_list.value_or(EditList{}), plain_size)),
        read(std::move(source)) {}
  ~State() { internal::Erase(plain); }

  // Fetches `number` and, of the segments up to `last`, as many as fit.
  Status Fetch(std::uint64_t number, std::uint64_t last) {
    std::uint64_t begin = number * kSealedSegmentBytes;
    std::uint64_t end = std::min(last + 1, number + kFetchSegments) * kSealedSegmentBytes;
    sealed.resize(static_cast<std::size_t>(std::min(end, body_size) - begin));
    fetched = begin;
    return read(begin, {sealed.data(), sealed.size()});
  }

  // Makes `plain` the plaintext of segment `number`.
  Status Open(std::uint64_t number, std::uint64_t last) {
    if (opened == number) return absl::OkStatus();
    opened.reset();
    std::uint64_t begin = number * kSealedSegmentBytes;
    if (begin < fetched || begin >= fetched + sealed.size()) {
      Status status = Fetch(number, last);
      if (!status.ok()) sealed.clear();
      GF_TRY(status);
    }
    std::string_view segment =
        std::string_view(sealed).substr(static_cast<std::size_t>(begin - fetched));
    GF_TRY(opener.Open(segment.substr(0, kSealedSegmentBytes), number, plain));
    opened = number;
    return absl::OkStatus();
  }

  Status Read(ByteRange part, const Sink& sink) {
    std::uint64_t last = (part.end - 1) / kSegmentBytes;
    for (std::uint64_t at = part.begin; at < part.end;) {
      std::uint64_t number = at / kSegmentBytes;
      GF_TRY(Open(number, last));
      std::uint64_t end = std::min(part.end, (number + 1) * kSegmentBytes);
      GF_TRY(sink(std::string_view(plain).substr(static_cast<std::size_t>(at % kSegmentBytes),
                                                 static_cast<std::size_t>(end - at))));
      at = end;
    }
    return absl::OkStatus();
  }

  internal::SegmentOpener opener;
  std::uint64_t body_size;
  std::vector<ByteRange> kept;
  ReadBody read;
  std::string sealed;         // some segments
  std::uint64_t fetched = 0;  // where in the body `sealed` begins
  std::string plain;
  std::optional<std::uint64_t> opened;  // the segment in `plain`
};

RangeReader::RangeReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RangeReader::RangeReader(RangeReader&&) noexcept = default;
RangeReader& RangeReader::operator=(RangeReader&&) noexcept = default;
RangeReader::~RangeReader() = default;

Result<RangeReader> RangeReader::Create(std::string_view header, const SecretKey& key,
                                        std::uint64_t body_size, ReadBody read) {
  GF_ASSIGN(HeaderContent content, OpenHeader(header, key));
  GF_ASSIGN(std::uint64_t plain_size, PlainSize(body_size));
  return RangeReader(std::make_unique<State>(content, body_size, plain_size, std::move(read)));
}

std::uint64_t RangeReader::size() const { return TotalSize(state_->kept); }

Status RangeReader::Read(ByteRange range, const Sink& sink) {
  GF_ASSIGN(std::vector<ByteRange> parts, Select(state_->kept, {&range, 1}));
  for (const ByteRange& part : parts) GF_TRY(state_->Read(part, sink));
  return absl::OkStatus();
}

}  // namespace genofed::crypt4gh
