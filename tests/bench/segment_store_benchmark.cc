// SPDX-License-Identifier: Apache-2.0
//
// How fast segments are made, put into a store and fetched from it, on one machine:
//   segment_store_benchmark DIRECTORY [PEOPLE [SITES]]
// The store is a directory below DIRECTORY, or the S3 server that GENOFED_S3 describes: the line
// that tests/infra/swift_s3.py prints.
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/genomics/cohort_index.h"
#include "libs/objects/local_store.h"
#include "libs/objects/s3_store.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/segment_store.h"

namespace genofed::discovery {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kTiles = 8;

template <typename T>
T Must(Result<T> result) {
  if (!result.ok()) fmt::print(stderr, "{}\n", Describe(result.status()));
  GF_CHECK(result.ok());
  return std::move(result).value();
}

// Sites of eight megabases; a tenth of the people carry a site on average.
Publication WriteIndex(const fs::path& data, std::uint32_t people, std::int64_t sites) {
  fs::create_directories(data / "index");
  genomics::IndexInfo info;
  info.dataset = "GOE-FI-BENCH-1";
  info.version = "1";
  info.n_people = people;
  auto builder = Must(genomics::SegmentBuilder::Create(data / "index", info));
  std::uint64_t state = 20;
  for (std::int64_t i = 0; i < sites; ++i) {
    genomics::CarrierSets sets;
    for (std::uint32_t row = 0; row < people; ++row) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      row += static_cast<std::uint32_t>(state >> 33) % 19;
      if (row < people) sets.het.push_back(row);
    }
    const std::int64_t position = 1 + i * (kTiles * 1'000'000 / sites);
    GF_CHECK(builder->Add({"20", position, "A", "T"}, sets).ok());
  }
  Publication publication;
  publication.dataset = info.dataset;
  publication.version = 1;
  publication.assembly = genomics::AssemblyName(info.assembly);
  publication.segments = {{"index", Must(builder->Finish()).manifest_sha256}};
  return publication;
}

Result<std::unique_ptr<objects::ObjectStore>> OpenStore(const fs::path& directory,
                                                        const Clock& clock) {
  const char* s3 = std::getenv("GENOFED_S3");
  if (s3 == nullptr) {
    GF_ASSIGN(auto store, objects::LocalStore::Open(directory));
    return store;
  }
  const auto server = nlohmann::json::parse(s3);
  objects::S3Options options;
  options.endpoint = server.at("endpoint");
  options.bucket = server.at("bucket");
  options.credentials = {server.at("access_key"), server.at("secret_key")};
  options.path_style = true;
  GF_ASSIGN(auto store, objects::S3Store::Open(options, clock));
  return store;
}

std::uint64_t BytesBelow(const fs::path& directory) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file()) bytes += entry.file_size();
  return bytes;
}

void Run(const fs::path& directory, std::uint32_t people, std::int64_t sites) {
  const Publication publication = WriteIndex(directory / "data", people, sites);
  const SystemClock clock;
  obs::Metrics metrics;
  SystemRandom random;
  const auto key = crypt4gh::SecretKey::Generate(random);
  const auto open = [&] { return OpenStore(directory / "store", clock); };
  SegmentStore first(open, key, clock, metrics), second(open, key, clock, metrics);
  FileCohortOpener maker(directory / "data", directory / "made", {}, &first);
  FileCohortOpener fetcher(directory / "data", directory / "fetched", {}, &second);
  const auto time = [&](const char* what, const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    const double megabytes = static_cast<double>(BytesBelow(directory / "made")) / 1e6;
    fmt::print("{:<8} {:6.2f} s, {:5.0f} MB/s\n", what, seconds, megabytes / seconds);
  };
  time("make", [&] { Must(maker.Open(publication)); });
  time("put", [&] { GF_CHECK(first.Round(Context::Background()).ok()); });
  time("fetch", [&] { Must(fetcher.Open(publication)); });
  time("open", [&] { Must(fetcher.Open(publication)); });
  fmt::print("{} people, {} sites: {:.0f} MB\n", people, sites,
             static_cast<double>(BytesBelow(directory / "made")) / 1e6);
  fmt::print("{}", metrics.Expose());
}

}  // namespace
}  // namespace genofed::discovery

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: segment_store_benchmark DIRECTORY [PEOPLE [SITES]]\n");
    return 2;
  }
  genofed::discovery::Run(argv[1],
                          argc > 2 ? static_cast<std::uint32_t>(std::atoi(argv[2])) : 100'000,
                          argc > 3 ? std::atoi(argv[3]) : 16'000);
  return 0;
}
