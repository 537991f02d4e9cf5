// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/harmonise.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

constexpr std::uint32_t kNobody = UINT32_MAX;
constexpr std::uint32_t kAmbiguous = UINT32_MAX - 1;

// Digits compare as numbers, so that o10 follows o9.
bool NaturalLess(std::string_view a, std::string_view b) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!digit(a[i]) || !digit(b[j])) {
      if (a[i] != b[j]) return a[i] < b[j];
      ++i, ++j;
      continue;
    }
    while (i < a.size() && a[i] == '0') ++i;
    while (j < b.size() && b[j] == '0') ++j;
    std::size_t m = i, n = j;
    while (m < a.size() && digit(a[m])) ++m;
    while (n < b.size() && digit(b[n])) ++n;
    if (m - i != n - j) return m - i < n - j;
    if (const int order = a.substr(i, m - i).compare(b.substr(j, n - j)); order != 0) return order < 0;
    i = m, j = n;
  }
  return a.size() - i < b.size() - j;
}

// What a source calls a subject, and the set of files in which that is one person.
using SubjectId = std::pair<std::string, std::uint32_t>;

struct Subject {
  std::vector<const PersonFact*> persons;
  std::vector<const FeatureFact*> features;
  std::set<std::uint32_t> diseases;
  std::set<std::string> samples;
  std::set<NamedVariants> variants;
};

class Harmoniser {
 public:
  Harmoniser(Collector& collector, const HarmoniseOptions& options)
      : c_(collector), options_(options), vcf_samples_(options.vcf_samples.begin(), options.vcf_samples.end()) {}

  std::vector<HarmonisedRow> Run() {
    GroupPersons();
    MapKeys();
    LinkFeatures();
    LinkDiseases();
    LinkVariants();
    LinkSamples();
    std::vector<HarmonisedRow> rows;
    for (auto& [id, subject] : subjects_) rows.push_back(RowOf(id.first, subject));
    AddConsents(rows);
    CountRecords();
    return rows;
  }

 private:
  // Facts of files and records that turned out to be void.
  bool IsVoid(const Origin& origin) const { return c_.files()[origin.file].rejected || c_.IsRevoked(origin); }
  const FieldNames& FieldsOf(const Origin& origin) { return *c_.RecordOf(origin).fields; }
  void Use(const Origin& origin) { c_.RecordOf(origin).used = true; }

  void GroupPersons() {
    std::map<SubjectId, std::set<std::string>> systems;
    has_people_.resize(c_.files().size());
    for (const PersonFact& person : c_.persons()) {
      if (IsVoid(person.origin)) continue;
      const SubjectId id{person.source_id, options_.together ? 0 : c_.files()[person.origin.file].set};
      has_people_[person.origin.file] = true;
      subjects_[id].persons.push_back(&person);
      if (!person.id_system.empty()) systems[id].insert(person.id_system);
    }
    for (const auto& [id, named_by] : systems) {
      if (named_by.size() < 2) continue;
      for (const PersonFact* person : subjects_[id].persons) {
        c_.AddAt(person->origin, Severity::kWarning, "SUBJECT_AMBIGUOUS", FieldsOf(person->origin).sample,
                 "another patient has the same identifier of another system; nothing of either is used");
        for (std::uint32_t key : person->keys) void_keys_.insert(key);
      }
      subjects_.erase(id);
    }
    std::uint32_t number = 0;
    for (auto& [id, subject] : subjects_) {
      by_number_.push_back(&subject);
      ids_.push_back(&id.first);
      numbers_[id] = number++;
      for (const PersonFact* person : subject.persons) Use(person->origin);
    }
  }

  void MapKeys() {
    for (const auto& [id, subject] : subjects_) {
      for (const PersonFact* person : subject.persons) {
        for (std::uint32_t key : person->keys) {
          const std::uint32_t number = numbers_[id];
          Put(by_folder_[FolderOf(person->origin.file)], key, number);
          Put(by_file_[person->origin.file], key, number);
        }
      }
    }
  }

  using ByKey = std::unordered_map<std::uint32_t, std::uint32_t>;

