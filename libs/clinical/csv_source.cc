// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/csv_source.h"

#include <algorithm>

#include "libs/clinical/csv_reader.h"
#include "libs/clinical/table_rows.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

constexpr int kNone = -1;

bool Contains(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// The first of several names that the header has.
int ColumnOf(const std::vector<std::string>& header, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (ToLower(Trim(header[i])) == name) return static_cast<int>(i);
    }
  }
  return kNone;
}

class CsvSource {
 public:
  CsvSource(std::vector<std::string> header, const CsvMapping& mapping, Collector& out)
      : header_(std::move(header)), mapping_(mapping), out_(out) {
    subject_ = ColumnOf(header_, mapping.subject);
    sample_ = ColumnOf(header_, mapping.sample);
    variants_ = ColumnOf(header_, mapping.variants);
    sex_ = ColumnOf(header_, mapping.sex);
    birth_date_ = ColumnOf(header_, mapping.birth_date);
    present_ = ColumnOf(header_, mapping.hpo_present);
    absent_ = ColumnOf(header_, mapping.hpo_absent);
    fields_ = out.Keep({Name(subject_), Name(sex_), Name(birth_date_), Name(sample_), Name(present_)});
    NoteUnused();
  }

  const FieldNames* fields() const { return fields_; }

  void TakeRow(const std::vector<std::string>& row) {
    if (row.size() != header_.size()) {
      return out_.Warn("CSV_FIELD_COUNT", "", "the row has another number of fields than the header");
    }
    row_ = &row;
    const std::string id(Cell(subject_));
    if (id.empty()) return out_.Warn("SUBJECT_ID_MISSING", Name(subject_), "the row does not say whom it is about");
    if (!IsIdentifier(id)) return out_.Warn("SUBJECT_ID_INVALID", Name(subject_), "must be 1 to 256 bytes of plain text");
    PersonFact person;
    person.source_id = id;
    key_ = out_.Key("s:" + id);
    person.keys = {key_};
    person.sex = ReadSex();
    person.birth_date = ReadBirthDate();
    out_.AddPerson(std::move(person));
    for (std::string_view sample : List(Cell(sample_))) out_.AddSample(key_, std::string(sample));
    for (std::string_view file : List(Cell(variants_))) out_.AddVariants(key_, file, "");
    TakeCodes(present_, "HP", false);
    TakeCodes(absent_, "HP", true);
    for (const auto& column : mapping_.codes) TakeCodes(ColumnOf(header_, {column.name}), column.code, false);
    for (const auto& column : mapping_.features) TakeQuestion(ColumnOf(header_, {column.name}), column.code);
  }

 private:
  std::string Name(int column) const { return column == kNone ? "" : header_[static_cast<std::size_t>(column)]; }

  // Of the present row; empty when there is no such column, or the cell stands for nothing.
  std::string_view Cell(int column) const {
    if (column == kNone) return {};
    const std::string_view cell = Trim((*row_)[static_cast<std::size_t>(column)]);
    return Contains(mapping_.missing, ToLower(cell)) ? std::string_view() : cell;
  }

  void NoteUnused() {
    std::vector<std::string> used;
    for (int column : {subject_, sample_, variants_, sex_, birth_date_, present_, absent_}) used.push_back(ToLower(Name(column)));
    for (const auto* columns : {&mapping_.codes, &mapping_.features}) {
      for (const auto& column : *columns) used.push_back(column.name);
    }
    for (const std::string& name : header_) {
      if (Contains(used, ToLower(Trim(name)))) continue;
      out_.Add(Severity::kNote, "COLUMN_NOT_USED", 1, name, "left out: the mapping does not name the column");
    }
  }

  std::vector<std::string_view> List(std::string_view cell) const {
    std::vector<std::string_view> items;
    const std::string& separator = mapping_.list_separator;
    while (!cell.empty()) {
      const std::size_t end =
          std::min(cell.size(), separator.empty() ? cell.find_first_of(";|, \t\n\r") : cell.find(separator));
      const std::string_view item = Trim(cell.substr(0, end));
      if (!item.empty()) items.push_back(item);
      cell.remove_prefix(std::min(cell.size(), end + (separator.empty() ? 1 : separator.size())));
    }
    return items;
  }

