// SPDX-License-Identifier: Apache-2.0
//
// What the commands about variants share: files that come in, and lines that go out.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include "libs/genomics/reference.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {

// A descriptor of the file, or of a copy of standard input for "-", for a function that closes it.
Result<int> OpenInput(const std::string& file);
// Null without a name.
Result<std::unique_ptr<genomics::Reference>> OpenReference(const std::string& fasta,
                                                           genomics::BaseCase base_case);
// The arguments FILE and --reference.
void AddInput(CLI::App& command, std::string& file, std::string& reference);
// Writes a line to standard output.
Status PutLine(std::string_view line);
// As genomics::FindingsJson gives them, one a line.
void PrintFindings(std::FILE* out, const Json& findings);

}  // namespace genofed::cli
