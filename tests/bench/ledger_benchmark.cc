// SPDX-License-Identifier: Apache-2.0
//
// The ledger's tree next to what no tree can do without: the hashes themselves. L2 is about a log
// of 2^30 entries; all of its leaves are the same here, so that its tiles need no 34 GB and its
// proofs are real ones.
#include <benchmark/benchmark.h>

#include <random>

#include "libs/crypto/hash.h"
#include "libs/ledger/checkpoint.h"
#include "libs/ledger/tiles.h"

namespace genofed::ledger {
namespace {

constexpr std::uint64_t kSize = std::uint64_t{1} << 30;
constexpr int kProofs = 1000;
const std::string kEntry(350, 'e');  // as long as a run entry

// Every full tile of a level holds 256 times the same hash.
class UniformTiles final : public TileSource {
 public:
  UniformTiles() {
    Hash hash = LeafHash(kEntry);
    for (unsigned level = 0; level < kTileLevels; ++level) {
      const std::vector<Hash> tile(kTileWidth, hash);
      tiles_.push_back(FormatTile(tile));
      hash = RootOfNodes(tile);
    }
  }
  Result<std::string> Read(const std::string& path) override {
    GF_ASSIGN(const TileId id, TileId::Parse(path));
    return tiles_[id.level].substr(0, id.width * 32);
  }

 private:
  std::vector<std::string> tiles_;
};

std::vector<std::uint64_t> SomeIndices() {
  std::mt19937_64 random(20);
  std::vector<std::uint64_t> indices(kProofs);
  for (auto& index : indices) index = random() % kSize;
  return indices;
}

// Warm: the tiles on the way were read before.
void ProveInclusionAt2To30(benchmark::State& state) {
  UniformTiles files;
  TileTree tree(files, kSize);
  const Hash root = TreeRoot(tree, kSize).value();
  const auto indices = SomeIndices();
  for (const auto index : indices) {
    if (!VerifyInclusion(index, kSize, LeafHash(kEntry), ProveInclusion(tree, index, kSize).value(),
                         root)
             .ok())
      return state.SkipWithError("the proof does not hold");
  }
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(ProveInclusion(tree, indices[i++ % kProofs], kSize));
}
BENCHMARK(ProveInclusionAt2To30);

void ProveConsistencyAt2To30(benchmark::State& state) {
  UniformTiles files;
  TileTree tree(files, kSize);
  const Hash root = TreeRoot(tree, kSize).value();
  const auto sizes = SomeIndices();
  for (const auto size : sizes) {
    if (!VerifyConsistency(size, kSize, TreeRoot(tree, size).value(), root,
                           ProveConsistency(tree, size, kSize).value())
             .ok())
      return state.SkipWithError("the proof does not hold");
  }
  std::size_t i = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(ProveConsistency(tree, sizes[i++ % kProofs], kSize));
}
BENCHMARK(ProveConsistencyAt2To30);

void VerifyInclusionAt2To30(benchmark::State& state) {
  UniformTiles files;
  TileTree tree(files, kSize);
  const Hash root = TreeRoot(tree, kSize).value();
  const Hash leaf = LeafHash(kEntry);
  const Proof proof = ProveInclusion(tree, 12345678, kSize).value();
  for (auto _ : state) {
    if (!VerifyInclusion(12345678, kSize, leaf, proof, root).ok())
      return state.SkipWithError("the proof does not hold");
  }
}
BENCHMARK(VerifyInclusionAt2To30);

// What verifying cannot do without: one hash of 65 bytes for each of the 30 levels.
void ThirtyHashes(benchmark::State& state) {
  std::string node(65, '\1');
  for (auto _ : state) {
    for (int level = 0; level < 30; ++level) {
      const auto digest = crypto::Sha256Parts({node});
      node.replace(1, digest.size(), digest.data(), digest.size());
    }
    benchmark::DoNotOptimize(node);
  }
}
BENCHMARK(ThirtyHashes);

void AppendInMemory(benchmark::State& state) {
  MerkleTree tree;
  for (auto _ : state) tree.AppendEntry(kEntry);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AppendInMemory);

void AppendToTiles(benchmark::State& state) {
  TileWriter writer([](const TileId&, std::string_view) { return absl::OkStatus(); });
  for (auto _ : state) benchmark::DoNotOptimize(writer.Append(kEntry));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(AppendToTiles);

// One leaf and, on average, one node for each entry.
void TwoHashes(benchmark::State& state) {
  const std::string leaf(1 + kEntry.size(), '\0');
  const std::string node(65, '\1');
  for (auto _ : state) {
    benchmark::DoNotOptimize(crypto::Sha256Parts({leaf}));
    benchmark::DoNotOptimize(crypto::Sha256Parts({node}));
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(TwoHashes);

void SignACheckpoint(benchmark::State& state) {
  const NoteSigner log = NoteSigner::Create("log.example", SignatureType::kEd25519,
                                            crypto::Ed25519Key::Generate().value())
                             .value();
  for (auto _ : state)
    benchmark::DoNotOptimize(SignCheckpoint({"log.example", kSize, {}, {}}, log));
}
BENCHMARK(SignACheckpoint);

}  // namespace
}  // namespace genofed::ledger
