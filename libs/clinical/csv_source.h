// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "libs/clinical/collector.h"
#include "libs/clinical/csv_mapping.h"

namespace genofed::clinical {

// Reads a table of people, such as an export of REDCap, as the present file of `out`; each row is a record. Rows of one
// subject (events, repeated forms) add up. Findings, besides those of Collector and CsvReader: CSV_NO_SUBJECT_COLUMN,
// CSV_COLUMN_TWICE (errors), CSV_FIELD_COUNT, SUBJECT_ID_MISSING, SUBJECT_ID_INVALID, SEX_INVALID, DATE_AMBIGUOUS,
// DATE_INVALID, VALUE_NOT_UNDERSTOOD (set aside), COLUMN_NOT_USED (a note).
void ReadCsvSource(std::istream& in, const CsvMapping& mapping, Collector& out);

// Whether a header has a column for the subject.
bool HasSubjectColumn(const std::vector<std::string>& header, const CsvMapping& mapping);

}  // namespace genofed::clinical
