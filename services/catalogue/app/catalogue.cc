// SPDX-License-Identifier: Apache-2.0
#include "services/catalogue/app/catalogue.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::catalogue {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 500;
constexpr std::size_t kMaxWords = 10;

}  // namespace

Catalogue::Catalogue(RecordStore& store, const Clock& clock, std::string country)
    : store_(store), clock_(clock), country_(std::move(country)) {}

Status Catalogue::Submit(const Context& ctx, DatasetRecord record) {
  GF_TRY(Validate(record));
  if (record.country != country_) {
    return InvalidField("country", "COUNTRY_MISMATCH", "this node holds datasets of {} only",
                        country_);
  }
  GF_TRY(CheckInUse(ctx, record.id));
  record.state = RecordState::kWaiting;
  record.individuals = PublishedIndividuals(record.individuals);
  record.sites = PublishedSites(record.sites);
  record.issued = record.modified = clock_.Now();
  return store_.Add(ctx, record);
}

Result<DatasetRecord> Catalogue::Review(const Context& ctx, const std::string& id,
                                        std::int32_t version, const Decision& decision) {
  if (!decision.approve && Trim(decision.comment).empty()) {
    return InvalidField("comment", "COMMENT_MISSING", "a record is returned with a reason");
  }
  GF_ASSIGN(DatasetRecord record, store_.Find(ctx, id, version));
  RecordState wanted = decision.approve ? RecordState::kListed : RecordState::kReturned;
  if (record.state == wanted) return record;
  if (record.state != RecordState::kWaiting) {
    return Error(StatusCode::kFailedPrecondition, "RECORD_NOT_WAITING",
                 "version {} of {} was reviewed already", version, id);
  }
  GF_TRY(AddEvidence(record, decision.evidence));
  if (decision.approve) {
    GF_TRY(CheckInUse(ctx, id));
    GF_TRY(CheckInclusion(record));
    GF_TRY(CheckBase(ctx, record));
  }
  record.state = wanted;
  record.review_comment = decision.comment;
  record.modified = clock_.Now();
  GF_TRY(store_.Replace(ctx, record, decision.approve));
  return record;
}

// A tombstone is the last word: of the dataset nothing is left, and nothing comes back.
Status Catalogue::CheckInUse(const Context& ctx, const std::string& id) {
  const auto current = store_.FindCurrent(ctx, id);
  if (current.status().code() == StatusCode::kNotFound) return absl::OkStatus();
  GF_TRY(current);
  if (current->state != RecordState::kWithdrawn) return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "DATASET_DECOMMISSIONED", "{} was taken out of use",
               id);
}

// Whoever came into the dataset meanwhile is not in this version, and would be lost without a word.
Status Catalogue::CheckBase(const Context& ctx, const DatasetRecord& record) {
  if (record.base_version == 0) return absl::OkStatus();
  GF_ASSIGN(const DatasetRecord current, store_.FindCurrent(ctx, record.id));
  if (current.state == RecordState::kListed && current.version == record.base_version)
    return absl::OkStatus();
  return Error(StatusCode::kFailedPrecondition, "BASE_NOT_LISTED",
               "version {} goes on from version {}, which is not the listed one; send it back, so "
               "that it is submitted "
               "again",
               record.version, record.base_version);
}

Status Catalogue::Activate(const Context& ctx, const std::string& id, std::int32_t version,
                           const std::string& reason) {
  GF_ASSIGN(DatasetRecord record, store_.Find(ctx, id, version));
  if (record.state == RecordState::kListed) return absl::OkStatus();
  if (record.state != RecordState::kSuperseded) {
    return Error(StatusCode::kFailedPrecondition, "VERSION_NOT_LISTED_BEFORE",
                 "version {} of {} was never listed", version, id);
  }
  GF_TRY(CheckInUse(ctx, id));
  record.state = RecordState::kListed;
  record.review_comment = reason;
  record.modified = clock_.Now();
  return store_.Replace(ctx, record, true);
}

Status Catalogue::Withdraw(const Context& ctx, const std::string& id, const std::string& reason) {
  GF_ASSIGN(DatasetRecord record, store_.FindCurrent(ctx, id));
  if (record.state == RecordState::kWithdrawn) return absl::OkStatus();
  // The hub never heard of a dataset that was not listed.
  const bool announce = record.state == RecordState::kListed;
  record.state = RecordState::kWithdrawn;
  record.review_comment = reason;
  record.modified = clock_.Now();
  return store_.Replace(ctx, record, announce);
}

Status Catalogue::TakeAnnouncement(const Context& ctx, const std::string& country,
                                   DatasetRecord record) {
  if (record.country != country) {
    return Error(StatusCode::kPermissionDenied, "COUNTRY_MISMATCH",
                 "a node announces its own country's datasets only");
  }
  GF_TRY(Validate(record));
  auto current = store_.FindCurrent(ctx, record.id);
  if (current.ok() && current->modified >= record.modified) {
    return absl::OkStatus();  // delivered twice, or overtaken
  }
  if (!current.ok() && current.status().code() != StatusCode::kNotFound) return current.status();
  return store_.Replace(ctx, record, false);
}

Result<Catalogue::Page> Catalogue::List(const Context& ctx, const std::string& text,
                                        const std::string& country, bool all, int page_size,
                                        const std::string& page_token) {
  RecordFilter filter;
  for (std::string_view word : Split(text, ' ')) {
    if (!Trim(word).empty()) filter.words.push_back(ToLower(Trim(word)));
  }
  if (filter.words.size() > kMaxWords || text.size() > 1000) {
    return InvalidField("text", "QUERY_TOO_LONG", "at most {} words", kMaxWords);
  }
  filter.country = country;
  filter.only_listed = !all;
  filter.after_id = page_token;
  int size = page_size <= 0 ? kDefaultPage : std::min(page_size, kMaxPage);
  filter.limit = size + 1;
  Page page;
  GF_ASSIGN(page.records, store_.List(ctx, filter));
  GF_ASSIGN(page.total, store_.CountListed(ctx, filter));
  if (page.records.size() > static_cast<std::size_t>(size)) {
    page.records.resize(static_cast<std::size_t>(size));
    page.next_page_token = page.records.back().id;
  }
  return page;
}

Result<DatasetRecord> Catalogue::Get(const Context& ctx, const std::string& id, bool all) {
  GF_ASSIGN(DatasetRecord record, store_.FindCurrent(ctx, id));
  const bool is_public =
      record.state == RecordState::kListed || record.state == RecordState::kWithdrawn;
  if (!is_public && !all) {
    return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no dataset {} is listed", id);
  }
  return record;
}

}  // namespace genofed::catalogue