  // Two subjects under one key, unless they are one person in two files.
  void Put(ByKey& map, std::uint32_t key, std::uint32_t number) const {
    auto [found, fresh] = map.try_emplace(key, number);
    if (fresh || found->second == kAmbiguous || *ids_[found->second] == *ids_[number]) return;
    found->second = kAmbiguous;
  }

  std::string FolderOf(std::uint32_t file) const {
    const std::string& name = c_.files()[file].name;
    const std::size_t slash = name.rfind('/');
    return options_.together || slash == std::string::npos ? "" : name.substr(0, slash);
  }

  static std::optional<std::uint32_t> Get(const ByKey* map, std::uint32_t key) {
    if (map == nullptr) return std::nullopt;
    auto found = map->find(key);
    return found == map->end() ? std::nullopt : std::optional(found->second);
  }

  // Who is meant in that file: somebody of the file itself, else of those beside it.
  std::uint32_t Find(std::uint32_t key, std::uint32_t file) const {
    auto own = by_file_.find(file);
    auto beside = options_.together || !has_people_[file] ? by_folder_.find(FolderOf(file)) : by_folder_.end();
    for (int fallbacks = 0; fallbacks < 4; ++fallbacks) {
      if (auto number = Get(own == by_file_.end() ? nullptr : &own->second, key)) return *number;
      if (auto number = Get(beside == by_folder_.end() ? nullptr : &beside->second, key)) return *number;
      if (void_keys_.contains(key)) return kAmbiguous;
      auto next = c_.Fallback(key);
      if (!next) break;
      key = *next;
    }
    return kNobody;
  }

  // Null, with a finding, when that is nobody in particular.
  Subject* Resolve(std::uint32_t key, const Origin& origin, bool sample) {
    const std::uint32_t number = Find(key, origin.file);
    if (number == kAmbiguous) {
      c_.AddAt(origin, Severity::kWarning, "SUBJECT_AMBIGUOUS", FieldsOf(origin).subject, "several people are meant");
    } else if (number == kNobody && sample) {
      c_.AddAt(origin, Severity::kNote, "SAMPLE_WITHOUT_SUBJECT", FieldsOf(origin).subject,
               "left out: nobody in these files is the subject of the sample");
    } else if (number == kNobody) {
      c_.AddAt(origin, Severity::kWarning, "SUBJECT_UNKNOWN", FieldsOf(origin).subject,
               "nobody in these files is the subject");
    } else {
      return by_number_[number];
    }
    return nullptr;
  }

  void LinkFeatures() {
    for (const FeatureFact& feature : c_.features()) {
      if (IsVoid(feature.origin)) continue;
      if (Subject* subject = Resolve(feature.subject, feature.origin, false)) subject->features.push_back(&feature);
    }
    for (Subject* subject : by_number_) DropContradictions(*subject);
  }

  void DropContradictions(Subject& subject) {
    std::set<std::uint32_t> present, absent;
    for (const FeatureFact* feature : subject.features) (feature->absent ? absent : present).insert(feature->hpo);
    auto contradicts = [&](const FeatureFact* feature) {
      return present.contains(feature->hpo) && absent.contains(feature->hpo);
    };
    for (const FeatureFact* feature : subject.features) {
      if (contradicts(feature)) {
        c_.AddAt(feature->origin, Severity::kWarning, "FEATURE_CONTRADICTION", FieldsOf(feature->origin).term,
                 "the same feature is stated to be present and absent; neither is used");
      } else {
        Use(feature->origin);
      }
    }
    std::erase_if(subject.features, contradicts);
  }

  void LinkDiseases() {
    for (const DiseaseFact& disease : c_.disease_facts()) {
      if (IsVoid(disease.origin)) continue;
      Subject* subject = Resolve(disease.subject, disease.origin, false);
      if (subject == nullptr) continue;
      subject->diseases.insert(disease.disease);
      Use(disease.origin);
    }
  }

