// SPDX-License-Identifier: Apache-2.0
//
// Which files a command line hands over, and what each of them is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::cli {

struct GivenFiles {
  std::vector<std::string> paths;  // files and directories, recognised by content
  std::vector<std::string> variants, clinical, consents;  // said to be that
  std::string mapping;
};

struct HandedFile {
  std::string kind;  // as in the site's URL: "variants", "clinical", "consents", "mapping"
  std::string name;  // unique; the site's findings call it so. Empty: the kind
  std::filesystem::path path;
  std::optional<std::string> packed;  // instead of a path: documents of many files, one a line
};

struct HandedOver {
  std::vector<HandedFile> files;
  std::filesystem::path description;        // dataset.json among them; may be empty
  std::vector<std::string> left_out;        // files of directories that are nothing to a dataset, and why
};

// The clinical JSON documents of a directory become one file: there may be one a patient, and file names are shown in
// findings. Errors: FILE_MISSING, FILE_NOT_RECOGNISED, MAPPING_INVALID.
Result<HandedOver> CollectFiles(const GivenFiles& given);

// What tells a submission from others of the same names: sizes and times of files, the digest of
// what was packed, and what is said of the dataset.
std::string Fingerprint(const std::vector<HandedFile>& files, std::string_view description);

}  // namespace genofed::cli
