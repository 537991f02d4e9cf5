// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/omop_tables.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

constexpr OmopField kPerson[] = {
    {"person_id", true, OmopType::kInteger},
    {"gender_concept_id", true, OmopType::kInteger},
    {"year_of_birth", true, OmopType::kInteger},
    {"month_of_birth", false, OmopType::kInteger},
    {"day_of_birth", false, OmopType::kInteger},
    {"birth_datetime", false, OmopType::kDateTime},
    {"race_concept_id", true, OmopType::kInteger},
    {"ethnicity_concept_id", true, OmopType::kInteger},
    {"location_id", false, OmopType::kInteger},
    {"provider_id", false, OmopType::kInteger},
    {"care_site_id", false, OmopType::kInteger},
    {"person_source_value", false, OmopType::kText},
    {"gender_source_value", false, OmopType::kText},
    {"gender_source_concept_id", false, OmopType::kInteger},
    {"race_source_value", false, OmopType::kText},
    {"race_source_concept_id", false, OmopType::kInteger},
    {"ethnicity_source_value", false, OmopType::kText},
    {"ethnicity_source_concept_id", false, OmopType::kInteger},
};

constexpr OmopField kConditionOccurrence[] = {
    {"condition_occurrence_id", true, OmopType::kInteger},
    {"person_id", true, OmopType::kInteger},
    {"condition_concept_id", true, OmopType::kInteger},
    {"condition_start_date", true, OmopType::kDate},
    {"condition_start_datetime", false, OmopType::kDateTime},
    {"condition_end_date", false, OmopType::kDate},
    {"condition_end_datetime", false, OmopType::kDateTime},
    {"condition_type_concept_id", true, OmopType::kInteger},
    {"condition_status_concept_id", false, OmopType::kInteger},
    {"stop_reason", false, OmopType::kText},
    {"provider_id", false, OmopType::kInteger},
    {"visit_occurrence_id", false, OmopType::kInteger},
    {"visit_detail_id", false, OmopType::kInteger},
    {"condition_source_value", false, OmopType::kText},
    {"condition_source_concept_id", false, OmopType::kInteger},
    {"condition_status_source_value", false, OmopType::kText},
};

constexpr OmopField kObservation[] = {
    {"observation_id", true, OmopType::kInteger},
    {"person_id", true, OmopType::kInteger},
    {"observation_concept_id", true, OmopType::kInteger},
    {"observation_date", true, OmopType::kDate},
    {"observation_datetime", false, OmopType::kDateTime},
    {"observation_type_concept_id", true, OmopType::kInteger},
    {"value_as_number", false, OmopType::kFloat},
    {"value_as_string", false, OmopType::kText},
    {"value_as_concept_id", false, OmopType::kInteger},
    {"qualifier_concept_id", false, OmopType::kInteger},
    {"unit_concept_id", false, OmopType::kInteger},
    {"provider_id", false, OmopType::kInteger},
    {"visit_occurrence_id", false, OmopType::kInteger},
    {"visit_detail_id", false, OmopType::kInteger},
    {"observation_source_value", false, OmopType::kText},
    {"observation_source_concept_id", false, OmopType::kInteger},
    {"unit_source_value", false, OmopType::kText},
    {"qualifier_source_value", false, OmopType::kText},
    {"value_source_value", false, OmopType::kText},
    {"observation_event_id", false, OmopType::kInteger},
    {"obs_event_field_concept_id", false, OmopType::kInteger},
};

constexpr OmopField kSpecimen[] = {
    {"specimen_id", true, OmopType::kInteger},
    {"person_id", true, OmopType::kInteger},
    {"specimen_concept_id", true, OmopType::kInteger},
    {"specimen_type_concept_id", true, OmopType::kInteger},
    {"specimen_date", true, OmopType::kDate},
    {"specimen_datetime", false, OmopType::kDateTime},
    {"quantity", false, OmopType::kFloat},
    {"unit_concept_id", false, OmopType::kInteger},
    {"anatomic_site_concept_id", false, OmopType::kInteger},
    {"disease_status_concept_id", false, OmopType::kInteger},
    {"specimen_source_id", false, OmopType::kText},
    {"specimen_source_value", false, OmopType::kText},
    {"unit_source_value", false, OmopType::kText},
    {"anatomic_site_source_value", false, OmopType::kText},
    {"disease_status_source_value", false, OmopType::kText},
};

constexpr OmopField kMeasurement[] = {
    {"measurement_id", true, OmopType::kInteger},
    {"person_id", true, OmopType::kInteger},
    {"measurement_concept_id", true, OmopType::kInteger},
    {"measurement_date", true, OmopType::kDate},
    {"measurement_datetime", false, OmopType::kDateTime},
    {"measurement_time", false, OmopType::kText},
    {"measurement_type_concept_id", true, OmopType::kInteger},
    {"operator_concept_id", false, OmopType::kInteger},
    {"value_as_number", false, OmopType::kFloat},
    {"value_as_concept_id", false, OmopType::kInteger},
    {"unit_concept_id", false, OmopType::kInteger},
    {"range_low", false, OmopType::kFloat},
    {"range_high", false, OmopType::kFloat},
    {"provider_id", false, OmopType::kInteger},
    {"visit_occurrence_id", false, OmopType::kInteger},
    {"visit_detail_id", false, OmopType::kInteger},
    {"measurement_source_value", false, OmopType::kText},
    {"measurement_source_concept_id", false, OmopType::kInteger},
    {"unit_source_value", false, OmopType::kText},
    {"unit_source_concept_id", false, OmopType::kInteger},
    {"value_source_value", false, OmopType::kText},
    {"measurement_event_id", false, OmopType::kInteger},
    {"meas_event_field_concept_id", false, OmopType::kInteger},
};

