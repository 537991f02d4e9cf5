// SPDX-License-Identifier: Apache-2.0
//
// What the readers of all formats hand over: facts about people, and what was wrong. Readers say whom a fact is about by
// a key; who that is, is decided when all files are read (harmonise.h), since a file may speak of people of another.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/clinical/code.h"
#include "libs/clinical/consent.h"
#include "libs/clinical/json_fault.h"
#include "libs/clinical/partial_date.h"
#include "libs/clinical/sex.h"
#include "libs/clinical/terminology.h"
#include "libs/core/finding.h"

namespace genofed::clinical {

// What a format calls the fields that are judged when people are put together.
struct FieldNames {
  std::string subject;
  std::string sex;
  std::string birth_date;
  std::string sample;
  std::string term;
};

// One unit of a file: a row, a resource, a phenopacket.
struct Record {
  std::uint32_t line = 0;
  std::uint32_t index = 0;  // of an element in its array
  JsonPiece::Part part = JsonPiece::Part::kDocument;
  bool in_resource = false;   // the resource of a bundle's entry
  bool set_aside = false;     // something of it was wrong or ambiguous
  bool used = false;          // something of it was used
  const FieldNames* fields = nullptr;

  std::string Path() const;  // "entry[3].resource"
};

// Where a fact came from.
struct Origin {
  std::uint32_t file = 0;
  std::uint32_t record = 0;
};

struct PersonFact {
  Origin origin;
  std::string source_id;        // what the source calls the subject
  std::string id_system;        // FHIR: whose identifier that is; may be empty
  std::vector<std::uint32_t> keys;  // by which other facts may speak of this person
  std::vector<std::string> names;   // by which consents may speak of this person, besides source_id
  std::optional<Sex> sex;       // none: not stated
  std::optional<PartialDate> birth_date;
  bool died = false;
  std::optional<PartialDate> death_date;    // none: not known when
  std::optional<std::uint32_t> age_months;  // when last seen, as the source states it: never guessed
};

struct FeatureFact {
  Origin origin;
  std::uint32_t subject = 0;  // a key
  std::uint32_t hpo = 0;
  bool absent = false;
  std::string order;  // of absent features: where it stands in its source
};

struct DiseaseFact {
  Origin origin;
  std::uint32_t subject = 0;
  std::uint32_t disease = 0;  // index into diseases()
};

struct SampleFact {
  Origin origin;
  std::uint32_t subject = 0;
  std::string sample;
};

// A file of variants that the source says is about a subject.
struct VariantsFact {
  Origin origin;
  std::uint32_t subject = 0;
  std::string file;    // without its folders
  std::string sample;  // what the subject is called in it; may be empty
};

struct ConsentFact {
  Origin origin;
  ConsentRecord consent;
};

// A disease as its source codes it, and what that is the same as.
struct Disease {
  Code source;
  std::vector<Mapping> mappings;  // with their predicates, also those that are not exact
};

// A statement that somebody has, or has not, what the codes say. All codes say the same.
struct Statement {
  std::uint32_t subject = 0;
  std::vector<Code> codes;
  bool absent = false;
  std::string order;
  std::string field;  // of the codes, within the record
  // The release of HPO that the source says it used; may be empty.
  std::string_view hpo_release;
};

// One thing that is wrong with a record: the whole of it or a value is not used.
struct SetAside {
  Origin origin;
  std::int64_t line = 0;
  std::string code;
  std::string field;
};

struct FileFacts {
  std::string name;
  std::uint32_t set = 0;  // files of one export have one number; by itself that of the file
  Findings findings;
  std::vector<Record> records;
  bool rejected = false;  // an error was found
  std::int64_t accepted = 0;
  std::int64_t quarantined = 0;
};

// Not thread-safe. Borrows the terminology.
class Collector {
 public:
  static constexpr std::size_t kMaxFacts = 100'000'000;
  static constexpr std::size_t kMaxSetAside = 1'000'000;

  Collector(const Terminology& terminology, Time now) : terminology_(terminology), now_(now) {}

  Time now() const { return now_; }
  const Terminology& terminology() const { return terminology_; }

  // Everything after it is about this file. Returns its number.
  std::uint32_t BeginFile(std::string name);
  void BeginRecord(Record record);
  // Keeps names that a reader made up, for as long as the records that point to them.
  const FieldNames* Keep(FieldNames names);
  Origin origin() const;

