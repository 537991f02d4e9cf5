// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <istream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace genofed::clinical {

// Comma-separated values (RFC 4180) row by row: separators ',' ';' tab or '|' (guessed from the first line unless given),
// "" in quotes, line ends and separators within quotes, CRLF, a byte order mark. Memory is bounded by one row.
class CsvReader {
 public:
  static constexpr std::size_t kMaxRowBytes = 4U << 20;
  static constexpr std::size_t kMaxColumns = 10'000;

  enum class Outcome : std::uint8_t { kRow, kEnd, kBroken };

  // `delimiter` 0: guess. Borrows the stream.
  explicit CsvReader(std::istream& in, char delimiter = '\0');

  // The next row that is not empty. kBroken ends the reading: code() and message() say why.
  Outcome Next(std::vector<std::string>& row);
  // 1-based, where the row last read, or what is broken, begins.
  std::int64_t line() const { return line_; }
  char delimiter() const { return delimiter_; }
  // CSV_QUOTE_OPEN, CSV_ROW_TOO_LONG, CSV_TOO_MANY_COLUMNS, ENCODING_NOT_UTF8, CSV_BINARY, FILE_FAILED
  const std::string& code() const { return code_; }
  const std::string& message() const { return message_; }

 private:
  bool TakeRow(std::string& raw);
  bool ParseRow(std::string_view raw, std::vector<std::string>& row);
  bool Break(std::string code, std::string message);
  void GuessDelimiter(std::string_view header);

  std::istream& in_;
  char delimiter_;
  std::int64_t line_ = 0;
  std::int64_t next_line_ = 1;
  std::string code_;
  std::string message_;
};

}  // namespace genofed::clinical
