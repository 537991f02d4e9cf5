// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// Where this service keeps files. All names are made here from identifiers that were checked before.
class Layout {
 public:
  // `root` is <data_dir>/onboarding.
  explicit Layout(std::filesystem::path root) : root_(std::move(root)) {}

  const std::filesystem::path& root() const { return root_; }
  std::filesystem::path Uploads(const std::string& submission) const { return root_ / "submissions" / submission; }
  // As it came; `name` was checked (CheckFileRef).
  std::filesystem::path Upload(const std::string& submission, const std::string& name) const {
    return Uploads(submission) / name;
  }
  // What the pipeline reads: of an encrypted upload, the clear text. No checked name begins with a dot.
  std::filesystem::path Input(const std::string& submission, const UploadedFile& file) const {
    return file.crypt4gh ? Uploads(submission) / ".clear" / file.name : Upload(submission, file.name);
  }
  // Clear text of genotypes lives only here, and only while a stage runs. Emptied at every start.
  std::filesystem::path Scratch() const { return root_ / "scratch"; }
  // Of the object store, unless the operator names another.
  std::filesystem::path Objects() const { return root_ / "objects"; }
  // A connector's key, and what it pulls until it is handed in.
  std::filesystem::path Connector(const std::string& name) const { return root_ / "connectors" / name; }
  std::filesystem::path Index(const std::string& dataset, int version) const {
    return Indices(dataset) / std::to_string(version);
  }
  std::filesystem::path Indices(const std::string& dataset) const { return root_ / "index" / dataset; }

  // What other services are told, back on this machine.
  std::filesystem::path SitePath(const std::string& path) const { return root_.parent_path() / path; }

  // As other services of the site are told, below the site's data directory.
  static std::string IndexPath(const std::string& dataset, int version) {
    return "onboarding/index/" + dataset + "/" + std::to_string(version);
  }

 private:
  std::filesystem::path root_;
};

}  // namespace genofed::onboarding
