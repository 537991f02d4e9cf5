// SPDX-License-Identifier: Apache-2.0
//
// What comes out of the database.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace genofed::sql {

struct ResultData;  // holds the driver's result; shared by Rows and its Row objects, immutable

// One row, read by column index. A null reads as the type's zero value unless the Optional form is used. A column
// that does not exist or has another type is an error in the caller's SQL and ends the process.
class Row {
 public:
  bool IsNull(int column) const;
  std::string Text(int column) const;
  std::int64_t Int(int column) const;
  bool Bool(int column) const;
  double Real(int column) const;
  std::string BytesAt(int column) const;  // bytea
  Time TimeAt(int column) const;          // timestamptz

  std::optional<std::string> OptionalText(int column) const;
  std::optional<std::int64_t> OptionalInt(int column) const;
  std::optional<Time> OptionalTime(int column) const;

 private:
  friend class Rows;
  Row(std::shared_ptr<const ResultData> data, std::size_t row) : data_(std::move(data)), row_(row) {}
  std::string_view Raw(int column) const;  // empty if null

  std::shared_ptr<const ResultData> data_;  // shared: a Row may outlive the Rows it came from
  std::size_t row_;
};

// The rows of one statement, valid after the transaction has ended.
class Rows {
 public:
  class Iterator {
   public:
    Iterator(const Rows* rows, std::size_t row) : rows_(rows), row_(row) {}
    Row operator*() const { return (*rows_)[row_]; }
    Iterator& operator++() {
      ++row_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const Rows* rows_;
    std::size_t row_;
  };

  explicit Rows(std::shared_ptr<const ResultData> data) : data_(std::move(data)) {}

  std::size_t size() const;
  bool empty() const { return size() == 0; }
  Row operator[](std::size_t row) const;
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, size()}; }

  // The only row. NotFound ROW_NOT_FOUND if there is none; Internal SQL_TOO_MANY_ROWS if there are several.
  Result<Row> One() const;
  // How many rows an INSERT, UPDATE or DELETE changed.
  std::size_t affected() const;

 private:
  std::shared_ptr<const ResultData> data_;  // shared: see Row
};

}  // namespace genofed::sql
