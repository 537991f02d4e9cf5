// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/file_people_reader.h"

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::discovery {

Result<std::vector<genomics::Individual>> FilePeopleReader::Read(const Publication& publication) {
  if (publication.individuals_path.empty()) return std::vector<genomics::Individual>();
  if (!IsPathBelow(publication.individuals_path))
    return InvalidField("individuals_path", "PATH_INVALID",
                        "must be a path below the site's data directory");
  const auto path = data_dir_ / publication.individuals_path;
  GF_ASSIGN(const std::string content, ReadFile(path));
  if (HexEncode(crypto::Sha256(content)) != publication.individuals_sha256)
    return Error(StatusCode::kDataLoss, "INDIVIDUALS_CORRUPT",
                 "the file of individuals has another SHA-256");
  return genomics::ReadIndividuals(path);
}

}  // namespace genofed::discovery