  // A finding about the present record (or file, without one); `field` is within the record. A warning marks the record
  // as set aside, an error the file as rejected.
  void Add(Severity severity, std::string code, std::int64_t line, std::string field, std::string message);
  void Warn(std::string code, std::string field, std::string message);
  void Note(std::string code, std::string field, std::string message);
  // A note about `count` records of the present file.
  void AddCounted(std::string code, std::string message, std::int64_t count);
  // Of a tree whose root is the present record.
  void AddFaults(const JsonNode& root, const JsonFaults& faults);
  // About a record read before.
  void AddAt(const Origin& origin, Severity severity, std::string code, std::string_view field, std::string message);

  // The number of a key. A fact whose key nobody has is looked up again by `fallback`, if that is given.
  std::uint32_t Key(const std::string& key);
  void SetFallback(std::uint32_t key, std::uint32_t fallback);

  // The birth date is judged here: DATE_IN_FUTURE, DATE_IMPLAUSIBLE.
  void AddPerson(PersonFact person);
  void AddSample(std::uint32_t subject, std::string sample);
  // `uri` is a path or URI; what is named is its last part. One without a name is left out.
  void AddVariants(std::uint32_t subject, std::string_view uri, std::string sample);
  void AddConsent(ConsentRecord consent);
  // Understands the codes: CODE_INVALID, CODE_SYSTEM_MISSING, HPO_UNKNOWN, HPO_OBSOLETE, LABEL_CONTRADICTS_CODE,
  // CODES_CONTRADICT (set aside); HPO_REPLACED, HPO_TERM_NEWER, NO_EXACT_MAPPING, CODE_NOT_MAPPED, FREE_TEXT,
  // DISEASE_EXCLUDED (notes).
  void AddStatement(const Statement& statement);
  // Facts of a record that is void after all, such as one that a newer version replaces.
  void Revoke(const Origin& origin);

  std::vector<FileFacts>& files() { return files_; }
  const std::vector<FileFacts>& files() const { return files_; }
  // All warnings about records, while findings have only the first of each code; and how many more there were.
  const std::vector<SetAside>& set_aside() const { return set_aside_; }
  std::int64_t set_aside_more() const { return set_aside_more_; }
  const std::vector<PersonFact>& persons() const { return persons_; }
  const std::vector<FeatureFact>& features() const { return features_; }
  const std::vector<DiseaseFact>& disease_facts() const { return disease_facts_; }
  const std::vector<SampleFact>& samples() const { return samples_; }
  const std::vector<VariantsFact>& variants() const { return variants_; }
  const std::vector<ConsentFact>& consents() const { return consents_; }
  const std::vector<Disease>& diseases() const { return diseases_; }
  std::optional<std::uint32_t> Fallback(std::uint32_t key) const;
  bool IsRevoked(const Origin& origin) const;
  Record& RecordOf(const Origin& origin) { return files_[origin.file].records[origin.record]; }

 private:
  void KeepSetAside(const Origin& origin, const std::string& code, std::int64_t line, const std::string& field);
  bool HasRoom();
  std::optional<std::uint32_t> ResolveHpo(const Statement& statement, const Code& code);
  void ResolveDisease(const Statement& statement, const Code& code);
  // False when the code says nothing to us.
  bool ResolveCode(const Statement& statement, Code code, std::set<std::uint32_t>& hpo, std::vector<Code>& diseases);

  const Terminology& terminology_;
  Time now_;
  std::vector<FileFacts> files_;
  std::deque<FieldNames> field_names_;
  std::unordered_map<std::string, std::uint32_t> keys_;
  std::unordered_map<std::uint32_t, std::uint32_t> fallbacks_;
  std::vector<PersonFact> persons_;
  std::vector<FeatureFact> features_;
  std::vector<DiseaseFact> disease_facts_;
  std::vector<SampleFact> samples_;
  std::vector<VariantsFact> variants_;
  std::vector<ConsentFact> consents_;
  std::vector<Disease> diseases_;
  std::unordered_map<std::string, std::uint32_t> disease_numbers_;
  std::set<std::pair<std::uint32_t, std::uint32_t>> revoked_;
  std::vector<SetAside> set_aside_;
  std::int64_t set_aside_more_ = 0;
};

}  // namespace genofed::clinical
