// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/omop_source.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "libs/clinical/csv_reader.h"
#include "libs/clinical/fhir_elements.h"
#include "libs/clinical/table_rows.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

// Concepts of the OMOP vocabularies (athena.ohdsi.org) that answer whether something is there.
std::optional<Answer> AnswerOfConceptId(std::string_view id) {
  for (std::string_view yes : {"4181412", "4188539", "45877994", "45879438", "9191", "45884084"}) {
    if (id == yes) return Answer::kPresent;  // Present, Yes (SNOMED); Yes, Present, Positive (LOINC and OMOP)
  }
  for (std::string_view no : {"4132135", "4188540", "45878245", "9189", "45878583"}) {
    if (id == no) return Answer::kAbsent;  // Absent, No (SNOMED); No, Negative (LOINC and OMOP)
  }
  return std::nullopt;
}

bool IsInteger(std::string_view text) { return ParseInt(text).ok(); }

bool IsFloat(std::string_view text) {
  double value = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), value);
  return end.ec == std::errc() && end.ptr == text.data() + text.size();
}

// A single word with a digit in it is a code; anything else is a name.
bool LooksLikeCode(std::string_view text) {
  return text.find(' ') == std::string_view::npos && text.find_first_of("0123456789") != std::string_view::npos;
}

class OmopSource {
 public:
  OmopSource(const std::vector<std::string>& header, const OmopTable& table, std::string set, const CsvMapping& mapping,
             Collector& out)
      : table_(table), set_(std::move(set)), mapping_(mapping), out_(out), width_(header.size()) {
    for (std::size_t i = 0; i < header.size(); ++i) columns_[ToLower(Trim(header[i]))] = i;
    fields_ = out.Keep({"person_id", "gender_concept_id", "year_of_birth", "specimen_source_id",
                        std::string(table.name) + "_source_value"});
  }

  // Whether all required columns are there.
  bool CheckHeader() {
    for (const OmopField& field : table_.fields) {
      if (!field.required || columns_.contains(std::string(field.name))) continue;
      out_.Add(Severity::kError, "OMOP_COLUMN_MISSING", 1, std::string(field.name),
               fmt::format("table {} of OMOP CDM 5.4 requires this column", table_.name));
      return false;
    }
    return true;
  }

  const FieldNames* fields() const { return fields_; }

  void TakeRow(const std::vector<std::string>& row) {
    if (row.size() != width_) {
      return out_.Warn("CSV_FIELD_COUNT", "", "the row has another number of fields than the header");
    }
    row_ = &row;
    if (!CheckRow()) return;
    subject_ = out_.Key(fmt::format("o:{}:{}", set_, Cell("person_id")));
    if (table_.name == "person") TakePerson();
    if (table_.name == "condition_occurrence") TakeCondition();
    if (table_.name == "observation") TakeObservation("observation");
    if (table_.name == "measurement") TakeObservation("measurement");
    if (table_.name == "specimen") TakeSpecimen();
  }

 private:
  std::string_view Cell(std::string_view column) const {
    auto found = columns_.find(column);
    if (found == columns_.end()) return {};
    const std::string_view cell = Trim((*row_)[found->second]);
    return ToLower(cell) == "null" || cell == "\\N" ? std::string_view() : cell;
  }

  bool CheckRow() {
    for (const OmopField& field : table_.fields) {
      const std::string_view cell = Cell(field.name);
      const std::string name(field.name);
      if (cell.empty()) {
        if (!field.required) continue;
        out_.Warn("OMOP_VALUE_MISSING", name, "OMOP CDM 5.4 requires a value");
        return false;
      }
      const bool date = field.type == OmopType::kDate || field.type == OmopType::kDateTime;
      const auto parsed = date ? ParseIsoDateTime(cell) : std::nullopt;
      if ((field.type == OmopType::kInteger && !IsInteger(cell)) || (field.type == OmopType::kFloat && !IsFloat(cell))) {
        out_.Warn("OMOP_TYPE_INVALID", name, "must be a number, as OMOP CDM 5.4 has it");
        return false;
      }
      if (date && (!parsed || InFuture(*parsed, out_.now()))) {
        out_.Warn(parsed ? "DATE_IN_FUTURE" : "DATE_INVALID", name, parsed ? "lies in the future" : "must be YYYY-MM-DD");
        return false;
      }
    }
    return true;
  }

