// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "libs/core/status.h"
#include "libs/genomics/record_scanner.h"
#include "libs/genomics/vcf_reader.h"

namespace {

using namespace genofed::genomics;

// The bytes as a file that a reader may close.
int FileOf(const std::uint8_t* data, std::size_t size) {
  int fd = ::memfd_create("vcf", MFD_CLOEXEC);
  GF_CHECK(fd >= 0 && ::write(fd, data, size) == static_cast<ssize_t>(size));
  GF_CHECK(::lseek(fd, 0, SEEK_SET) == 0);
  return fd;
}

// The calls say what the genotypes of the record, sample by sample, say.
void CheckSame(const VcfRecord& expected, const ScannedRecord& scanned) {
  GF_CHECK(scanned.contig == expected.contig && scanned.pos == expected.pos);
  GF_CHECK(scanned.ref == expected.ref && scanned.line == expected.line);
  GF_CHECK(scanned.alts.size() == expected.alts.size());
  for (std::size_t i = 0; i < scanned.alts.size(); ++i)
    GF_CHECK(scanned.alts[i] == expected.alts[i]);
  auto call = scanned.calls.begin();
  for (std::size_t sample = 0; 2 * sample < expected.alleles.size(); ++sample) {
    auto genotype = expected.Genotype(sample);
    if (genotype[0] == 0 && genotype[1] == 0) continue;
    GF_CHECK(call != scanned.calls.end() && call->index == sample);
    // "." and "./." are the same: nothing is called.
    bool missing = genotype[0] < 0 && genotype[1] < 0 && call->called() == 0;
    GF_CHECK(missing || (call->first == genotype[0] && call->second == genotype[1]));
    ++call;
  }
  GF_CHECK(call == scanned.calls.end());
}

void Compare(const std::uint8_t* data, std::size_t size, bool text) {
  auto reader = VcfReader::OpenFd(FileOf(data, size));
  auto scanner = RecordScanner::Open(FileOf(data, size), {.text = text});
  GF_CHECK(reader.ok() == scanner.ok());
  if (!reader.ok()) return;
  VcfRecord record;
  while (true) {
    auto expected = (*reader)->Next(record);
    auto outcome = (*scanner)->Next();
    while (outcome.ok() && *outcome == RecordScanner::Outcome::kLeftOut)
      outcome = (*scanner)->Next();
    GF_CHECK(expected.ok() == outcome.ok());
    if (!expected.ok()) return;
    GF_CHECK((*expected == VcfReader::Outcome::kEnd) == (*outcome == RecordScanner::Outcome::kEnd));
    GF_CHECK((*expected == VcfReader::Outcome::kRejected) ==
             (*outcome == RecordScanner::Outcome::kSetAside));
    if (*expected == VcfReader::Outcome::kEnd) return;
    if (*expected == VcfReader::Outcome::kRecord) CheckSame(record, (*scanner)->record());
  }
}

}  // namespace

// Text, compressed text and BCF, read both ways: the fast scanner takes the records that the reader
// takes, and says the same about everybody.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Compare(data, size, false);
  Compare(data, size, true);
  return 0;
}
