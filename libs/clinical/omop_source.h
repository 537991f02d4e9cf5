// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <istream>
#include <string>

#include "libs/clinical/collector.h"
#include "libs/clinical/csv_mapping.h"
#include "libs/clinical/omop_tables.h"

namespace genofed::clinical {

// Reads one table of the OMOP Common Data Model 5.4 as CSV, as the present file of `out`; each row is a record. `set`
// names the export that the table belongs to: person_id means the same person only within it. The subject is
// person_source_value, or person_id where that is empty.
//
// Findings, besides those of Collector and CsvReader: CSV_COLUMN_TWICE, OMOP_COLUMN_MISSING (errors); CSV_FIELD_COUNT,
// OMOP_VALUE_MISSING, OMOP_TYPE_INVALID, SEX_INVALID, SEX_CONFLICT, DATE_INVALID, DATE_IN_FUTURE, DATE_CONFLICT,
// SUBJECT_ID_INVALID, VALUE_MISSING, VALUE_NOT_UNDERSTOOD, CODE_SYSTEM_MISSING (set aside); TABLE_NOT_USED,
// NOT_CONFIRMED, VALUE_NOT_KNOWN, FREE_TEXT, OBSERVATION_NOT_USED, OTHER_SUBJECT, SAMPLE_WITHOUT_ID (notes).
void ReadOmopSource(std::istream& in, const OmopTable& table, const std::string& set, const CsvMapping& mapping,
                    Collector& out);

}  // namespace genofed::clinical