  void TakePerson() {
    PersonFact person;
    person.source_id = Cell(Cell("person_source_value").empty() ? "person_id" : "person_source_value");
    if (!IsIdentifier(person.source_id)) {
      return out_.Warn("SUBJECT_ID_INVALID", "person_source_value", "must be 1 to 256 bytes of plain text");
    }
    person.keys = {subject_};
    person.sex = ReadSex();
    person.birth_date = ReadBirthDate();
    out_.AddPerson(std::move(person));
  }

  std::optional<Sex> ReadSex() {
    const auto by_concept = ParseOmopGender(*ParseInt(Cell("gender_concept_id")));
    if (!by_concept) {
      out_.Warn("SEX_INVALID", "gender_concept_id", "must be 8507, 8532, 8521, 8551 or 0");
      return std::nullopt;
    }
    // What the source wrote is only looked at where it says so in plain words.
    const auto by_source = ParseSexWord(Cell("gender_source_value"));
    if (!by_source || *by_source == Sex::kUnknown) return by_concept;
    if (*by_concept == Sex::kUnknown || *by_concept == *by_source) return by_source;
    out_.Warn("SEX_CONFLICT", "gender_source_value", "contradicts gender_concept_id; neither is used");
    return std::nullopt;
  }

  std::optional<PartialDate> ReadBirthDate() {
    auto part = [this](const char* column) -> std::int64_t {
      const std::string_view cell = Cell(column);
      return cell.empty() ? 0 : *ParseInt(cell);
    };
    const std::int64_t year = part("year_of_birth"), month = part("month_of_birth"), day = part("day_of_birth");
    const bool in_range = year > 0 && year < 10'000 && month >= 0 && month <= 12 && day >= 0 && day <= 31;
    const auto date = in_range ? MakeDate(static_cast<int>(year), static_cast<unsigned>(month), static_cast<unsigned>(day)) : std::nullopt;
    if (!date) {
      out_.Warn("DATE_INVALID", "year_of_birth", "year, month and day are no day of the calendar");
      return std::nullopt;
    }
    const std::string_view time = Cell("birth_datetime");
    if (time.empty()) return date;
    const auto exact = ParseIsoDateTime(time);
    if (exact && date->Contains(*exact)) return date->day == 0 ? exact : date;
    out_.Warn("DATE_CONFLICT", "birth_datetime", "contradicts year, month and day of birth; none is used");
    return std::nullopt;
  }

  // The code of a source value: a CURIE, or of ICD-10.
  std::optional<Code> CodeOf(std::string_view text) const {
    if (auto curie = ParseCurie(text)) return curie;
    if (LooksLikeIcd10(text)) return Code{mapping_.icd10, std::string(text), {}};
    return std::nullopt;
  }

  // The codes of a row: what the source wrote, else the concept where a table maps it. Empty with a finding.
  std::vector<Code> CodesOfRow(const std::string& prefix) {
    const std::string source = prefix + "_source_value";
    const std::string_view text = Cell(source);
    if (auto code = CodeOf(text)) return {*code};
    // An id of HPO that is not one would pass for a word.
    if (text.starts_with("HP:") || text.starts_with("MONDO:") || text.starts_with("ORPHA:")) return {{"HP", std::string(text), {}}};
    const std::string_view concept_id = Cell(prefix + "_concept_id");
    if (!out_.terminology().Find("OMOP", concept_id).empty()) return {{"OMOP", std::string(concept_id), {}}};
    if (prefix == "condition" && !text.empty() && LooksLikeCode(text) && (concept_id.empty() || concept_id == "0")) {
      out_.Warn("CODE_SYSTEM_MISSING", source, "no code of a vocabulary that is known here, and no concept says what it is");
    } else if (prefix != "condition") {
      out_.Note("OBSERVATION_NOT_USED", source, "left out: not a code of a phenotype or disease");
    } else if (!concept_id.empty() && concept_id != "0") {
      out_.Note("CODE_NOT_MAPPED", "condition_concept_id", "left out: no table maps the concept");
    } else {
      out_.Note("FREE_TEXT", source, "left out: there is no code");
    }
    return {};
  }

