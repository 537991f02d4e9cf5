// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/individuals.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/json_text.h"

namespace genofed::genomics {
namespace {

constexpr std::string_view kFormat = "genofed-individuals";
constexpr int kFormatVersion = 1;
constexpr std::size_t kMaxFile = std::size_t{4} << 30;
constexpr std::size_t kMaxLine = 1U << 20;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDIVIDUALS_CORRUPT", "phenotype table: {}", what);
}

Result<Individual> ParseRow(std::string_view line) try {
  auto json = ParseJson(line, kMaxLine);
  if (!json.ok()) return Corrupt("a row is not JSON");
  Individual row;
  row.sex = ParseSex(json->at("sex").get<std::string>());
  if (json->contains("age_months")) row.age_months = json->at("age_months").get<std::uint32_t>();
  row.terms = json->at("terms").get<std::vector<std::string>>();
  return row;
} catch (const nlohmann::json::exception&) {
  return Corrupt("a row lacks a field");
}

}  // namespace

std::string_view SexTerm(Sex sex) {
  switch (sex) {
    case Sex::kFemale:
      return "NCIT:C16576";
    case Sex::kMale:
      return "NCIT:C20197";
    case Sex::kUnknown:
      break;
  }
  return "NCIT:C17998";
}

Sex ParseSex(std::string_view text) {
  if (text == "NCIT:C16576" || text == "FEMALE") return Sex::kFemale;
  if (text == "NCIT:C20197" || text == "MALE") return Sex::kMale;
  return Sex::kUnknown;
}

Status WriteIndividuals(const std::filesystem::path& path, std::span<const Individual> rows) {
  std::string body;
  for (const Individual& row : rows) {
    std::vector<std::string> terms = row.terms;
    std::sort(terms.begin(), terms.end());
    terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
    nlohmann::ordered_json json = {{"sex", SexTerm(row.sex)}, {"terms", terms}};
    if (row.age_months) json["age_months"] = *row.age_months;
    body += json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    body += '\n';
  }
  nlohmann::ordered_json head = {{"format", kFormat},
                                 {"format_version", kFormatVersion},
                                 {"rows", rows.size()},
                                 {"sha256", Sha256Hex(body)}};
  return WriteFileAtomically(path, head.dump() + "\n" + body, 0640);
}

Result<std::vector<Individual>> ReadIndividuals(const std::filesystem::path& path) try {
  GF_ASSIGN(std::string content, ReadFile(path, kMaxFile));
  std::string_view rest = content;
  std::size_t head_end = rest.find('\n');
  if (head_end == std::string_view::npos) return Corrupt("no first line");
  auto head = ParseJson(rest.substr(0, head_end), kMaxLine);
  rest.remove_prefix(head_end + 1);
  if (!head.ok() || !head->is_object()) return Corrupt("the first line is not a JSON object");
  if (head->at("format").get<std::string>() != kFormat ||
      head->at("format_version").get<int>() != kFormatVersion) {
    return Corrupt("an unknown format or version");
  }
  if (head->at("sha256").get<std::string>() != Sha256Hex(rest)) return Corrupt("wrong SHA-256");
  std::vector<Individual> rows;
  while (!rest.empty()) {
    std::size_t end = std::min(rest.size(), rest.find('\n'));
    GF_ASSIGN(Individual row, ParseRow(rest.substr(0, end)));
    rows.push_back(std::move(row));
    rest.remove_prefix(std::min(rest.size(), end + 1));
  }
  if (rows.size() != head->at("rows").get<std::size_t>()) return Corrupt("rows are missing");
  return rows;
} catch (const nlohmann::json::exception&) {
  return Corrupt("the first line lacks a field");
}

Bitmap RowsOfSex(std::span<const Individual> rows, Sex sex) {
  Bitmap out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].sex == sex) out.Set(i);
  }
  return out;
}

Bitmap RowsOfAge(std::span<const Individual> rows, std::uint32_t min_months,
                 std::uint32_t max_months) {
  Bitmap out(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto age = rows[i].age_months;
    if (age && *age >= min_months && *age <= max_months) out.Set(i);
  }
  return out;
}

TermBitmaps TermBitmaps::Build(std::span<const Individual> rows, const Closure& closure) {
  TermBitmaps out;
  out.n_rows_ = rows.size();
  std::map<std::string, std::vector<std::string>> implied;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    auto add = [&](const std::string& term) {
      auto& list = out.rows_[term];
      if (list.empty() || list.back() != i) list.push_back(i);
    };
    for (const std::string& term : rows[i].terms) {
      add(term);
      if (!closure) continue;
      auto [found, fresh] = implied.try_emplace(term);
      if (fresh) found->second = closure(term);
      for (const std::string& ancestor : found->second) add(ancestor);
    }
  }
  return out;
}

Bitmap TermBitmaps::Get(std::string_view term) const {
  return Bitmap::FromRows(n_rows_, Rows(term));
}

std::span<const std::uint32_t> TermBitmaps::Rows(std::string_view term) const {
  auto found = rows_.find(term);
  if (found == rows_.end()) return {};
  return found->second;
}

std::vector<std::string> TermBitmaps::Terms() const {
  std::vector<std::string> terms;
  terms.reserve(rows_.size());
  for (const auto& [term, rows] : rows_) terms.push_back(term);
  return terms;
}

}  // namespace genofed::genomics
