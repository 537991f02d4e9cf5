// SPDX-License-Identifier: Apache-2.0
#include "libs/sql/rows.h"

#include <pqxx/pqxx>

#include <charconv>

#include "libs/core/strings.h"
#include "libs/sql/result_data.h"

namespace genofed::sql {
namespace {

pqxx::field FieldAt(const pqxx::result& result, std::size_t row, int column) {
  GF_CHECK(row < static_cast<std::size_t>(result.size()));
  GF_CHECK(column >= 0 && static_cast<std::size_t>(column) < static_cast<std::size_t>(result.columns()));
  return result[static_cast<pqxx::result::size_type>(row)][static_cast<pqxx::row::size_type>(column)];
}

}  // namespace

bool Row::IsNull(int column) const { return FieldAt(data_->result, row_, column).is_null(); }

std::string_view Row::Raw(int column) const {
  const pqxx::field field = FieldAt(data_->result, row_, column);
  if (field.is_null()) return {};
  // The bytes belong to the result, which data_ keeps alive.
  return {field.c_str(), static_cast<std::size_t>(field.size())};
}

std::string Row::Text(int column) const { return std::string(Raw(column)); }

std::int64_t Row::Int(int column) const {
  const std::string_view raw = Raw(column);
  if (raw.empty()) return 0;
  const Result<std::int64_t> value = ParseInt(raw);
  GF_CHECK(value.ok());
  return *value;
}

bool Row::Bool(int column) const {
  const std::string_view raw = Raw(column);
  GF_CHECK(raw.empty() || raw == "t" || raw == "f");
  return raw == "t";
}

double Row::Real(int column) const {
  const std::string_view raw = Raw(column);
  if (raw.empty()) return 0;
  double value = 0;
  const auto [end, error] = std::from_chars(raw.data(), raw.data() + raw.size(), value);
  GF_CHECK(error == std::errc() && end == raw.data() + raw.size());
  return value;
}

std::string Row::BytesAt(int column) const {
  std::string_view raw = Raw(column);
  if (raw.empty()) return {};
  GF_CHECK(raw.starts_with("\\x"));
  Result<std::string> bytes = HexDecode(raw.substr(2));
  GF_CHECK(bytes.ok());
  return *std::move(bytes);
}

Time Row::TimeAt(int column) const {
  std::string text = Text(column);
  if (text.empty()) return Time{};
  // "2026-11-22 08:05:40.123456+00": sessions run in UTC with ISO dates, so only the punctuation differs.
  GF_CHECK(text.size() >= 22 && text[10] == ' ' && text.ends_with("+00"));
  text[10] = 'T';
  text.replace(text.size() - 3, 3, "Z");
  const Result<Time> time = ParseRfc3339(text);
  GF_CHECK(time.ok());
  return *time;
}

std::optional<std::string> Row::OptionalText(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(Text(column));
}
std::optional<std::int64_t> Row::OptionalInt(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(Int(column));
}
std::optional<Time> Row::OptionalTime(int column) const {
  return IsNull(column) ? std::nullopt : std::optional(TimeAt(column));
}

std::size_t Rows::size() const { return static_cast<std::size_t>(data_->result.size()); }

Row Rows::operator[](std::size_t row) const {
  GF_CHECK(row < size());
  return Row(data_, row);
}

Result<Row> Rows::One() const {
  if (empty()) return Error(StatusCode::kNotFound, "ROW_NOT_FOUND", "no such row");
  if (size() > 1) return Error(StatusCode::kInternal, "SQL_TOO_MANY_ROWS", "{} rows instead of one", size());
  return (*this)[0];
}

std::size_t Rows::affected() const { return static_cast<std::size_t>(data_->result.affected_rows()); }

}  // namespace genofed::sql