  void TakeCondition() {
    const std::string_view status = Cell("condition_status_concept_id");
    // Preliminary diagnosis; condition to be diagnosed by procedure.
    if (status == "32899" || status == "32892") {
      return out_.Note("NOT_CONFIRMED", "condition_status_concept_id", "left out: the condition is not confirmed");
    }
    Statement statement;
    statement.subject = subject_;
    statement.codes = CodesOfRow("condition");
    statement.field = "condition_source_value";
    if (!statement.codes.empty()) out_.AddStatement(statement);
  }

  std::optional<Answer> ReadAnswer() const {
    for (std::string_view column : {"value_as_string", "value_source_value"}) {
      const std::string_view cell = Cell(column);
      if (cell.empty()) continue;
      return AnswerOfWord(cell).value_or(Answer::kText);
    }
    const std::string_view concept_id = Cell("value_as_concept_id");
    if (!concept_id.empty() && concept_id != "0") return AnswerOfConceptId(concept_id).value_or(Answer::kNotUnderstood);
    if (!Cell("value_as_number").empty()) return Answer::kNotUnderstood;
    return std::nullopt;
  }

  void TakeObservation(const std::string& prefix) {
    // Family history of clinical finding.
    const std::string_view concept_id = Cell(prefix + "_concept_id");
    if (concept_id == "4167217") {
      return out_.Note("OTHER_SUBJECT", prefix + "_concept_id", "left out: it is about a relative");
    }
    Statement statement;
    statement.subject = subject_;
    statement.codes = CodesOfRow(prefix);
    statement.field = prefix + "_source_value";
    statement.order = Cell(prefix + "_id");
    if (statement.codes.empty()) return;
    switch (ReadAnswer().value_or(Answer::kMissing)) {
      case Answer::kAbsent:
        statement.absent = true;
        [[fallthrough]];
      case Answer::kPresent:
        return out_.AddStatement(statement);
      case Answer::kNotKnown:
        return out_.Note("VALUE_NOT_KNOWN", "value_as_string", "left out: the source does not know whether it is present");
      case Answer::kMissing:
        return out_.Warn("VALUE_MISSING", "value_as_string", "does not say whether it is present or absent");
      case Answer::kText:
      case Answer::kNotUnderstood:
        return out_.Warn("VALUE_NOT_UNDERSTOOD", "value_as_string", "says neither present nor absent");
    }
  }

  void TakeSpecimen() {
    const std::string_view id = Cell(Cell("specimen_source_id").empty() ? "specimen_source_value" : "specimen_source_id");
    if (id.empty()) return out_.Note("SAMPLE_WITHOUT_ID", "specimen_source_id", "left out: the sample has no id of its source");
    out_.AddSample(subject_, std::string(id));
  }

  const OmopTable& table_;
  std::string set_;
  const CsvMapping& mapping_;
  Collector& out_;
  std::size_t width_;
  std::map<std::string, std::size_t, std::less<>> columns_;
  const FieldNames* fields_ = nullptr;
  const std::vector<std::string>* row_ = nullptr;
  std::uint32_t subject_ = 0;
};

}  // namespace

void ReadOmopSource(std::istream& in, const OmopTable& table, const std::string& set, const CsvMapping& mapping,
                    Collector& out) {
  CsvReader reader(in);
  std::vector<std::string> row;
  if (reader.Next(row) != CsvReader::Outcome::kRow) {
    return out.Add(Severity::kError, reader.code().empty() ? "EMPTY_FILE" : reader.code(), reader.line(), "", reader.message());
  }
  if (table.fields.empty()) {
    return out.Add(Severity::kNote, "TABLE_NOT_USED", 0, "", "left out: nothing of this OMOP table is used here");
  }
  OmopSource source(row, table, set, mapping, out);
  if (!source.CheckHeader()) return;
  TakeRows(reader, source, out);
}

}  // namespace genofed::clinical
