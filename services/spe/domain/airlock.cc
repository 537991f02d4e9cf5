// SPDX-License-Identifier: Apache-2.0
#include "services/spe/domain/airlock.h"

#include <algorithm>
#include <map>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/spe/domain/content_sniffer.h"
#include "services/spe/domain/count_table.h"
#include "services/spe/domain/task_spec.h"

namespace genofed::spe {
namespace {

class Checker {
 public:
  Checker(const AirlockPolicy& policy, const IdentifierDictionary& identifiers,
          std::int64_t cohort_size)
      : policy_(policy), identifiers_(identifiers), cohort_size_(cohort_size) {}

  void Directory(const std::vector<OutputDeclaration>& declarations,
                 const std::vector<OutputEntry>& entries);
  AirlockVerdict Finish();

 private:
  // Whether the entry is a plain file of acceptable size; says why not.
  bool PlainFile(const OutputEntry& entry);
  void File(const OutputDeclaration& declaration, const OutputEntry& entry);
  void Refuse(std::string_view check, std::string_view code, const std::string& file,
              std::string detail) {
    verdict_.refusals.push_back({std::string(check), std::string(code), file, std::move(detail)});
  }

  const AirlockPolicy& policy_;
  const IdentifierDictionary& identifiers_;
  const std::int64_t cohort_size_;
  AirlockVerdict verdict_;
};

void Checker::Directory(const std::vector<OutputDeclaration>& declarations,
                        const std::vector<OutputEntry>& entries) {
  if (entries.size() > policy_.max_files) {
    Refuse("declared-files", "TOO_MANY_FILES", "", fmt::format("{} entries", entries.size()));
    return;
  }
  std::map<std::string, const OutputEntry*> by_name;
  for (const OutputEntry& entry : entries) by_name[entry.name] = &entry;
  for (const OutputDeclaration& declaration : declarations) {
    const auto found = by_name.find(declaration.name);
    if (found == by_name.end()) {
      Refuse("declared-files", "OUTPUT_MISSING", declaration.name, "declared, but not written");
      continue;
    }
    if (PlainFile(*found->second)) File(declaration, *found->second);
    by_name.erase(found);
  }
  // The name of a file nobody declared is the task's own text, so it is not repeated to anybody
  // outside.
  for (const auto& [name, entry] : by_name) {
    Refuse("declared-files", IsPlainName(name) ? "OUTPUT_UNDECLARED" : "BAD_NAME", "",
           "not declared");
  }
}

bool Checker::PlainFile(const OutputEntry& entry) {
  const auto refuse = [&](std::string_view code, std::string detail) {
    Refuse("file-kind", code, entry.name, std::move(detail));
    return false;
  };
  if (entry.kind == OutputEntry::Kind::kLink || entry.links > 1)
    return refuse("LINK", "links are not released");
  if (entry.kind != OutputEntry::Kind::kFile)
    return refuse("NOT_A_FILE", "only plain files are released");
  if (entry.sparse) return refuse("SPARSE_FILE", "the file has holes");
  if (entry.size > policy_.max_file_bytes)
    return refuse("FILE_TOO_LARGE", fmt::format("{} bytes", entry.size));
  return true;
}

void Checker::File(const OutputDeclaration& declaration, const OutputEntry& entry) {
  if (const std::string_view code = RefusedContent(entry.content); !code.empty()) {
    return Refuse("content", code, entry.name, "the content is not a table of text");
  }
  CountTable table(declaration);
  if (const TableProblem problem =
          table.Parse(entry.content, policy_.max_cells, policy_.max_key_chars);
      !problem.code.empty()) {
    return Refuse("table-shape", problem.code, entry.name, fmt::format("line {}", problem.line));
  }
  for (std::size_t row = 0; row < table.rows().size(); ++row) {
    for (const std::string_view key : table.rows()[row].keys) {
      if (identifiers_.FoundIn(key)) {
        return Refuse("identifiers", "IDENTIFIER_FOUND", entry.name,
                      fmt::format("line {}", row + 2));
      }
    }
  }
  const std::int64_t left_out = table.LeaveOutSmallCounts(policy_.minimum_count);
  if (left_out > 0 && policy_.small_counts == SmallCounts::kRefuse) {
    return Refuse("minimum-count", "SMALL_COUNT", entry.name, fmt::format("{} rows", left_out));
  }
  const auto rows = static_cast<std::int64_t>(table.rows().size());
  if (cohort_size_ > 0 && rows == cohort_size_) {
    verdict_.warnings.push_back({"table-shape", "ROWS_EQUAL_COHORT", entry.name,
                                 "as many rows as people: may be a row for each person"});
  }
  CheckedFile file{.name = entry.name,
                   .content = table.Format(),
                   .sha256 = {},
                   .rows = rows - left_out,
                   .rows_left_out = left_out};
  file.sha256 = HexEncode(crypto::Sha256(file.content));
  verdict_.files.push_back(std::move(file));
}

AirlockVerdict Checker::Finish() {
  std::sort(verdict_.files.begin(), verdict_.files.end(),
            [](const CheckedFile& a, const CheckedFile& b) { return a.name < b.name; });
  if (!verdict_.passed()) verdict_.files.clear();
  verdict_.digest = ReleaseDigest(verdict_.files);
  return std::move(verdict_);
}

}  // namespace

AirlockVerdict CheckOutputs(const AirlockPolicy& policy,
                            const std::vector<OutputDeclaration>& declarations,
                            const std::vector<OutputEntry>& entries,
                            const IdentifierDictionary& identifiers, std::int64_t cohort_size) {
  Checker checker(policy, identifiers, cohort_size);
  checker.Directory(declarations, entries);
  return checker.Finish();
}

std::string ReleaseDigest(const std::vector<CheckedFile>& files) {
  std::string lines;
  for (const CheckedFile& file : files) lines += fmt::format("{}  {}\n", file.sha256, file.name);
  return HexEncode(crypto::Sha256(lines));
}

}  // namespace genofed::spe
