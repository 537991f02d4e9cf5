// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/read_people.h"

#include <fstream>
#include <functional>
#include <map>
#include <unordered_set>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/clinical/consent.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kChunk = 1U << 20;

// Calls `take(line, number)` for each line of a file; a longer line ends the reading and its number goes to
// `*too_long`.
Status ReadLines(const Context& ctx, const std::filesystem::path& path, std::size_t max_line,
                 const std::function<void(std::string_view line, std::int64_t number)>& take, std::int64_t* too_long) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read an uploaded file");
  std::string pending;
  std::string buffer(kChunk, '\0');
  std::int64_t number = 0;
  while (in.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), in.gcount() > 0) {
    GF_TRY(ctx.Alive());
    std::string_view rest(buffer.data(), static_cast<std::size_t>(in.gcount()));
    for (std::size_t end; (end = rest.find('\n')) != std::string_view::npos; rest.remove_prefix(end + 1)) {
      pending.append(rest.substr(0, end));
      take(pending, ++number);
      pending.clear();
    }
    pending.append(rest);
    if (pending.size() > max_line) {
      *too_long = number + 1;
      return absl::OkStatus();
    }
  }
  if (in.bad()) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read an uploaded file");
  if (!pending.empty()) take(pending, ++number);
  return absl::OkStatus();
}

// One finding for each wrong field, or one for the whole.
void AddErrors(const Status& status, FileKind kind, std::int64_t line, Findings& findings) {
  auto fields = Fields(status);
  if (fields.empty()) fields.push_back({"", Message(status)});
  for (FieldViolation& violation : fields) {
    findings.Add({Severity::kError, Reason(status), std::string(FileName(kind)), line, std::move(violation.field),
                  std::move(violation.description)});
  }
}

Status ReadPhenopackets(const Context& ctx, const std::filesystem::path& path, Linker& linker, Findings& findings) {
  std::int64_t too_long = 0;
  GF_TRY(ReadLines(
      ctx, path, clinical::kMaxPhenopacketBytes,
      [&](std::string_view line, std::int64_t number) {
        if (Trim(line).empty()) return;
        auto packet = clinical::ParsePhenopacket(line);
        if (packet.ok()) linker.Add(*packet, number);
        else AddErrors(packet.status(), FileKind::kPhenopackets, number, findings);
      },
      &too_long));
  if (too_long > 0) {
    findings.Add({Severity::kError, "LINE_TOO_LONG", std::string(FileName(FileKind::kPhenopackets)), too_long, "",
                  "a phenopacket has at most 16 MiB; the file has one JSON document a line"});
  }
  return absl::OkStatus();
}

Result<std::map<std::string, std::uint8_t>> ReadConsents(const std::filesystem::path& path, Time now,
                                                         Findings& findings) {
  std::map<std::string, std::uint8_t> none;
  auto text = ReadFile(path, clinical::kMaxConsentBytes);
  if (Reason(text.status()) == "FILE_TOO_LARGE") {
    findings.Add({Severity::kError, "CONSENTS_TOO_LARGE", std::string(FileName(FileKind::kConsents)), 0, "",
                  "a bundle has at most 256 MiB"});
    return none;
  }
  if (!text.ok()) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read an uploaded file");
  auto records = clinical::ParseFhirConsents(*text);
  if (!records.ok()) {
    AddErrors(records.status(), FileKind::kConsents, 0, findings);
    return none;
  }
  return clinical::EffectivePermissions(*records, now);
}

}  // namespace

Result<People> ReadPeople(const Context& ctx, const std::filesystem::path& phenopackets,
                          const std::filesystem::path& consents,
                          const std::optional<std::vector<std::string>>& samples, Time now,
                          Findings& findings) {
  People people;
  Linker linker(samples, findings);
  GF_TRY(ReadPhenopackets(ctx, phenopackets, linker, findings));
  people.subjects = linker.Finish();
  people.samples_without_subject = linker.samples_without_subject();
  GF_ASSIGN(auto permissions, ReadConsents(consents, now, findings));
  for (const LinkedSubject& subject : people.subjects) {
    auto found = permissions.extract(subject.person_identifier);
    people.permissions.push_back(found.empty() ? std::uint8_t{0} : found.mapped());
  }
  if (!permissions.empty()) {
    findings.Add({Severity::kNote, "CONSENT_WITHOUT_SUBJECT", std::string(FileName(FileKind::kConsents)), 0, "",
                  "consents of people without a phenopacket were not used",
                  static_cast<std::int64_t>(permissions.size())});
  }
  return people;
}

}  // namespace genofed::onboarding
