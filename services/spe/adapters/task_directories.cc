// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/task_directories.h"

#include <sys/mount.h>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/spe/adapters/output_sealer.h"

namespace genofed::spe {
namespace {

namespace fs = std::filesystem;

Status MakePrivate(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  if (error)
    return Error(StatusCode::kUnavailable, "DIRECTORY_FAILED", "cannot make {}: {}", path.string(),
                 error.message());
  return {};
}

}  // namespace

Result<fs::path> TaskDirectories::NewStage(const std::string& attempt) {
  GF_TRY(RemoveStage(attempt));
  GF_TRY(MakePrivate(root_ / "stage"));
  GF_TRY(MakePrivate(root_ / "stage" / attempt));
  GF_TRY(MakePrivate(root_ / "stage" / attempt / "in"));
  GF_TRY(MakePrivate(OutputDir(attempt)));
  return root_ / "stage" / attempt / "in";
}

fs::path TaskDirectories::OutputDir(const std::string& attempt) const {
  return root_ / "stage" / attempt / "out";
}

Status TaskDirectories::RemoveStage(const std::string& attempt) {
  // Left mounted if the service died between mounting and starting.
  umount2(OutputDir(attempt).c_str(), MNT_DETACH | UMOUNT_NOFOLLOW);
  std::error_code error;
  fs::remove_all(root_ / "stage" / attempt, error);
  if (error)
    return Error(StatusCode::kUnavailable, "DIRECTORY_FAILED", "cannot remove inputs: {}",
                 error.message());
  return {};
}

Result<std::vector<OutputEntry>> TaskDirectories::Seal(const fs::path& output_dir,
                                                       const AirlockPolicy& policy) {
  return SealOutputs(output_dir, policy.max_files, policy.max_file_bytes);
}

Status TaskDirectories::Keep(const std::string& task, const std::vector<CheckedFile>& files) {
  GF_TRY(MakePrivate(root_ / "airlock"));
  GF_TRY(MakePrivate(root_ / "airlock" / task));
  for (const CheckedFile& file : files) {
    GF_TRY(WriteFileAtomically(root_ / "airlock" / task / file.name, file.content, 0600));
  }
  return {};
}

Result<std::string> TaskDirectories::Read(const std::string& task, const ReviewedFile& file) {
  if (!IsPlainName(file.name))
    return Error(StatusCode::kNotFound, "FILE_NOT_FOUND", "no such output");
  GF_ASSIGN(std::string content, ReadFile(root_ / "airlock" / task / file.name, 1U << 30));
  if (HexEncode(crypto::Sha256(content)) != file.sha256) {
    return Error(StatusCode::kDataLoss, "OUTPUT_CORRUPT", "an output of task {} was changed", task);
  }
  return content;
}

}  // namespace genofed::spe
