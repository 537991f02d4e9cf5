// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "services/spe/app/ports.h"

namespace genofed::spe {

// Below one private directory: stage/<attempt>/in (plaintext inputs, removed with the attempt),
// stage/<attempt>/out (mount point of the outputs) and airlock/<task>/ (outputs that passed the
// checks).
class TaskDirectories final : public TaskFiles {
 public:
  explicit TaskDirectories(std::filesystem::path root) : root_(std::move(root)) {}

  Result<std::filesystem::path> NewStage(const std::string& attempt) override;
  std::filesystem::path OutputDir(const std::string& attempt) const override;
  Status RemoveStage(const std::string& attempt) override;
  Result<std::vector<OutputEntry>> Seal(const std::filesystem::path& output_dir,
                                        const AirlockPolicy& policy) override;
  Status Keep(const std::string& task, const std::vector<CheckedFile>& files) override;
  Result<std::string> Read(const std::string& task, const ReviewedFile& file) override;

 private:
  const std::filesystem::path root_;
};

}  // namespace genofed::spe