constexpr OmopField kDeath[] = {
    {"person_id", true, OmopType::kInteger},
    {"death_date", true, OmopType::kDate},
    {"death_datetime", false, OmopType::kDateTime},
    {"death_type_concept_id", false, OmopType::kInteger},
    {"cause_concept_id", false, OmopType::kInteger},
    {"cause_source_value", false, OmopType::kText},
    {"cause_source_concept_id", false, OmopType::kInteger},
};

constexpr OmopTable kUsed[] = {
    {"person", kPerson},
    {"condition_occurrence", kConditionOccurrence},
    {"observation", kObservation},
    {"specimen", kSpecimen},
    {"measurement", kMeasurement},
    {"death", kDeath},
};

// What tells a table from any other table of the model, and from tables that are not of the model.
struct Key {
  const char* table;
  std::vector<std::string> columns;
};

const std::vector<Key>& Keys() {
  static const std::vector<Key> keys = {
      {"person", {"person_id", "gender_concept_id"}},
      {"condition_occurrence", {"condition_occurrence_id", "person_id"}},
      {"observation", {"observation_id", "person_id"}},
      {"specimen", {"specimen_id", "person_id", "specimen_concept_id"}},
      {"measurement", {"measurement_id", "person_id"}},
      {"death", {"person_id", "death_date"}},
      {"observation_period", {"observation_period_id", "person_id"}},
      {"visit_occurrence", {"visit_occurrence_id", "visit_concept_id"}},
      {"visit_detail", {"visit_detail_id", "visit_detail_concept_id"}},
      {"drug_exposure", {"drug_exposure_id", "drug_concept_id"}},
      {"procedure_occurrence", {"procedure_occurrence_id", "procedure_concept_id"}},
      {"device_exposure", {"device_exposure_id", "device_concept_id"}},
      {"note", {"note_id", "note_type_concept_id"}},
      {"note_nlp", {"note_nlp_id", "note_id"}},
      {"fact_relationship", {"domain_concept_id_1", "fact_id_1"}},
      {"location", {"location_id", "location_source_value"}},
      {"care_site", {"care_site_id", "care_site_name"}},
      {"provider", {"provider_id", "specialty_concept_id"}},
      {"payer_plan_period", {"payer_plan_period_id", "person_id"}},
      {"cost", {"cost_id", "cost_event_id"}},
      {"drug_era", {"drug_era_id", "drug_concept_id"}},
      {"dose_era", {"dose_era_id", "drug_concept_id"}},
      {"condition_era", {"condition_era_id", "condition_concept_id"}},
      {"episode", {"episode_id", "episode_concept_id"}},
      {"episode_event", {"episode_id", "episode_event_field_concept_id"}},
      {"metadata", {"metadata_concept_id", "metadata_type_concept_id"}},
      {"cdm_source", {"cdm_source_name", "cdm_holder"}},
      {"concept", {"concept_id", "vocabulary_id"}},
      {"vocabulary", {"vocabulary_id", "vocabulary_concept_id"}},
      {"domain", {"domain_id", "domain_concept_id"}},
      {"concept_class", {"concept_class_id", "concept_class_concept_id"}},
      {"concept_relationship", {"concept_id_1", "concept_id_2", "relationship_id"}},
      {"relationship", {"relationship_id", "is_hierarchical"}},
      {"concept_synonym", {"concept_id", "concept_synonym_name"}},
      {"concept_ancestor", {"ancestor_concept_id", "descendant_concept_id"}},
      {"source_to_concept_map", {"source_code", "source_vocabulary_id"}},
      {"drug_strength", {"drug_concept_id", "ingredient_concept_id"}},
      {"cohort", {"cohort_definition_id", "cohort_start_date"}},
      {"cohort_definition", {"cohort_definition_id", "cohort_definition_name"}},
  };
  return keys;
}

}  // namespace

std::span<const OmopTable> UsedOmopTables() { return kUsed; }

const OmopTable* FindOmopTable(const std::vector<std::string>& header) {
  static const OmopTable not_used{"another table", {}};
  std::vector<std::string> names;
  for (const std::string& name : header) names.push_back(ToLower(Trim(name)));
  for (const Key& key : Keys()) {
    const bool all = std::all_of(key.columns.begin(), key.columns.end(), [&](const std::string& column) {
      return std::find(names.begin(), names.end(), column) != names.end();
    });
    if (!all) continue;
    for (const OmopTable& table : kUsed) {
      if (table.name == key.table) return &table;
    }
    return &not_used;
  }
  return nullptr;
}

}  // namespace genofed::clinical
