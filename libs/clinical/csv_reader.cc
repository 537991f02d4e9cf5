// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/csv_reader.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::clinical {

CsvReader::CsvReader(std::istream& in, char delimiter) : in_(in), delimiter_(delimiter) {}

bool CsvReader::Break(std::string code, std::string message) {
  code_ = std::move(code);
  message_ = std::move(message);
  return false;
}

// The bytes up to a line end that is not within quotes.
bool CsvReader::TakeRow(std::string& raw) {
  raw.clear();
  line_ = next_line_;
  bool quoted = false;
  std::streambuf* bytes = in_.rdbuf();
  for (int c = bytes->sbumpc(); c != std::char_traits<char>::eof(); c = bytes->sbumpc()) {
    const char byte = static_cast<char>(c);
    if (byte == '\n') ++next_line_;
    if (byte == '\n' && !quoted) return true;
    if (byte == '"') quoted = !quoted;
    if (byte == '\0') return Break("CSV_BINARY", "a zero byte: this is not text");
    raw += byte;
    if (raw.size() > kMaxRowBytes) {
      return Break("CSV_ROW_TOO_LONG", fmt::format("a row has at most {} bytes; a quote may not be closed", kMaxRowBytes));
    }
  }
  if (in_.bad()) return Break("FILE_FAILED", "the file cannot be read");
  if (quoted) return Break("CSV_QUOTE_OPEN", "a quote that begins in this row is not closed");
  return !raw.empty();
}

void CsvReader::GuessDelimiter(std::string_view header) {
  std::size_t best = 0;
  delimiter_ = ',';
  for (char candidate : {',', ';', '\t', '|'}) {
    bool quoted = false;
    std::size_t count = 0;
    for (char c : header) {
      if (c == '"') quoted = !quoted;
      if (c == candidate && !quoted) ++count;
    }
    if (count <= best) continue;
    best = count;
    delimiter_ = candidate;
  }
}

bool CsvReader::ParseRow(std::string_view raw, std::vector<std::string>& row) {
  row.clear();
  row.emplace_back();
  bool quoted = false;
  for (std::size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if (quoted && c == '"' && i + 1 < raw.size() && raw[i + 1] == '"') row.back() += raw[i++];
    else if (c == '"') quoted = !quoted;
    else if (c == delimiter_ && !quoted) row.emplace_back();
    else row.back() += c;
  }
  if (row.size() > kMaxColumns) {
    return Break("CSV_TOO_MANY_COLUMNS", fmt::format("a row has at most {} columns", kMaxColumns));
  }
  return true;
}

CsvReader::Outcome CsvReader::Next(std::vector<std::string>& row) {
  std::string raw;
  while (code_.empty()) {
    const bool first = next_line_ == 1;
    if (!TakeRow(raw)) return code_.empty() && in_.rdbuf()->sgetc() == std::char_traits<char>::eof() ? Outcome::kEnd : Outcome::kBroken;
    std::string_view text = raw;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (first && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (!IsUtf8(text)) {
      Break("ENCODING_NOT_UTF8", "not UTF-8 (Latin-1 or Windows-1252?); save the file as UTF-8");
      return Outcome::kBroken;
    }
    if (text.empty()) continue;
    if (delimiter_ == '\0') GuessDelimiter(text);
    return ParseRow(text, row) ? Outcome::kRow : Outcome::kBroken;
  }
  return Outcome::kBroken;
}

}  // namespace genofed::clinical
