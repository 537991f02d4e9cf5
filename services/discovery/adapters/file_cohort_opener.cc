// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_cohort_opener.h"

#include <fstream>
#include <system_error>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::discovery {
namespace {

// A link inside the data directory must not lead out of it.
Result<std::filesystem::path> Below(const std::filesystem::path& data_dir,
                                    const std::string& relative) {
  auto refused = [] {
    return InvalidField("index_path", "PATH_INVALID",
                        "must be a path below the site's data directory");
  };
  if (!IsPathBelow(relative)) return refused();
  std::error_code error;
  auto root = std::filesystem::weakly_canonical(data_dir, error);
  if (error) return refused();
  auto path = std::filesystem::weakly_canonical(root / relative, error);
  if (error) return refused();
  auto inside = path.lexically_relative(root);
  if (inside.empty() || *inside.begin() == "..") return refused();
  return path;
}

Result<std::string> HashFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in)
    return Error(StatusCode::kNotFound, "INDIVIDUALS_MISSING",
                 "the file of individuals cannot be read");
  crypto::Sha256Stream hash;
  std::string block(1U << 20, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())), in.gcount() > 0) {
    hash.Update(std::string_view(block.data(), static_cast<std::size_t>(in.gcount())));
  }
  return HexEncode(hash.Finish());
}

// A segment was made for this version, or for one that it goes on from.
Status CheckIsOf(const genomics::IndexInfo& info, const Publication& publication) {
  auto version = ParseInt(info.version);
  if (info.dataset == publication.dataset && version.ok() && *version <= publication.version &&
      genomics::AssemblyName(info.assembly) == publication.assembly) {
    return absl::OkStatus();
  }
  return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
               "the index is of another dataset version");
}

Result<std::vector<genomics::Individual>> OpenIndividuals(const std::filesystem::path& data_dir,
                                                          const Publication& publication) {
  if (publication.individuals_path.empty()) return std::vector<genomics::Individual>();
  GF_ASSIGN(auto path, Below(data_dir, publication.individuals_path));
  GF_ASSIGN(std::string hash, HashFile(path));
  if (hash != publication.individuals_sha256) {
    return Error(StatusCode::kDataLoss, "INDIVIDUALS_CORRUPT",
                 "the file of individuals has another SHA-256");
  }
  return genomics::ReadIndividuals(path);
}

}  // namespace

Result<std::shared_ptr<const Cohort>> FileCohortOpener::Open(const Publication& publication) {
  std::vector<std::unique_ptr<const genomics::CohortIndex>> segments;
  std::vector<std::uint32_t> batches;
  for (const Segment& segment : publication.segments) {
    GF_ASSIGN(auto directory, Below(data_dir_, segment.index_path));
    GF_ASSIGN(auto index, genomics::CohortIndex::Open(directory, segment.manifest_sha256));
    GF_TRY(CheckIsOf(index->info(), publication));
    batches.push_back(index->info().n_people);
    segments.push_back(std::move(index));
  }
  GF_ASSIGN(auto index, genomics::SegmentedIndex::Create(std::move(segments)));
  GF_ASSIGN(auto individuals, OpenIndividuals(data_dir_, publication));
  if (!publication.individuals_path.empty() && individuals.size() != index.n_people()) {
    return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                 "index and individuals differ in their rows");
  }
  return std::make_shared<const Cohort>(publication.dataset, publication.version, std::move(index),
                                        individuals, std::move(batches));
}

}  // namespace genofed::discovery