  std::optional<Sex> ReadSex() {
    const std::string_view cell = Cell(sex_);
    if (cell.empty()) return std::nullopt;
    if (auto found = mapping_.sex_values.find(ToLower(cell)); found != mapping_.sex_values.end()) return found->second;
    auto sex = ParseSexWord(cell);
    if (auto number = ParseInt(cell); !sex && number.ok()) sex = ParseOmopGender(*number);
    if (!sex) out_.Warn("SEX_INVALID", Name(sex_), "the mapping does not know this value");
    return sex;
  }

  std::optional<PartialDate> ReadBirthDate() {
    const std::string_view cell = Cell(birth_date_);
    if (cell.empty()) return std::nullopt;
    if (!mapping_.date_format.empty()) {
      auto date = ParseDateAs(cell, mapping_.date_format);
      if (!date) out_.Warn("DATE_INVALID", Name(birth_date_), fmt::format("not a date of the form {}", mapping_.date_format));
      return date;
    }
    auto date = ParseIsoDateTime(cell);
    if (date) return date;
    if (LooksLikeOtherDate(cell)) {
      out_.Warn("DATE_AMBIGUOUS", Name(birth_date_),
                "day and month cannot be told apart; state date_format in the mapping, or write YYYY-MM-DD");
    } else {
      out_.Warn("DATE_INVALID", Name(birth_date_), "must be YYYY, YYYY-MM or YYYY-MM-DD of the calendar");
    }
    return std::nullopt;
  }

  void TakeCodes(int column, std::string_view system, bool absent) {
    std::size_t number = 0;
    for (std::string_view item : List(Cell(column))) {
      Statement statement;
      statement.subject = key_;
      statement.codes = {{std::string(system), std::string(item), {}}};
      statement.absent = absent;
      statement.order = std::to_string(number++);
      statement.field = Name(column);
      out_.AddStatement(statement);
    }
  }

  void TakeQuestion(int column, const std::string& term) {
    const std::string answer = ToLower(Cell(column));
    if (answer.empty()) return;
    Statement statement;
    statement.subject = key_;
    statement.codes = {{{}, term, {}}};
    statement.field = Name(column);
    statement.absent = Contains(mapping_.no, answer);
    if (!statement.absent && !Contains(mapping_.yes, answer)) {
      return out_.Warn("VALUE_NOT_UNDERSTOOD", Name(column), "the mapping does not know this answer");
    }
    out_.AddStatement(statement);
  }

  std::vector<std::string> header_;
  const CsvMapping& mapping_;
  Collector& out_;
  int subject_ = kNone, sample_ = kNone, variants_ = kNone, sex_ = kNone, birth_date_ = kNone, present_ = kNone, absent_ = kNone;
  const FieldNames* fields_ = nullptr;
  const std::vector<std::string>* row_ = nullptr;
  std::uint32_t key_ = 0;
};

}  // namespace

bool HasSubjectColumn(const std::vector<std::string>& header, const CsvMapping& mapping) {
  return ColumnOf(header, mapping.subject) != kNone;
}

void ReadCsvSource(std::istream& in, const CsvMapping& mapping, Collector& out) {
  CsvReader reader(in, mapping.delimiter);
  std::vector<std::string> row;
  if (reader.Next(row) != CsvReader::Outcome::kRow) {
    return out.Add(Severity::kError, reader.code().empty() ? "EMPTY_FILE" : reader.code(), reader.line(), "",
                   reader.code().empty() ? "the file has no header" : reader.message());
  }
  if (!HasSubjectColumn(row, mapping)) {
    return out.Add(Severity::kError, "CSV_NO_SUBJECT_COLUMN", 1, "",
                   "no column is known to name the subject; say in a mapping which one does");
  }
  std::vector<std::string> names;
  for (const std::string& name : row) names.push_back(ToLower(Trim(name)));
  std::sort(names.begin(), names.end());
  if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end()) {
    return out.Add(Severity::kError, "CSV_COLUMN_TWICE", 1, *twice, "the header names a column twice");
  }
  CsvSource source(row, mapping, out);
  TakeRows(reader, source, out);
}

}  // namespace genofed::clinical
