// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::dispatcher {

inline constexpr std::size_t kMaxWorkflowBytes = 256U << 10;

// A column that is the quotient of two count columns.
struct DerivedColumn {
  std::string name;
  std::size_t numerator = 0;  // index into TableOutput::counts
  std::size_t denominator = 0;
};

// A table (TSV): the columns `keys` name a row, the columns `counts` add up over nodes.
struct TableOutput {
  std::string name;
  std::vector<std::string> keys;
  std::vector<std::string> counts;
  std::vector<DerivedColumn> derived;
};

// What the dispatcher needs to know of a workflow descriptor (deploy/images/README.md).
struct Workflow {
  std::string name;
  std::set<std::string> parameters;
  std::vector<TableOutput> outputs;

  const TableOutput* FindOutput(std::string_view output) const;
};

// Reads a descriptor of at most kMaxWorkflowBytes. Strict: unknown or repeated members, columns
// named twice or "nodes" (the merged table adds it) and quotients of anything but
// two counts are refused. InvalidArgument WORKFLOW_INVALID names the member.
Result<Workflow> ParseWorkflow(std::string_view descriptor);
// InvalidArgument PARAMETER_UNKNOWN unless the workflow declares each of them.
Status CheckParameters(const Workflow& workflow,
                       const std::map<std::string, std::string>& parameters);
// SHA-256 of the exact bytes, in hex: how nodes name the workflows they allow.
std::string WorkflowDigest(std::string_view descriptor);

}  // namespace genofed::dispatcher
