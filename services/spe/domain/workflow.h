// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "services/spe/domain/airlock.h"
#include "services/spe/domain/task_spec.h"

namespace genofed::spe {

// What a workflow descriptor says: which image runs with which command, what it may be told, and
// which tables it makes.
struct Workflow {
  std::string name;
  std::string image;  // manifest digest
  std::vector<std::string> command;
  bool reads_genotypes = false;
  bool reads_phenotypes = false;
  std::set<std::string> parameters;  // environment variables a run may set
  std::vector<OutputDeclaration> outputs;
  TaskLimits limits;
};

}  // namespace genofed::spe
