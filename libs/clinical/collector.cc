// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/collector.h"

#include <algorithm>
#include <charconv>

namespace genofed::clinical {
namespace {

std::string Join(std::string_view a, std::string_view b) {
  if (a.empty()) return std::string(b);
  if (b.empty()) return std::string(a);
  return fmt::format("{}{}{}", a, b.starts_with('[') ? "" : ".", b);
}

bool IsDiseaseSystem(std::string_view system) {
  return system == "MONDO" || system == "ORPHA" || system == "OMIM" || system == "OMIMPS" || system.starts_with("ICD1");
}

std::uint32_t Number(std::string_view digits) {
  std::uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

}  // namespace

std::string Record::Path() const {
  std::string path = JsonPiece{JsonNode(), part, index}.Path();
  return in_resource ? path + ".resource" : path;
}

std::uint32_t Collector::BeginFile(std::string name) {
  const auto number = static_cast<std::uint32_t>(files_.size());
  FileFacts& file = files_.emplace_back();
  file.name = std::move(name);
  file.set = number;
  return number;
}

void Collector::BeginRecord(Record record) { files_.back().records.push_back(record); }

const FieldNames* Collector::Keep(FieldNames names) { return &field_names_.emplace_back(std::move(names)); }

Origin Collector::origin() const {
  return {static_cast<std::uint32_t>(files_.size() - 1), static_cast<std::uint32_t>(files_.back().records.size() - 1)};
}

void Collector::Add(Severity severity, std::string code, std::int64_t line, std::string field, std::string message) {
  FileFacts& file = files_.back();
  if (severity == Severity::kError) file.rejected = true;
  if (!file.records.empty()) {
    Record& record = file.records.back();
    if (severity == Severity::kWarning) record.set_aside = true;
    if (line == 0) line = record.line;
  }
  file.findings.Add({severity, std::move(code), file.name, line, std::move(field), std::move(message)});
}

void Collector::Warn(std::string code, std::string field, std::string message) {
  Add(Severity::kWarning, std::move(code), 0, Join(files_.back().records.back().Path(), field), std::move(message));
}

void Collector::Note(std::string code, std::string field, std::string message) {
  Add(Severity::kNote, std::move(code), 0, Join(files_.back().records.back().Path(), field), std::move(message));
}

void Collector::AddCounted(std::string code, std::string message, std::int64_t count) {
  FileFacts& file = files_.back();
  file.findings.Add({Severity::kNote, std::move(code), file.name, 0, "", std::move(message), count});
}

void Collector::AddFaults(const JsonNode& root, const JsonFaults& faults) {
  for (const JsonFault& fault : faults) {
    Add(fault.severity, fault.code, fault.at->line, Join(files_.back().records.back().Path(), FieldOf(root, fault)),
        fault.message);
  }
}

void Collector::AddAt(const Origin& origin, Severity severity, std::string code, std::string_view field,
                      std::string message) {
  FileFacts& file = files_[origin.file];
  Record& record = file.records[origin.record];
  if (severity == Severity::kWarning) record.set_aside = true;
  file.findings.Add({severity, std::move(code), file.name, record.line, Join(record.Path(), field), std::move(message)});
}

std::uint32_t Collector::Key(const std::string& key) {
  return keys_.try_emplace(key, static_cast<std::uint32_t>(keys_.size())).first->second;
}

void Collector::SetFallback(std::uint32_t key, std::uint32_t fallback) {
  if (key != fallback) fallbacks_.emplace(key, fallback);
}

std::optional<std::uint32_t> Collector::Fallback(std::uint32_t key) const {
  auto found = fallbacks_.find(key);
  return found == fallbacks_.end() ? std::nullopt : std::optional(found->second);
}

bool Collector::HasRoom() {
  if (persons_.size() + features_.size() + disease_facts_.size() + samples_.size() + variants_.size() < kMaxFacts) return true;
  if (!files_.back().rejected) {
    Add(Severity::kError, "TOO_MANY_RECORDS", 0, "", fmt::format("at most {} facts are read at once", kMaxFacts));
  }
  return false;
}

void Collector::AddPerson(PersonFact person) {
  if (!HasRoom()) return;
  person.origin = origin();
  if (person.birth_date) {
    const std::string_view wrong = WrongBirthDate(*person.birth_date, now_);
    if (!wrong.empty()) {
      Warn(std::string(wrong), files_.back().records.back().fields->birth_date,
           "nobody in this data can have been born then");
      person.birth_date.reset();
    }
  }
  persons_.push_back(std::move(person));
}

void Collector::AddSample(std::uint32_t subject, std::string sample) {
  if (!HasRoom()) return;
  if (!IsIdentifier(sample)) {
    return Warn("SAMPLE_ID_INVALID", files_.back().records.back().fields->sample,
                "must be 1 to 256 bytes of plain text");
  }
  samples_.push_back({origin(), subject, std::move(sample)});
}

void Collector::AddVariants(std::uint32_t subject, std::string_view uri, std::string sample) {
  if (!HasRoom()) return;
  std::string file(uri.substr(uri.find_last_of("/\\") + 1));
  if (!IsIdentifier(file)) return;
  variants_.push_back({origin(), subject, std::move(file), std::move(sample)});
}

void Collector::AddConsent(ConsentRecord consent) { consents_.push_back({origin(), std::move(consent)}); }

void Collector::Revoke(const Origin& origin) { revoked_.emplace(origin.file, origin.record); }

bool Collector::IsRevoked(const Origin& origin) const { return revoked_.contains({origin.file, origin.record}); }

std::optional<std::uint32_t> Collector::ResolveHpo(const Statement& statement, const Code& code) {
  const std::uint32_t id = Number(code.code);
  const HpoTerm term = terminology_.FindHpo(id);
  switch (term.state) {
    case HpoTerm::State::kCurrent:
      break;
    case HpoTerm::State::kAlternative:
      Note("HPO_ALTERNATIVE_ID", statement.field, "an alternative id; the primary one is used");
      break;
    case HpoTerm::State::kReplaced:
      Note("HPO_REPLACED", statement.field, "the term is obsolete; the one that replaces it is used");
      break;
    case HpoTerm::State::kObsolete:
      Warn("HPO_OBSOLETE", statement.field, "the term is obsolete and has no replacement");
      return std::nullopt;
    case HpoTerm::State::kUnknown:
      if (statement.hpo_release > terminology_.hpo_release() && terminology_.InAssignedBlock(id)) {
        Note("HPO_TERM_NEWER", statement.field,
             fmt::format("left out: not in HPO {}, and the source used a newer release", terminology_.hpo_release()));
      } else {
        Warn("HPO_UNKNOWN", statement.field, fmt::format("no term of HPO {}", terminology_.hpo_release()));
      }
      return std::nullopt;
  }
  if (!code.label.empty() && terminology_.IsNameOfOther(code.label, term.id)) {
    Warn("LABEL_CONTRADICTS_CODE", statement.field, "the label is the name of another term than the code");
    return std::nullopt;
  }
  return term.id;
}

bool Collector::ResolveCode(const Statement& statement, Code code, std::set<std::uint32_t>& hpo,
                            std::vector<Code>& diseases) {
  if (code.system.empty()) {
    auto curie = ParseCurie(code.code);
    if (!curie) return false;
    curie->label = std::move(code.label);
    code = std::move(*curie);
  }
  code.system = CanonicalSystem(code.system);
  // Phenotypic series are written with OMIM's own URL.
  if (code.system == "OMIM" && code.code.starts_with("PS")) code.system = "OMIMPS";
  auto normal = NormaliseCode(code.system, code.code);
  if (!normal) {
    Warn("CODE_INVALID", statement.field, "not a code of its code system");
    return true;
  }
  code.code = std::move(*normal);
  if (code.system == "HP") {
    if (auto id = ResolveHpo(statement, code)) hpo.insert(*id);
    return true;
  }
  if (IsDiseaseSystem(code.system)) {
    diseases.push_back(std::move(code));
    return true;
  }
  bool known = false;
  for (const Mapping& mapping : terminology_.Find(code.system, code.code)) {
    known = true;
    if (mapping.predicate != Predicate::kExact) {
      Note("NO_EXACT_MAPPING", statement.field, "the code is mapped, but not exactly; it stands for nothing else");
      continue;
    }
    auto target = ParseCurie(mapping.target);
    if (target && target->system == "HP") {
      if (auto id = ResolveHpo(statement, *target)) hpo.insert(*id);
    } else if (target) {
      diseases.push_back(std::move(*target));
    }
  }
  return known;
}

void Collector::AddStatement(const Statement& statement) {
  if (!HasRoom()) return;
  std::set<std::uint32_t> hpo;
  std::vector<Code> diseases;
  bool understood = false;
  for (const Code& code : statement.codes) {
    if (ResolveCode(statement, code, hpo, diseases)) understood = true;
  }
  if (hpo.size() > 1) {
    return Warn("CODES_CONTRADICT", statement.field, "the codes of one statement are different terms");
  }
  if (!understood) {
    const bool bare = std::any_of(statement.codes.begin(), statement.codes.end(),
                                  [](const Code& code) { return code.system.empty() && !ParseCurie(code.code); });
    if (bare) return Warn("CODE_SYSTEM_MISSING", statement.field, "a code without its code system can mean anything");
    if (statement.codes.empty()) return Note("FREE_TEXT", statement.field, "left out: there is no code");
    return Note("CODE_NOT_MAPPED", statement.field, "left out: no table maps a code of this code system");
  }
  for (std::uint32_t id : hpo) {
    features_.push_back({origin(), statement.subject, id, statement.absent, statement.absent ? statement.order : ""});
  }
  if (!diseases.empty() && statement.absent) {
    return Note("DISEASE_EXCLUDED", statement.field, "left out: the disease was excluded");
  }
  for (const Code& code : diseases) ResolveDisease(statement, code);
}

void Collector::ResolveDisease(const Statement& statement, const Code& code) {
  const std::string name = code.system + ":" + code.code;
  auto [found, fresh] = disease_numbers_.try_emplace(name, static_cast<std::uint32_t>(diseases_.size()));
  if (fresh) diseases_.push_back({{code.system, code.code, {}}, terminology_.Find(code.system, code.code)});
  const auto& mappings = diseases_[found->second].mappings;
  const bool exact = code.system == "MONDO" || std::any_of(mappings.begin(), mappings.end(), [](const Mapping& mapping) {
                       return mapping.predicate == Predicate::kExact;
                     });
  if (!exact) {
    Note("NO_EXACT_MAPPING", statement.field,
         mappings.empty() ? "the code is kept as it is; no table maps it"
                          : "the code is kept as it is; it is mapped, but not exactly");
  }
  disease_facts_.push_back({origin(), statement.subject, found->second});
}

}  // namespace genofed::clinical
