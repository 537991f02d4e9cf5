// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/domain/dataset_record.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::catalogue {
namespace {

constexpr std::size_t kMaxText = 10'000;
constexpr std::size_t kMaxList = 50;
constexpr std::size_t kMaxGroups = 200;

bool All(std::string_view text, char low, char high) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [&](char c) { return c >= low && c <= high; });
}

bool IsDatasetId(std::string_view id, std::string_view country) {
  auto parts = Split(id, '-');
  return parts.size() == 4 && (parts[0] == "GOE" || parts[0] == "GDI") && parts[1] == country &&
         All(parts[2], 'A', 'Z') && All(parts[3], '0', '9') && id.size() <= 64;
}

void RequireText(Status& status, std::string_view field, const std::string& value) {
  if (Trim(value).empty())
    status = WithField(std::move(status), field, "must not be empty");
  else if (value.size() > kMaxText || !IsUtf8(value))
    status = WithField(std::move(status), field, "must be UTF-8 of at most 10,000 bytes");
}

}  // namespace

Status Validate(const DatasetRecord& record) {
  Status status =
      Error(StatusCode::kInvalidArgument, "RECORD_INVALID", "the dataset record is not acceptable");
  if (record.country.size() != 2 || !All(record.country, 'A', 'Z')) {
    status = WithField(std::move(status), "country", "must be an ISO 3166-1 alpha-2 code");
  }
  if (!IsDatasetId(record.id, record.country)) {
    status =
        WithField(std::move(status), "id",
                  fmt::format("must be (GOE|GDI)-{}-NAME-NUMBER with a name of capital letters",
                              record.country));
  }
  if (record.version < 1) status = WithField(std::move(status), "version", "counts from 1");
  RequireText(status, "title", record.title);
  RequireText(status, "description", record.description);
  RequireText(status, "publisher", record.publisher);
  auto at = record.contact_email.find('@');
  if (at == std::string::npos || at == 0 || at + 1 == record.contact_email.size() ||
      record.contact_email.size() > 254) {
    status = WithField(std::move(status), "contact_email", "must be an e-mail address");
  }
  if (record.keywords.size() > kMaxList || record.data_use.size() > kMaxList) {
    status = WithField(std::move(status), "keywords", "at most 50 keywords and 50 data use codes");
  }
  for (std::size_t i = 0; i < record.data_use.size(); ++i) {
    const std::string& code = record.data_use[i];
    if (!code.starts_with("DUO:") || !All(std::string_view(code).substr(4), '0', '9')) {
      status = WithField(std::move(status), fmt::format("data_use[{}]", i),
                         "must be a DUO code such as DUO:0000042");
    }
  }
  const bool groups_fit =
      record.groups.size() <= kMaxGroups &&
      std::all_of(record.groups.begin(), record.groups.end(), [](const PeopleGroup& group) {
        return !group.dimension.empty() && group.dimension.size() <= 64 && !group.id.empty() &&
               group.id.size() <= 64 && IsUtf8(group.id) && IsUtf8(group.dimension) &&
               group.individuals > 0;
      });
  if (!groups_fit)
    status = WithField(std::move(status), "groups", "at most 200, named, of at least one person");
  if (record.assembly != "GRCh37" && record.assembly != "GRCh38") {
    status = WithField(std::move(status), "assembly", "must be GRCh37 or GRCh38");
  }
  return Fields(status).empty() ? absl::OkStatus() : status;
}

Status AddEvidence(DatasetRecord& record, const std::map<std::string, std::string>& evidence) {
  for (const auto& [id, reference] : evidence) {
    auto criterion = std::find_if(record.inclusion.begin(), record.inclusion.end(),
                                  [&id = id](const auto& c) { return c.id == id; });
    const std::string field = "evidence." + id;
    if (criterion == record.inclusion.end() || criterion->automatic) {
      return InvalidField(field, "EVIDENCE_INVALID", "is not a criterion that can be declared");
    }
    if (Trim(reference).empty() || reference.size() > 500 || !IsUtf8(reference)) {
      return InvalidField(field, "EVIDENCE_INVALID", "must be the reference of a document");
    }
    criterion->met = true;
    criterion->evidence = Trim(reference);
  }
  return absl::OkStatus();
}

Status CheckInclusion(const DatasetRecord& record) {
  Status unmet = Error(StatusCode::kFailedPrecondition, "INCLUSION_UNMET",
                       "the inclusion check is not complete");
  for (const InclusionCriterion& criterion : record.inclusion) {
    if (!criterion.required || criterion.met) continue;
    unmet =
        WithField(std::move(unmet), "evidence." + criterion.id,
                  criterion.automatic ? fmt::format("{}: {}", criterion.title, criterion.evidence)
                                      : fmt::format("{}: no document was named", criterion.title));
  }
  return Fields(unmet).empty() ? absl::OkStatus() : unmet;
}

std::int64_t PublishedSites(std::int64_t exact) {
  std::int64_t step = 1;
  while (exact / step >= 100) step *= 10;
  return exact / step * step;
}

std::int32_t PublishedIndividuals(std::int32_t exact) { return exact / 10 * 10; }

std::string SearchText(const DatasetRecord& record) {
  std::string text =
      record.id + " " + record.title + " " + record.description + " " + record.publisher;
  for (const std::string& keyword : record.keywords) text += " " + keyword;
  return ToLower(text);
}

}  // namespace genofed::catalogue
