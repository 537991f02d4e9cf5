// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/phenopacket.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include "libs/clinical/code.h"
#include "libs/core/clock.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

constexpr std::size_t kMaxItems = 10'000;
constexpr std::size_t kMaxId = 256;
constexpr const char* kInvalid = "PHENOPACKET_INVALID";

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A member by its JSON name or by the name of the proto field, which proto3 JSON allows as well.
std::string NameIn(const JsonNode& object, std::string_view camel) {
  if (object.Find(camel) != nullptr) return std::string(camel);
  std::string snake;
  for (char c : camel) {
    if (c >= 'A' && c <= 'Z') snake += '_';
    snake += c;
  }
  snake = ToLower(snake);
  return object.Find(snake) != nullptr ? snake : std::string(camel);
}

std::optional<std::uint32_t> MonthsBetween(const std::optional<PartialDate>& birth, std::string_view then) {
  auto to = ParseRfc3339(then);
  if (!birth || birth->day == 0 || !to.ok()) return std::nullopt;
  const std::chrono::year_month_day a{std::chrono::year(birth->year), std::chrono::month(birth->month), std::chrono::day(birth->day)};
  const std::chrono::year_month_day b(std::chrono::floor<std::chrono::days>(*to));
  int months = (static_cast<int>(b.year()) - static_cast<int>(a.year())) * 12 +
               static_cast<int>(static_cast<unsigned>(b.month())) -
               static_cast<int>(static_cast<unsigned>(a.month()));
  if (b.day() < a.day()) --months;
  if (months < 0) return std::nullopt;
  return static_cast<std::uint32_t>(months);
}

// The date in "2024-08-13", "v2024-08-13" or ".../releases/2024-08-13/hp.owl"; empty without one.
std::string ReleaseDate(std::string_view version) {
  for (std::size_t i = 0; i + 10 <= version.size(); ++i) {
    if (ParseIsoDate(version.substr(i, 10))) return std::string(version.substr(i, 10));
  }
  return {};
}

class PacketReader {
 public:
  PacketReader(const JsonNode& packet, JsonFaults& faults) : packet_(packet), faults_(faults) {}

  Phenopacket Read() {
    out_.id = TextMember(packet_, "id", true, kInvalid, faults_, kMaxId);
    ReadMetaData();
    ReadSubject();
    ReadTerms("phenotypicFeatures", "type", out_.features);
    ReadTerms("diseases", "term", out_.diseases);
    ReadBiosamples();
    ReadFiles(packet_);
    ReadInterpretations();
    return std::move(out_);
  }

 private:
  void Add(Severity severity, std::string code, const JsonNode& at, std::string member, std::string message) {
    faults_.push_back({severity, std::move(code), &at, std::move(member), std::move(message)});
  }
  void Wrong(std::string code, const JsonNode& at, std::string member, std::string message) {
    Add(Severity::kWarning, std::move(code), at, std::move(member), std::move(message));
  }

  void ReadMetaData() {
    const std::string name = NameIn(packet_, "metaData");
    const JsonNode* meta = packet_.Find(name);
    if (meta == nullptr || !meta->is_object()) return Wrong(kInvalid, packet_, name, "is required and must be an object");
    const std::string created = TextMember(*meta, "created", true, kInvalid, faults_);
    if (!created.empty() && !ParseRfc3339(created).ok()) Wrong(kInvalid, *meta, "created", "must be an RFC 3339 time");
    TextMember(*meta, NameIn(*meta, "createdBy"), true, kInvalid, faults_);
    const std::string version_name = NameIn(*meta, "phenopacketSchemaVersion");
    const std::string version = TextMember(*meta, version_name, false, kInvalid, faults_);
    if (!version.empty() && version != "2" && !version.starts_with("2.")) {
      Wrong("PHENOPACKET_VERSION", *meta, version_name, "must be 2.x; convert the phenopacket to version 2");
      known_version_ = false;
    }
    for (const JsonNode& resource : meta->Array("resources")) {
      const std::string prefix(resource.Text(NameIn(resource, "namespacePrefix")));
      if (prefix == "HP" || resource.Text("id") == "hp") out_.hpo_release = ReleaseDate(resource.Text("version"));
    }
  }