  void LinkSamples() {
    // By sample; claims in the order of the input, so that findings come in the same order each time.
    std::map<SubjectId, std::vector<std::pair<Subject*, Origin>>> claims;
    for (const SampleFact& sample : c_.samples()) {
      if (IsVoid(sample.origin)) continue;
      if (Subject* subject = Resolve(sample.subject, sample.origin, true)) {
        const std::uint32_t set = options_.together ? 0 : c_.files()[sample.origin.file].set;
        claims[{sample.sample, set}].emplace_back(subject, sample.origin);
      }
    }
    for (const auto& [sample, claimants] : claims) {
      Subject* const first = claimants.front().first;
      const bool twice = std::any_of(claimants.begin(), claimants.end(),
                                     [first](const auto& claimant) { return claimant.first != first; });
      for (const auto& [subject, origin] : claimants) {
        if (twice) {
          c_.AddAt(origin, Severity::kWarning, "SAMPLE_CLAIMED_TWICE", FieldsOf(origin).sample,
                   "two people have the same sample; neither is linked to it");
        } else {
          Use(origin);
        }
      }
      if (!twice) first->samples.insert(sample.first);
    }
    for (auto& [id, subject] : subjects_) NoteMissingSample(id.first, subject, claims.contains(id));
  }

  void LinkVariants() {
    for (const VariantsFact& fact : c_.variants()) {
      if (IsVoid(fact.origin)) continue;
      if (Subject* subject = Resolve(fact.subject, fact.origin, true)) subject->variants.insert({fact.file, fact.sample});
    }
  }

  void NoteMissingSample(const std::string& id, Subject& subject, bool claimed) {
    const bool in_vcf = vcf_samples_.contains(id);
    if (subject.samples.empty() && in_vcf && !claimed) subject.samples.insert(id);
    if (subject.samples.empty() && subject.variants.empty()) {
      const Origin& origin = subject.persons.front()->origin;
      c_.AddAt(origin, Severity::kNote, "SUBJECT_WITHOUT_SAMPLE", FieldsOf(origin).subject, "no sample belongs to the subject");
    }
  }

  HarmonisedRow RowOf(const std::string& id, Subject& subject) {
    HarmonisedRow row;
    row.subject = id;
    row.origin = subject.persons.front()->origin;
    row.variants.assign(subject.variants.begin(), subject.variants.end());
    for (const PersonFact* person : subject.persons) row.age_months = std::max(row.age_months, person->age_months);
    row.samples.assign(subject.samples.begin(), subject.samples.end());
    row.sex = SexOf(subject);
    row.birth_date = BirthDateOf(subject);
    for (const PersonFact* person : subject.persons)
      AddDeath(person->died, person->death_date, row);
    AddFeatures(subject, row);
    AddDiseases(subject, row);
    return row;
  }

  Sex SexOf(const Subject& subject) {
    std::set<Sex> stated;
    for (const PersonFact* person : subject.persons) {
      if (person->sex && *person->sex != Sex::kUnknown) stated.insert(*person->sex);
    }
    if (stated.size() == 1) return *stated.begin();
    if (stated.empty()) return Sex::kUnknown;
    for (const PersonFact* person : subject.persons) {
      if (!person->sex || *person->sex == Sex::kUnknown) continue;
      c_.AddAt(person->origin, Severity::kWarning, "SEX_CONFLICT", FieldsOf(person->origin).sex,
               "several sexes are stated for one person; none is used");
    }
    return Sex::kUnknown;
  }

  std::string BirthDateOf(const Subject& subject) {
    std::optional<PartialDate> best;
    bool conflict = false;
    for (const PersonFact* person : subject.persons) {
      if (!person->birth_date) continue;
      if (!best || best->Contains(*person->birth_date)) best = person->birth_date;
      else if (!person->birth_date->Contains(*best)) conflict = true;
    }
    // A conflict may only show against the most precise date.
    for (const PersonFact* person : subject.persons) {
      if (person->birth_date && !person->birth_date->Contains(*best)) conflict = true;
    }
    if (!conflict) return best ? best->ToString() : "";
    for (const PersonFact* person : subject.persons) {
      if (!person->birth_date) continue;
      c_.AddAt(person->origin, Severity::kWarning, "BIRTH_DATE_CONFLICT", FieldsOf(person->origin).birth_date,
               "several birth dates are stated for one person; none is used");
    }
    return "";
  }

  // Of several dates the earliest: whoever may be dead is taken for it.
  static void AddDeath(bool died, const std::optional<PartialDate>& date, HarmonisedRow& row) {
    if (!died) return;
    const Time at = date ? FirstInstant(*date) : Time{};
    if (!row.died_at || at < *row.died_at) row.died_at = at;
  }

