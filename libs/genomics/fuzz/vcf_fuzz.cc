// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "libs/core/status.h"
#include "libs/genomics/check_vcf.h"
#include "libs/genomics/vcf_reader.h"

namespace {

// The bytes as a file that a reader may close.
int FileOf(const std::uint8_t* data, std::size_t size) {
  int fd = ::memfd_create("vcf", MFD_CLOEXEC);
  GF_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size));
  GF_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

}  // namespace

// Text, compressed text and BCF alike: the reader uses exactly the records that the checker
// accepts, and every allele of a genotype is one of the record's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::genomics;
  int fd = FileOf(data, size);
  VcfReport report = CheckVcf("/proc/self/fd/" + std::to_string(fd));
  ::close(fd);
  auto reader = VcfReader::OpenFd(FileOf(data, size));
  GF_CHECK(reader.ok() || report.HasError());
  if (!reader.ok()) return 0;
  std::uint64_t used = 0;
  VcfRecord record;
  while (true) {
    auto outcome = (*reader)->Next(record);
    if (!outcome.ok() || *outcome == VcfReader::Outcome::kEnd) break;
    if (*outcome == VcfReader::Outcome::kRejected) continue;
    ++used;
    for (std::int8_t allele : record.alleles) {
      GF_CHECK(allele >= kAlleleAbsent && allele <= static_cast<int>(record.alts.size()));
    }
  }
  GF_CHECK(used == report.accepted && (*reader)->left_out() == report.left_out);
  return 0;
}