  void ReadSubject() {
    const JsonNode* subject = packet_.Find("subject");
    if (subject == nullptr || !subject->is_object()) {
      return Wrong(kInvalid, packet_, "subject", "is required and must be an object");
    }
    std::string id = TextMember(*subject, "id", true, kInvalid, faults_, kMaxId);
    // What is written in version 1 means something else in places, so nothing of it is read.
    if (known_version_) out_.subject_id = std::move(id);
    ReadSex(*subject);
    const std::string name = NameIn(*subject, "dateOfBirth");
    const std::string born = TextMember(*subject, name, false, "DATE_INVALID", faults_, 64);
    if (!born.empty()) {
      if (ParseRfc3339(born).ok()) out_.date_of_birth = ParseIsoDate(std::string_view(born).substr(0, 10));
      if (!out_.date_of_birth) Wrong("DATE_INVALID", *subject, name, "must be an RFC 3339 time");
    }
    ReadAge(*subject);
  }

  void ReadSex(const JsonNode& subject) {
    const std::string sex = TextMember(subject, "sex", false, "SEX_INVALID", faults_);
    if (sex.empty()) return;
    const auto known = ParseSexName(sex);
    if (known) out_.sex = *known;
    else Wrong("SEX_INVALID", subject, "sex", "must be UNKNOWN_SEX, FEMALE, MALE or OTHER_SEX");
  }

  void ReadAge(const JsonNode& subject) {
    const std::string name = NameIn(subject, "timeAtLastEncounter");
    const JsonNode* when = subject.Find(name);
    if (when == nullptr) return;
    if (!when->is_object()) return Wrong(kInvalid, subject, name, "must be an object");
    if (const JsonNode* age = when->Find("age"); age != nullptr) {
      const std::string text = TextMember(*age, "iso8601duration", true, kInvalid, faults_, 64);
      out_.age_months = MonthsOfDuration(text);
      if (!text.empty() && !out_.age_months) {
        Wrong(kInvalid, *age, "iso8601duration", "must be an ISO 8601 duration");
      }
    } else if (when->Find("timestamp") != nullptr) {
      const std::string text = TextMember(*when, "timestamp", true, kInvalid, faults_, 64);
      if (!text.empty() && !ParseRfc3339(text).ok()) Wrong(kInvalid, *when, "timestamp", "must be an RFC 3339 time");
      out_.age_months = MonthsBetween(out_.date_of_birth, text);
    }
  }

  const JsonNode* ArrayMember(std::string_view key) {
    const std::string name = NameIn(packet_, key);
    const JsonNode* found = packet_.Find(name);
    if (found == nullptr) return nullptr;
    if (!found->is_array() || found->items.size() > kMaxItems) {
      Wrong(kInvalid, packet_, name, fmt::format("must be an array of at most {} items", kMaxItems));
      return nullptr;
    }
    return found;
  }

  // An array of {TERM: {id, label}, excluded}.
  void ReadTerms(std::string_view list, const char* term, std::vector<PhenopacketTerm>& out) {
    const JsonNode* items = ArrayMember(list);
    if (items == nullptr) return;
    for (const JsonNode& item : items->items) ReadTerm(item, term, out);
  }

