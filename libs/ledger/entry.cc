// SPDX-License-Identifier: Apache-2.0
#include "libs/ledger/entry.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::ledger {
namespace {

using nlohmann::json;

constexpr std::int64_t kFormatVersion = 1;
constexpr std::int64_t kMaxNumber = std::int64_t{1} << 53;  // what every JSON reader holds exactly

struct KindRow {
  EntryKind kind;
  std::string_view name;
};
constexpr std::array<KindRow, 15> kKinds = {{{EntryKind::kConsentSet, "consent-set"},
                                             {EntryKind::kConsentWithdraw, "consent-withdraw"},
                                             {EntryKind::kSnapshot, "snapshot"},
                                             {EntryKind::kRun, "run"},
                                             {EntryKind::kGrant, "grant"},
                                             {EntryKind::kAccess, "access"},
                                             {EntryKind::kDenied, "denied"},
                                             {EntryKind::kQueryBatch, "query-batch"},
                                             {EntryKind::kRelease, "release"},
                                             {EntryKind::kErase, "erase"},
                                             {EntryKind::kPolicy, "policy"},
                                             {EntryKind::kKeyEvent, "key-event"},
                                             {EntryKind::kDataset, "dataset"},
                                             {EntryKind::kContact, "contact"},
                                             {EntryKind::kCheckpoint, "checkpoint"}}};

constexpr std::array<std::string_view, 34> kTextFields = {"agreement_sha256",
                                                          "application",
                                                          "application_sha256",
                                                          "audit_sha256",
                                                          "checkpoint",
                                                          "client",
                                                          "conditions",
                                                          "dataset",
                                                          "decision_sha256",
                                                          "key_id",
                                                          "log",
                                                          "log_root",
                                                          "object",
                                                          "organisation",
                                                          "outcome",
                                                          "permission",
                                                          "policy_sha256",
                                                          "project",
                                                          "purpose",
                                                          "purpose_code",
                                                          "reason",
                                                          "recipient_sha256",
                                                          "release_sha256",
                                                          "report_sha256",
                                                          "rule",
                                                          "run",
                                                          "since",
                                                          "snapshot",
                                                          "snapshot_root",
                                                          "until",
                                                          "version",
                                                          "visa",
                                                          "visa_source",
                                                          "workflow_sha256"};
constexpr std::array<std::string_view, 9> kNumberFields = {"answers",  "audit_links",  "bytes",
                                                           "epoch",    "erased_index", "log_size",
                                                           "refusals", "releases",     "slots"};

static_assert(std::ranges::is_sorted(kTextFields) && std::ranges::is_sorted(kNumberFields));

constexpr std::string_view kCommitments = "commitments";

template <typename List>
bool Contains(const List& list, std::string_view name) {
  return std::ranges::binary_search(list, name);
}

bool IsDigest(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool IsText(std::string_view text) {
  return !text.empty() && text.size() <= kMaxFieldBytes && IsUtf8(text) &&
         std::ranges::none_of(
             text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

bool IsCommitmentName(std::string_view name) {
  return !name.empty() && name.size() <= 40 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

// "2026-01-31T12:00:00Z": the shape, and values in range.
bool IsTime(std::string_view t) {
  constexpr std::string_view kShape = "0000-00-00T00:00:00Z";
  if (t.size() != kShape.size()) return false;
  for (std::size_t i = 0; i < t.size(); ++i) {
    bool digit = t[i] >= '0' && t[i] <= '9';
    if (kShape[i] == '0' ? !digit : t[i] != kShape[i]) return false;
  }
  auto two = [t](std::size_t at) { return (t[at] - '0') * 10 + (t[at + 1] - '0'); };
  return two(5) >= 1 && two(5) <= 12 && two(8) >= 1 && two(8) <= 31 && two(11) <= 23 &&
         two(14) <= 59 && two(17) <= 60;
}

Status Invalid(std::string_view field, std::string_view why) {
  return InvalidField(field, "ENTRY_INVALID", "{}", why);
}
Status Malformed() {
  return Error(StatusCode::kInvalidArgument, "ENTRY_INVALID",
               "not a ledger entry in canonical form");
}

Status Validate(const Entry& entry) {
  if (!IsTime(entry.time)) return Invalid("time", "not a UTC time with seconds");
  for (const auto& [name, value] : entry.fields) {
    if (!Contains(kTextFields, name))
      return Invalid("fields", "a name that is not in the list of ledger fields");
    if (!IsText(value)) return Invalid(name, "empty, too long or not plain UTF-8 text");
    bool digest = name.ends_with("_sha256") || name == "snapshot_root" || name == "log_root";
    if (digest && !IsDigest(value)) return Invalid(name, "not 64 lower-case hex digits");
    if ((name == "since" || name == "until") && !IsTime(value))
      return Invalid(name, "not a UTC time with seconds");
  }
  for (const auto& [name, value] : entry.numbers) {
    if (!Contains(kNumberFields, name))
      return Invalid("numbers", "a name that is not in the list of ledger numbers");
    if (value < 0 || value > kMaxNumber) return Invalid(name, "out of range");
  }
  if (entry.commitments.size() > kMaxCommitments) return Invalid("commitments", "too many");
  for (const auto& [name, value] : entry.commitments) {
    if (!IsCommitmentName(name))
      return Invalid("commitments", "a name that is not lower-case letters, digits and '_'");
  }
  bool snapshot = entry.fields.contains("snapshot");
  if (entry.fields.contains("snapshot_root") != snapshot ||
      entry.numbers.contains("slots") != snapshot) {
    return Invalid("snapshot", "snapshot, snapshot_root and slots go together");
  }
  return absl::OkStatus();
}

// JSON written by hand: nothing here needs more than these two escapes, and every append is
// written.
void AppendQuoted(std::string& out, std::string_view text) {
  out += '"';
  for (auto special = text.find_first_of("\"\\"); special != std::string_view::npos; special = text.find_first_of("\"\\")) {
    out.append(text.substr(0, special)).append({'\\', text[special]});
    text.remove_prefix(special + 1);
  }
  out.append(text) += '"';
}

// Begins the next member of an object.
void AppendName(std::string& out, std::string_view name) {
  if (out.back() != '{') out += ',';
  AppendQuoted(out, name);
  out += ':';
}

Result<Entry> FromJson(const json& object) {
  Entry entry;
  for (const auto& [name, value] : object.items()) {
    if (name == kCommitments && value.is_object()) {
      for (const auto& [hidden, hex] : value.items()) {
        if (!hex.is_string()) return Malformed();
        GF_ASSIGN(entry.commitments[hidden], Hash::FromHex(hex.get_ref<const std::string&>()));
      }
    } else if (name == "v" && value.is_number_integer()) {
      if (value != kFormatVersion) return Malformed();
    } else if (value.is_number_integer()) {
      entry.numbers[name] = value.get<std::int64_t>();
    } else if (!value.is_string()) {
      return Malformed();
    } else if (name == "kind") {
      GF_ASSIGN(entry.kind, ParseKind(value.get_ref<const std::string&>()));
    } else if (name == "time") {
      entry.time = value.get<std::string>();
    } else {
      entry.fields[name] = value.get<std::string>();
    }
  }
  return entry;
}

}  // namespace

std::string_view KindName(EntryKind kind) {
  return std::ranges::find(kKinds, kind, &KindRow::kind)->name;
}

Result<EntryKind> ParseKind(std::string_view name) {
  const auto* row = std::ranges::find(kKinds, name, &KindRow::name);
  if (row == kKinds.end()) return Invalid("kind", "unknown kind of ledger entry");
  return row->kind;
}

std::string Entry::Field(const std::string& name) const {
  auto found = fields.find(name);
  return found == fields.end() ? "" : found->second;
}

void Entry::SetText(const std::string& name, std::string_view text) {
  if (!text.empty()) fields[name] = LedgerText(text);
}

std::string LedgerText(std::string_view text) {
  if (!IsUtf8(text)) return "-";
  std::string line(text.substr(0, kMaxFieldBytes));
  while (!IsUtf8(line)) line.pop_back();  // cut within a character
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  line = std::string(Trim(line));
  return line.empty() ? "-" : line;
}

Result<std::string> EncodeEntry(const Entry& entry) {
  GF_TRY(Validate(entry));
  // Members in the order of their names, each with what writes its value.
  struct Member {
    std::string_view name;
    const std::string* text = nullptr;
    std::int64_t number = 0;
  };
  const std::string kind(KindName(entry.kind));
  std::vector<Member> members = {{"kind", &kind}, {"time", &entry.time}, {"v", nullptr, kFormatVersion}};
  for (const auto& [name, value] : entry.fields) members.push_back({name, &value});
  for (const auto& [name, value] : entry.numbers) members.push_back({name, nullptr, value});
  if (!entry.commitments.empty()) members.push_back({kCommitments});
  std::ranges::sort(members, {}, &Member::name);
  std::string bytes = "{";
  for (const Member& member : members) {
    AppendName(bytes, member.name);
    if (member.text != nullptr) {
      AppendQuoted(bytes, *member.text);
    } else if (member.name == kCommitments) {
      bytes += '{';
      for (const auto& [name, value] : entry.commitments) {
        AppendName(bytes, name);
        AppendQuoted(bytes, value.Hex());
      }
      bytes += '}';
    } else {
      bytes += std::to_string(member.number);
    }
  }
  bytes += '}';
  if (bytes.size() > kMaxEntryBytes) return Invalid("entry", "more than 65535 bytes");
  return bytes;
}

Result<Entry> DecodeEntry(std::string_view bytes) {
  if (bytes.size() > kMaxEntryBytes || !IsUtf8(bytes)) return Malformed();
  json object = json::parse(bytes, nullptr, false);
  if (!object.is_object()) return Malformed();
  GF_ASSIGN(Entry entry, FromJson(object));
  GF_ASSIGN(std::string canonical, EncodeEntry(entry));
  // Also refuses white space, repeated and missing members, and other spellings of the same value.
  if (canonical != bytes) return Malformed();
  return entry;
}

Commitment Commit(std::string_view payload, Random& random) {
  std::string key = random.Bytes(32);
  Hash value = Hash::FromBytes(crypto::HmacSha256(key, payload)).value();
  return {std::move(key), value};
}

bool Opens(const Hash& commitment, std::string_view key, std::string_view payload) {
  return crypto::ConstantTimeEquals(commitment.view(), crypto::HmacSha256(key, payload));
}

}  // namespace genofed::ledger
