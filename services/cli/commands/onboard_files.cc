// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/onboard_files.h"

#include <algorithm>
#include <set>

#include "libs/clinical/csv_mapping.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/intake/recognise.h"
#include "services/cli/commands/upload.h"

namespace genofed::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kDescription[] = "dataset.json";

std::string_view KindOf(intake::Role role) {
  switch (role) {
    case intake::Role::kVariants:
      return "variants";
    case intake::Role::kConsents:
      return "consents";
    case intake::Role::kClinical:
      break;
  }
  return "clinical";
}

Result<std::vector<fs::path>> FilesIn(const fs::path& directory) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) {
      if (it->is_directory(error)) it.disable_recursion_pending();
    } else if (it->is_regular_file(error)) {
      files.push_back(it->path());
    }
  }
  if (error) return Error(StatusCode::kInvalidArgument, "FILE_FAILED", "cannot read the directory {}", directory.string());
  std::sort(files.begin(), files.end());
  return files;
}

class Collector {
 public:
  Status ReadMapping(const std::string& path) {
    if (path.empty()) return absl::OkStatus();
    GF_ASSIGN(const std::string text, ReadFile(path, 1U << 20));
    GF_ASSIGN(mapping_, clinical::CsvMapping::Parse(text));
    return Add("mapping", path);
  }

  Status Add(std::string_view kind, const fs::path& path) {
    std::error_code error;
    if (!fs::is_regular_file(path, error)) return Error(StatusCode::kNotFound, "FILE_MISSING", "there is no file '{}'", path.string());
    out_.files.push_back({std::string(kind), NameFor(path), path, std::nullopt});
    return absl::OkStatus();
  }

  Status TakePath(const fs::path& path) {
    std::error_code error;
    if (fs::is_directory(path, error)) return TakeDirectory(path);
    if (path.filename() == kDescription) {
      out_.description = path;
      return absl::OkStatus();
    }
    if (!fs::exists(path, error)) return Error(StatusCode::kNotFound, "FILE_MISSING", "there is no file '{}'", path.string());
    const auto found = intake::Recognise(path, mapping_);
    if (found.role) return Add(KindOf(*found.role), path);
    return Error(StatusCode::kInvalidArgument, "FILE_NOT_RECOGNISED",
                 "cannot tell what {} is ({}: {}); name it with --vcf, --clinical, --consents or --mapping", path.string(),
                 found.detection.code, found.detection.message);
  }

  HandedOver Take() { return std::move(out_); }

 private:
  Status TakeDirectory(const fs::path& directory) {
    GF_ASSIGN(const std::vector<fs::path> files, FilesIn(directory));
    std::vector<fs::path> documents;
    for (const fs::path& file : files) {
      if (file.filename() == kDescription) {
        out_.description = file;
        continue;
      }
      const auto found = intake::Recognise(file, mapping_);
      if (!found.role) {
        out_.left_out.push_back(fmt::format("{} ({})", file.string(), found.detection.code));
      } else if (found.detection.kind == intake::FileKind::kJson && *found.role == intake::Role::kClinical) {
        documents.push_back(file);
      } else {
        GF_TRY(Add(KindOf(*found.role), file));
      }
    }
    if (documents.empty()) return absl::OkStatus();
    if (documents.size() == 1) return Add("clinical", documents.front());
    GF_ASSIGN(std::string packed, PackDocuments(documents));
    fs::path name = fs::absolute(directory).lexically_normal();
    if (!name.has_filename()) name = name.parent_path();
    out_.files.push_back({"clinical", NameFor(name.string() + ".ndjson"), directory, std::move(packed)});
    return absl::OkStatus();
  }

  // The file's own name, with those of its directories where it would be there twice.
  std::string NameFor(const fs::path& path) {
    std::string name;
    for (fs::path rest = path; rest.has_filename(); rest = rest.parent_path()) {
      name = rest.filename().string() + (name.empty() ? "" : "-" + name);
      if (names_.insert(name).second) return name;
    }
    for (int i = 2;; ++i) {
      std::string numbered = fmt::format("{}-{}", i, path.filename().string());
      if (names_.insert(numbered).second) return numbered;
    }
  }

  clinical::CsvMapping mapping_ = clinical::CsvMapping::BuiltIn();
  std::set<std::string> names_;
  HandedOver out_;
};

}  // namespace

Result<HandedOver> CollectFiles(const GivenFiles& given) {
  Collector collector;
  GF_TRY(collector.ReadMapping(given.mapping));
  for (const auto& path : given.variants) GF_TRY(collector.Add("variants", path));
  for (const auto& path : given.clinical) {
    std::error_code error;
    if (fs::is_directory(path, error)) GF_TRY(collector.TakePath(path));
    else GF_TRY(collector.Add("clinical", path));
  }
  for (const auto& path : given.consents) GF_TRY(collector.Add("consents", path));
  for (const auto& path : given.paths) GF_TRY(collector.TakePath(path));
  return collector.Take();
}

std::string Fingerprint(const std::vector<HandedFile>& files, std::string_view description) {
  crypto::Sha256Stream hash;
  hash.Update(crypto::Sha256(description));
  for (const HandedFile& file : files) {
    hash.Update(fmt::format("{}\n{}\n", file.kind, file.name));
    if (file.packed) {
      hash.Update(crypto::Sha256(*file.packed));
      continue;
    }
    std::error_code ignored;  // what cannot be read is noticed when it is sent
    hash.Update(fmt::format("{}\n{}\n", fs::file_size(file.path, ignored),
                            fs::last_write_time(file.path, ignored).time_since_epoch().count()));
  }
  return HexEncode(hash.Finish()).substr(0, 32);
}

}  // namespace genofed::cli