  void ReadTerm(const JsonNode& item, const char* term, std::vector<PhenopacketTerm>& out) {
    const JsonNode* node = item.Find(term);
    if (node == nullptr || !node->is_object()) {
      if (node == nullptr && !item.Text("description").empty()) {
        return Add(Severity::kNote, "FREE_TEXT", item, "description", "there is text but no term");
      }
      return Wrong(kInvalid, item, term, "is required and must be an object");
    }
    PhenopacketTerm out_term;
    out_term.node = node;
    out_term.label = TextMember(*node, "label", false, kInvalid, faults_);
    out_term.id = TextMember(*node, "id", true, "CODE_INVALID", faults_, 128);
    // Version 1 said "negated"; a reader of version 2 would take the feature for present.
    if (item.Find("negated") != nullptr) return Wrong(kInvalid, item, "negated", "is of version 1; use excluded");
    if (const JsonNode* excluded = item.Find("excluded"); excluded != nullptr) {
      if (excluded->kind != JsonNode::Kind::kBool) return Wrong(kInvalid, item, "excluded", "must be a boolean");
      out_term.excluded = excluded->flag;
    }
    if (out_term.id.empty()) return;
    if (!NormaliseTerm(out_term.id).ok()) {
      return Wrong("CODE_INVALID", *node, "id", "must be a CURIE such as HP:0001250");
    }
    out.push_back(std::move(out_term));
  }

  void ReadBiosamples() {
    const JsonNode* items = ArrayMember("biosamples");
    if (items == nullptr) return;
    for (const JsonNode& item : items->items) {
      if (!item.is_object()) {
        Wrong(kInvalid, item, "", "must be an object");
        continue;
      }
      std::string id = TextMember(item, "id", true, kInvalid, faults_, kMaxId);
      const std::string name = NameIn(item, "individualId");
      const std::string owner = TextMember(item, name, false, kInvalid, faults_, kMaxId);
      if (!owner.empty() && owner != out_.subject_id && known_version_) {
        Wrong(kInvalid, item, name, "must equal subject.id");
      } else if (!id.empty()) {
        out_.biosample_ids.push_back(std::move(id));
        ReadFiles(item);
      }
    }
  }

  // Of the packet or a biosample. Files may be anything; which of them are variants is not judged here.
  void ReadFiles(const JsonNode& owner) {
    for (const JsonNode& item : owner.Array("files")) {
      const std::string_view uri = item.Text("uri");
      if (uri.empty() || out_.files.size() == kMaxItems) continue;
      const JsonNode* names = item.Find(NameIn(item, "individualToFileIdentifiers"));
      out_.files.push_back({std::string(uri), names == nullptr ? "" : std::string(names->Text(out_.subject_id))});
    }
  }

  // A diagnosis may be under work, or refuted by its variants: only what `diseases` states is a disease.
  void ReadInterpretations() {
    for (const JsonNode& item : packet_.Array("interpretations")) {
      const JsonNode* diagnosis = item.Find("diagnosis");
      const JsonNode* disease = diagnosis == nullptr ? nullptr : diagnosis->Find("disease");
      if (disease == nullptr) continue;
      const std::string_view id = disease->Text("id");
      const bool listed = std::any_of(out_.diseases.begin(), out_.diseases.end(),
                                      [&](const PhenopacketTerm& term) { return term.id == id; });
      if (!listed) {
        Add(Severity::kNote, "INTERPRETATION_NOT_USED", *disease, "", "is not among the diseases, so it is no diagnosis");
      }
    }
  }

  const JsonNode& packet_;
  JsonFaults& faults_;
  Phenopacket out_;
  bool known_version_ = true;
};

}  // namespace

std::vector<std::string> Phenopacket::ObservedTerms() const {
  std::vector<std::string> terms;
  for (const auto* list : {&features, &diseases}) {
    for (const PhenopacketTerm& term : *list) {
      if (!term.excluded) terms.push_back(NormaliseTerm(term.id).value_or(term.id));
    }
  }
  std::sort(terms.begin(), terms.end());
  terms.erase(std::unique(terms.begin(), terms.end()), terms.end());
  return terms;
}

Phenopacket ReadPhenopacket(const JsonNode& packet, JsonFaults& faults) { return PacketReader(packet, faults).Read(); }

