// SPDX-License-Identifier: Apache-2.0
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <string>

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
  return 0;
}