  static void AddFeatures(Subject& subject, HarmonisedRow& row) {
    std::set<std::uint32_t> present;
    std::vector<const FeatureFact*> absent;
    for (const FeatureFact* feature : subject.features) {
      if (feature->absent) absent.push_back(feature);
      else present.insert(feature->hpo);
    }
    for (std::uint32_t id : present) row.hpo_present.push_back(HpoId(id));
    std::sort(absent.begin(), absent.end(), [](const FeatureFact* a, const FeatureFact* b) {
      if (NaturalLess(a->order, b->order)) return true;
      if (NaturalLess(b->order, a->order)) return false;
      return a->hpo < b->hpo;
    });
    for (const FeatureFact* feature : absent) {
      std::string id = HpoId(feature->hpo);
      if (std::find(row.hpo_absent.begin(), row.hpo_absent.end(), id) == row.hpo_absent.end()) {
        row.hpo_absent.push_back(std::move(id));
      }
    }
  }

  void AddDiseases(const Subject& subject, HarmonisedRow& row) const {
    std::set<std::string> mondo, orpha, icd10cm;
    auto add = [&](const std::string& code) {
      if (code.starts_with("ORPHA:")) orpha.insert(code);
      if (code.starts_with("ICD10CM:")) icd10cm.insert(code);
      if (code.starts_with("MONDO:")) mondo.insert(code);
    };
    for (std::uint32_t number : subject.diseases) {
      const Disease& disease = c_.diseases()[number];
      add(disease.source.system + ":" + disease.source.code);
      for (const Mapping& mapping : disease.mappings) {
        if (mapping.predicate == Predicate::kExact) add(mapping.target);
      }
    }
    for (const std::string& term : mondo) {
      for (const std::string& code : c_.terminology().ExactCodes(term)) add(code);
    }
    row.mondo.assign(mondo.begin(), mondo.end());
    row.orpha.assign(orpha.begin(), orpha.end());
    row.icd10cm.assign(icd10cm.begin(), icd10cm.end());
    row.diseases.assign(subject.diseases.begin(), subject.diseases.end());
  }

  void AddConsents(std::vector<HarmonisedRow>& rows) {
    // Whom a consent may mean, by the names that sources have for people.
    std::map<std::string, std::set<std::uint32_t>> named;
    for (const auto& [id, subject] : subjects_) {
      named[id.first].insert(numbers_[id]);
      for (const PersonFact* person : subject.persons) {
        for (const std::string& name : person->names) named[name].insert(numbers_[id]);
      }
    }
    std::vector<ConsentRecord> consents(options_.consents.begin(), options_.consents.end());
    for (const ConsentFact& fact : c_.consents()) {
      if (IsVoid(fact.origin)) continue;
      Use(fact.origin);
      consents.push_back(fact.consent);
    }
    std::vector<std::vector<ConsentRecord>> by_row(rows.size());
    std::set<std::string_view> others;
    for (ConsentRecord& consent : consents) {
      auto found = named.find(consent.person_identifier);
      if (found == named.end()) {
        others.insert(consent.person_identifier);
        continue;
      }
      // Meant for one of several: whoever it is, the others must not gain by it, and a denial must reach all.
      for (std::uint32_t number : found->second) {
        ConsentRecord one = consent;
        if (found->second.size() > 1) one.rules.clear();
        one.person_identifier = rows[number].subject;
        by_row[number].push_back(std::move(one));
      }
    }
    std::vector<ConsentRecord> of_rows;
    for (std::size_t number = 0; number < rows.size(); ++number) {
      SettleGuardians(by_row[number], rows[number]);
      std::move(by_row[number].begin(), by_row[number].end(), std::back_inserter(of_rows));
    }
    if (options_.consents_of_others != nullptr) *options_.consents_of_others = static_cast<std::int64_t>(others.size());
    const auto permissions = EffectivePermissions(of_rows, c_.now());
    const auto ends = EndsOfPermissions(of_rows, c_.now());
    const auto origins = OriginsOfPermissions(of_rows, c_.now());
    const auto limits = LimitsOfPermissions(of_rows, c_.now());
    const auto wishes = WishesOf(of_rows, c_.now());
    for (HarmonisedRow& row : rows) {
      auto found = permissions.find(row.subject);
      if (found == permissions.end()) continue;
      row.permissions = found->second;
      row.has_consent = true;
      if (auto end = ends.find(row.subject); end != ends.end()) row.permitted_until = end->second;
      if (auto origin = origins.find(row.subject); origin != origins.end())
        row.consent_origin = origin->second;
      if (auto limit = limits.find(row.subject);
          limit != limits.end() && (row.permissions & kPermitSecondaryUse) != 0)
        row.consent_limits = limit->second;
      if (auto wish = wishes.find(row.subject); wish != wishes.end()) row.wishes = wish->second;
    }
  }

