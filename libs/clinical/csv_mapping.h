// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/clinical/sex.h"
#include "libs/core/status.h"

namespace genofed::clinical {

// What the columns of a table mean. Column names are compared without regard to case.
//
// As JSON; every member is optional but columns.subject:
//   {
//     "columns": {"subject": "record_id", "sample": "sample_id", "sex": "sex", "birth_date": "dob",
//                 "hpo_present": "hpo_present", "hpo_absent": "hpo_absent",
//                 "variants": "vcf_file"},                       sample: a column of a VCF; variants: a file of one
//                                                                person
//     "codes": {"icd10": "ICD10CM", "orpha": "ORPHA"},       column: code system (HP, MONDO, ORPHA, OMIM, ICD10CM,
//                                                            ICD10WHO, ICD10GM, or one of a table that was added)
//     "features": {"seizures": "HP:0001250"},                a question of a form: column: what it asks for
//     "yes": ["1", "yes"], "no": ["0", "no"],                answers to such questions
//     "sex": {"1": "MALE", "2": "FEMALE"},                   values: UNKNOWN_SEX, FEMALE, MALE or OTHER_SEX
//     "date_format": "DD.MM.YYYY",                           default YYYY-MM-DD
//     "list_separator": ";",                                 default: any of ; | , and blanks
//     "delimiter": ",",                                      default: guessed
//     "missing": ["NA", "-99"],                              cells that stand for nothing
//     "icd10": "ICD10CM"                                     what an ICD-10 code is that does not say, also of OMOP
//   }
struct CsvMapping {
  struct Column {
    std::string name;  // lower case
    std::string code;  // a code system, or the term of a question
  };

  // Lower case; the first that is there.
  std::vector<std::string> subject, sample, variants, sex, birth_date, hpo_present, hpo_absent;
  std::vector<Column> codes;
  std::vector<Column> features;
  std::vector<std::string> yes = {"1", "yes", "y", "true", "present"};
  std::vector<std::string> no = {"0", "no", "n", "false", "absent"};
  std::map<std::string, Sex> sex_values;
  std::string date_format;     // empty: ISO 8601
  std::string list_separator;  // empty: any of the usual ones
  char delimiter = '\0';
  std::vector<std::string> missing = {"na", "n/a", "null"};
  std::string icd10 = "ICD10CM";

  // For exports that name their columns as REDCap's and many registries' templates do: record_id, sex (1 male,
  // 2 female; ISO 5218), dob, hpo_present, hpo_absent, icd10, orpha, omim, mondo, sample_id, vcf_file.
  static CsvMapping BuiltIn();
  // InvalidArgument MAPPING_INVALID that names the member.
  static Result<CsvMapping> Parse(std::string_view json);
};

}  // namespace genofed::clinical
