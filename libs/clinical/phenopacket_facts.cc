// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/phenopacket_facts.h"

#include "libs/clinical/phenopacket.h"

namespace genofed::clinical {
namespace {

const FieldNames kFields = {"subject.id", "subject.sex", "subject.dateOfBirth", "biosamples", "phenotypicFeatures"};

}  // namespace

void TakePhenopacket(const JsonNode& root, const JsonNode& packet, Collector& out) {
  out.RecordOf(out.origin()).fields = &kFields;
  JsonFaults faults;
  const Phenopacket read = ReadPhenopacket(packet, faults);
  out.AddFaults(root, faults);
  if (read.subject_id.empty()) return;
  if (!IsIdentifier(read.subject_id)) {
    return out.Warn("SUBJECT_ID_INVALID", "subject.id", "must be 1 to 256 bytes of plain text");
  }
  PersonFact person;
  person.source_id = read.subject_id;
  if (packet.Find("subject")->Find("sex") != nullptr) person.sex = read.sex;
  person.birth_date = read.date_of_birth;
  person.age_months = read.age_months;
  const std::uint32_t subject = out.Key("s:" + read.subject_id);
  person.keys = {subject};
  out.AddPerson(std::move(person));
  for (const std::string& sample : read.biosample_ids) out.AddSample(subject, sample);
  for (const PhenopacketFile& file : read.files) out.AddVariants(subject, file.uri, file.sample);

  std::size_t number = 0;
  for (const auto* list : {&read.features, &read.diseases}) {
    for (const PhenopacketTerm& term : *list) {
      Statement statement;
      statement.subject = subject;
      statement.codes = {{{}, term.id, term.label}};
      // OMIM and the like are prefixes; a term of another vocabulary has its prefix as its system.
      if (!ParseCurie(term.id)) {
        const std::size_t colon = term.id.find(':');
        statement.codes[0] = {term.id.substr(0, colon), term.id.substr(colon + 1), term.label};
      }
      statement.absent = term.excluded;
      statement.order = fmt::format("{} {}", read.id, number++);
      statement.field = PathOf(root, *term.node) + ".id";
      statement.hpo_release = read.hpo_release;
      out.AddStatement(statement);
    }
  }
}

}  // namespace genofed::clinical