  // What guardians said of one person: over once the person has said something of age, and nothing
  // is permitted by it while nobody knows when that will be.
  void SettleGuardians(std::vector<ConsentRecord>& consents, HarmonisedRow& row) {
    std::optional<PartialDate> born = ParseIsoDate(row.birth_date);
    for (const ConsentRecord& consent : consents) {
      if (!born) born = consent.birth_date;
      AddDeath(consent.died, consent.death_date, row);
    }
    const auto speaks = [&](const ConsentRecord& consent) {
      return consent.by_guardian && consent.InForce(c_.now());
    };
    if (std::none_of(consents.begin(), consents.end(), speaks)) return;
    if (!born) {
      for (ConsentRecord& consent : consents) {
        if (speaks(consent)) consent.rules.clear();
      }
      return c_.AddAt(row.origin, Severity::kWarning, "GUARDIAN_WITHOUT_BIRTH_DATE",
                      FieldsOf(row.origin).birth_date,
                      "a guardian's consent permits nothing of somebody without a birth date: when "
                      "it lapses is not known");
    }
    row.born = FirstInstant(*born);
    const bool own =
        std::any_of(consents.begin(), consents.end(), [&](const ConsentRecord& consent) {
          return !consent.by_guardian && consent.InForce(c_.now());
        });
    if (own && ReachesAge(*born, options_.adult_age) <= c_.now()) std::erase_if(consents, speaks);
  }

  void CountRecords() {
    for (FileFacts& file : c_.files()) {
      for (const Record& record : file.records) {
        if (record.set_aside) ++file.quarantined;
        else if (record.used && !file.rejected) ++file.accepted;
      }
      const bool any_used = std::any_of(file.records.begin(), file.records.end(), [](const Record& record) { return record.used; });
      if (any_used || file.rejected || file.quarantined == 0) continue;
      file.rejected = true;
      file.findings.Add({Severity::kError, "NOTHING_USABLE", file.name, 0, "", "everything in the file was set aside"});
    }
  }

  Collector& c_;
  const HarmoniseOptions& options_;
  const std::unordered_set<std::string_view> vcf_samples_;
  std::map<SubjectId, Subject> subjects_;
  std::vector<Subject*> by_number_;
  std::vector<const std::string*> ids_;  // by number
  std::map<SubjectId, std::uint32_t> numbers_;
  std::map<std::string, ByKey> by_folder_;
  std::map<std::uint32_t, ByKey> by_file_;
  std::vector<bool> has_people_;  // by file
  std::set<std::uint32_t> void_keys_;
};

std::string Joined(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) text += (text.empty() ? "" : "|") + value;
  return text;
}

}  // namespace

std::vector<HarmonisedRow> Harmonise(Collector& collector, const HarmoniseOptions& options) {
  return Harmoniser(collector, options).Run();
}

std::string WriteTable(std::span<const HarmonisedRow> rows) {
  std::string text =
      "#subject_source_id\tsample_source_id\tsex\tbirth_date\thpo_present\thpo_absent\tdisease_mondo\tdisease_orpha\t"
      "disease_icd10cm\tconsent\n";
  for (const HarmonisedRow& row : rows) {
    text += fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", row.subject, Joined(row.samples), SexName(row.sex),
                        row.birth_date, Joined(row.hpo_present), Joined(row.hpo_absent), Joined(row.mondo),
                        Joined(row.orpha), Joined(row.icd10cm), PermissionNames(row.permissions));
  }
  return text;
}

}  // namespace genofed::clinical
