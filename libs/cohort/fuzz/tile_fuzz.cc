// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

#include "libs/cohort/kernels.h"
#include "libs/cohort/scan.h"
#include "libs/cohort/segment.h"
#include "libs/cohort/tile.h"
#include "libs/genomics/digest.h"

// Tiles whose digests are right and whose content is anything: what Open and Verify accept can be
// read without going astray.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed::cohort;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  TileHeader header;
  if (size < sizeof header) return 0;
  std::memcpy(&header, data, sizeof header);
  if (header.metadata_size > size) return 0;
  const int fd = ::memfd_create("tile", MFD_CLOEXEC);
  GF_CHECK(::write(fd, data, size) == static_cast<ssize_t>(size));
  const std::string metadata = genofed::genomics::Sha256Hex(bytes.substr(0, header.metadata_size));
  const TileIdentity identity{header.tile, header.n_rows, size, header.metadata_size, metadata};
  auto tile = Tile::Open("/proc/self/fd/" + std::to_string(fd), identity, Residence::kRead);
  ::close(fd);
  if (!tile.ok() || !(*tile)->Verify(genofed::genomics::Sha256Hex(bytes)).ok()) return 0;
  for (std::uint32_t site = 0; site < (*tile)->n_sites(); ++site) {
    GF_CHECK((*tile)->ref(site).size() + (*tile)->alt(site).size() < size);
    GF_CHECK((*tile)->LowerBound((*tile)->positions()[site]) <= site);
  }
  // The same scans as a cohort's, for everybody.
  const std::uint32_t n_rows = (*tile)->header().n_rows;
  const genofed::genomics::Bitmap rows(n_rows, true);
  std::vector<std::uint64_t> words(BitsetWords(n_rows));
  rows.ForEach([&](std::uint32_t row) { words[row / 64] |= 1ULL << (row % 64); });
  const auto ctx = genofed::Context::Background();
  const std::int64_t start = std::int64_t{header.tile} * kTileBases;
  Workspace work;
  SegmentScan scan(BestKernels(), words.data(), n_rows, work);
  const auto scanned = [&] {
    GF_CHECK(scan.status().ok() && scan.Count() <= n_rows);
    scan.Clear();
  };
  scan.Enter(**tile);
  const auto units = (*tile)->Column<Unit>(Section::kUnits);
  for (std::uint32_t unit = 0; unit + 1 < units.size(); ++unit) {
    for (const double below : {1e-3, 2.0}) {
      VariantFilter filter;
      filter.below_frequency = below;
      GF_CHECK(scan.MarkGene(ctx, unit, filter).ok());
      scanned();
    }
  }
  VariantFilter range;
  range.start = start;
  range.end = start + kTileBases;
  GF_CHECK(scan.MarkRange(ctx, range, header.max_ref_length).ok());
  scanned();
  std::vector<SiteCounts> sites;
  GF_CHECK(scan.CountSites(ctx, range.start, range.end, header.max_ref_length, sites).ok());
  GF_CHECK(sites.size() == (*tile)->n_sites());
  for (std::uint32_t site = 0; site < sites.size(); ++site)
    GF_CHECK(sites[site].missing == (*tile)->Column<std::uint32_t>(Section::kMissing)[site]);
  return 0;
}
