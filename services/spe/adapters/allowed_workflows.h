// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <set>
#include <string>

#include "services/spe/app/ports.h"

namespace genofed::spe {

// Reads a descriptor: a JSON object with name, version, title, image, command, inputs ("genotypes",
// "phenotypes"), environment (names), outputs (path, format "tsv", keys, counts, derived) and
// limits (cpus, memory_mb, minutes). A derived column "x/y" of two counts says that x is a part of
// y. Unknown members are refused: a descriptor that asks for more than this node understands must
// not run. InvalidArgument WORKFLOW_INVALID names the member.
Result<Workflow> ParseWorkflow(const std::string& descriptor);

// Descriptors whose SHA-256 the node's operator has listed. Their images become runnable when they
// are opened.
class AllowedWorkflows final : public WorkflowList {
 public:
  // `digests` in hex; `allow_image` is told the image digest of every descriptor that was opened.
  AllowedWorkflows(std::set<std::string> digests,
                   std::function<void(const std::string&)> allow_image)
      : digests_(std::move(digests)), allow_image_(std::move(allow_image)) {}

  Result<Workflow> Open(const std::string& descriptor) override;

 private:
  const std::set<std::string> digests_;
  const std::function<void(const std::string&)> allow_image_;
};

}  // namespace genofed::spe