Result<std::string> NormaliseTerm(std::string_view curie) {
  std::size_t colon = curie.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon > 32 || curie.size() > 128 ||
      colon + 1 == curie.size()) {
    return InvalidField("term", "TERM_INVALID", "must be a CURIE such as HP:0001250");
  }
  std::string prefix(curie.substr(0, colon));
  std::string_view local = curie.substr(colon + 1);
  auto wrong = [](char c) {
    bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    return !alnum && c != '_' && c != '.' && c != '-';
  };
  if (std::any_of(prefix.begin(), prefix.end(), wrong) ||
      std::any_of(local.begin(), local.end(), wrong)) {
    return InvalidField("term", "TERM_INVALID", "a CURIE has letters, digits, '_', '.' and '-'");
  }
  if (prefix == "Orphanet" || prefix == "ORDO" || prefix == "ORPHANET") prefix = "ORPHA";
  bool seven_digits = prefix == "HP" || prefix == "MONDO";
  bool six_digits = prefix == "OMIM";
  if ((seven_digits && (local.size() != 7 || !AllDigits(local))) ||
      (six_digits && (local.size() != 6 || !AllDigits(local))) ||
      (prefix == "ORPHA" && (local.size() > 7 || !AllDigits(local)))) {
    return InvalidField("term", "TERM_INVALID", "not an identifier of {}", prefix);
  }
  return fmt::format("{}:{}", prefix, local);
}

std::optional<std::uint32_t> MonthsOfDuration(std::string_view text) {
  if (text.size() < 3 || text.front() != 'P') return std::nullopt;
  text.remove_prefix(1);
  double days = 0;
  std::uint64_t months = 0;
  bool in_time = false;
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time && text.size() > 1) {
      in_time = true;
      text.remove_prefix(1);
      continue;
    }
    std::size_t digits = 0;
    while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
    auto value = ParseInt(text.substr(0, digits));
    if (digits == 0 || digits > 6 || digits == text.size() || !value.ok()) return std::nullopt;
    char unit = text[digits];
    text.remove_prefix(digits + 1);
    auto amount = static_cast<std::uint64_t>(*value);
    if (in_time && (unit == 'H' || unit == 'M' || unit == 'S')) continue;  // less than a day
    if (in_time) return std::nullopt;
    if (unit == 'Y')
      months += amount * 12;
    else if (unit == 'M')
      months += amount;
    else if (unit == 'W')
      days += static_cast<double>(amount) * 7;
    else if (unit == 'D')
      days += static_cast<double>(amount);
    else
      return std::nullopt;
  }
  months += static_cast<std::uint64_t>(days / 30.436875);  // the mean Gregorian month
  if (months > 12 * 200) return std::nullopt;
  return static_cast<std::uint32_t>(months);
}

Result<Phenopacket> ParsePhenopacket(std::string_view text) {
  Result<Phenopacket> packet = Error(StatusCode::kInvalidArgument, "JSON_INVALID", "no JSON document");
  int documents = 0;
  const auto problem = ReadJson(text, [&](const JsonPiece& piece) {
    if (piece.part != JsonPiece::Part::kDocument) return true;
    ++documents;
    if (!piece.node.is_object() || piece.duplicate_key) {
      packet = InvalidField("", kInvalid, "must be a JSON object that names each member once");
      return true;
    }
    JsonFaults faults;
    packet = ReadPhenopacket(piece.node, faults);
    for (auto* list : {&packet->features, &packet->diseases}) {
      for (PhenopacketTerm& term : *list) term.node = nullptr;
    }
    if (Status status = ToStatus(piece.node, faults, kInvalid); !status.ok()) packet = std::move(status);
    return true;
  });
  if (problem) return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "{}", problem->message);
  if (documents > 1) return Error(StatusCode::kInvalidArgument, "JSON_INVALID", "more than one document");
  return packet;
}

}  // namespace genofed::clinical
