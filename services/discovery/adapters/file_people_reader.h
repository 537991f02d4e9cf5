// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "services/discovery/app/people_ports.h"

namespace genofed::discovery {

class FilePeopleReader final : public PeopleReader {
 public:
  explicit FilePeopleReader(std::filesystem::path data_dir) : data_dir_(std::move(data_dir)) {}
  Result<std::vector<genomics::Individual>> Read(const Publication& publication) override;

 private:
  const std::filesystem::path data_dir_;
};

}  // namespace genofed::discovery
