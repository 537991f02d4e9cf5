// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "services/discovery/app/genotypes.h"

namespace genofed::discovery {

// A question to another process of the node, about the tiles that it has. Who is counted is in the
// question, so that all shards count among just the same people whatever they have heard of
// permissions (docs/adr/0026-shards-by-region.md). Borrows all.
struct ShardQuestion {
  const std::string& dataset;
  std::int32_t version = 0;
  const std::string& files;  // Cohort::files
  const genomics::Bitmap& rows;
  const VariantPattern* pattern = nullptr;  // null for sites
  std::string table = {};                   // digest of the frequencies; empty: the annotations'
};

// Sites that begin in [start, end), until a piece is full.
struct SitePiece {
  struct Site {
    std::uint32_t position = 0, n_het = 0, n_hom = 0, n_hemi = 0, missing = 0;
    std::string ref, alt;
  };
  std::vector<Site> sites;
  std::int64_t next = 0;  // where to go on
};

// One of the other shards. Errors, besides those of Genotypes: Unavailable SHARD_UNAVAILABLE,
// SHARD_BEHIND when it has not opened the same files or table yet, SHARD_MISMATCH when it is
// configured otherwise; Internal SHARD_CONFUSED when its answer cannot be read. Thread-safe.
class ShardClient {
 public:
  virtual ~ShardClient() = default;
  virtual Result<std::uint64_t> Count(const Context& ctx, const ShardQuestion& question) = 0;
  virtual Result<genomics::Bitmap> Carriers(const Context& ctx, const ShardQuestion& question) = 0;
  virtual Result<std::vector<FoundAllele>> Alleles(const Context& ctx,
                                                   const ShardQuestion& question) = 0;
  virtual Result<SitePiece> Sites(const Context& ctx, const ShardQuestion& question,
                                  const std::string& contig, std::int64_t start,
                                  std::int64_t end) = 0;
};

}  // namespace genofed::discovery
