// SPDX-License-Identifier: Apache-2.0
#include "services/consent/app/audit.h"

#include <algorithm>
#include <limits>
#include <set>

#include "libs/core/strings.h"
#include "libs/ledger/entry.h"

namespace genofed::consent {
namespace {

constexpr int kBatch = 1000;
constexpr std::size_t kMaxNoticeText = 4000;
constexpr std::size_t kMaxNoticeDatasets = 1000;
constexpr std::size_t kMaxProblems = 20;

Result<AuditRow> RowOf(const StoredEntry& stored) {
  GF_ASSIGN(const ledger::Entry entry, ledger::DecodeEntry(stored.entry));
  AuditRow row{stored.index,
               stored.appended,
               std::string(ledger::KindName(entry.kind)),
               entry.Field("project"),
               entry.Field("organisation"),
               entry.Field("dataset"),
               entry.Field("application"),
               entry.Field("run"),
               std::nullopt};
  if (const auto releases = entry.numbers.find("releases"); releases != entry.numbers.end())
    row.releases = releases->second;
  return row;
}

Status CheckNotice(const NoticeRow& notice) {
  const auto text = [](const std::string& value, std::string_view field, bool required) -> Status {
    if ((required && value.empty()) || value.size() > kMaxNoticeText || !IsUtf8(value))
      return InvalidField("notice." + std::string(field), "NOTICE_INVALID", "must be text of at most {} bytes",
                          kMaxNoticeText);
    return absl::OkStatus();
  };
  // What GDPR Art. 34(2) wants to be said.
  GF_TRY(text(notice.title, "title", true));
  GF_TRY(text(notice.what_happened, "what_happened", true));
  GF_TRY(text(notice.consequences, "consequences", true));
  GF_TRY(text(notice.measures, "measures", true));
  GF_TRY(text(notice.contact, "contact", true));
  if (notice.idempotency_key.empty() || notice.idempotency_key.size() > 256 || !IsUtf8(notice.idempotency_key))
    return InvalidField("idempotency_key", "NOTICE_INVALID", "must be text of 1 to 256 bytes");
  if (notice.datasets.size() > kMaxNoticeDatasets)
    return InvalidField("notice.datasets", "NOTICE_INVALID", "at most {}", kMaxNoticeDatasets);
  for (const std::string& dataset : notice.datasets) GF_TRY(Validate({dataset, 1}));
  return absl::OkStatus();
}

}  // namespace

Status Audit::CatchUp(const Context& ctx) {
  GF_ASSIGN(const std::int64_t size, ledger_.Size(ctx));
  bool more = true;
  while (more) {
    GF_TRY(ctx.Alive());
    GF_TRY(store_.WriteAside(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(const std::int64_t from, tx.audit().Indexed());
      GF_ASSIGN(auto stored, tx.ledger().List(from, kBatch));
      std::vector<AuditRow> rows;
      for (const StoredEntry& entry : stored) {
        GF_ASSIGN(AuditRow row, RowOf(entry));
        rows.push_back(std::move(row));
      }
      more = from + static_cast<std::int64_t>(rows.size()) < size && !rows.empty();
      return rows.empty() ? absl::OkStatus() : tx.audit().Index(rows);
    }));
  }
  return absl::OkStatus();
}

Result<Audit::Page> Audit::Fill(Transaction& tx, std::vector<AuditRow> rows, int limit) {
  Page page;
  if (rows.size() > static_cast<std::size_t>(limit)) {
    page.next = rows[static_cast<std::size_t>(limit)].index;
    rows.resize(static_cast<std::size_t>(limit));
  }
  std::size_t bytes = 0;
  for (AuditRow& row : rows) {
    if (bytes > kMaxPageBytes) {
      page.next = row.index;
      break;
    }
    GF_ASSIGN(auto stored, tx.ledger().List(row.index, 1));
    if (stored.empty() || stored[0].index != row.index)
      return Error(StatusCode::kDataLoss, "LEDGER_BROKEN", "entry {} of the ledger is missing", row.index);
    bytes += stored[0].entry.size();
    page.entries.push_back({std::move(row), std::move(stored[0].entry)});
  }
  return page;
}

Result<Audit::Page> Audit::Search(const Context& ctx, const AuditQuery& query, std::int64_t before, int limit) {
  GF_TRY(CatchUp(ctx));
  limit = limit <= 0 ? 100 : std::min(limit, kMaxPage);
  Page page;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto rows, tx.audit().Newest(query, before, limit + 1));
    GF_ASSIGN(page, Fill(tx, std::move(rows), limit));
    return absl::OkStatus();
  }));
  // The page that follows begins before the last of this one.
  if (page.next >= 0) page.next = page.entries.back().row.index;
  return page;
}

Result<Audit::Page> Audit::Export(const Context& ctx, const AuditQuery& query, std::int64_t start, int limit) {
  GF_TRY(CatchUp(ctx));
  limit = limit <= 0 ? kMaxPage : std::min(limit, kMaxPage);
  Page page;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto rows, tx.audit().Oldest(query, start, limit + 1));
    GF_ASSIGN(page, Fill(tx, std::move(rows), limit));
    return absl::OkStatus();
  }));
  return page;
}

Status Audit::Judge(Transaction& tx, Reconciliation& result) {
  const auto problem = [&result](std::string text) {
    if (result.problems.size() < kMaxProblems) result.problems.push_back(std::move(text));
  };
  GF_ASSIGN(result.released, tx.headers().Releases());
  result.logged = 0;
  for (std::int64_t start = 0;;) {
    GF_ASSIGN(const auto rows, tx.audit().Releases(start, kBatch));
    std::vector<std::string> runs;
    for (const AuditRow& row : rows) {
      if (*row.releases <= result.logged) {
        problem(fmt::format("the counter falls from {} to {} at entry {}", result.logged, *row.releases, row.index));
      }
      result.logged = *row.releases;
      if (!row.run.empty()) runs.push_back(row.run);
    }
    GF_ASSIGN(const auto logged, tx.audit().RunsWith("run", runs));
    const std::set<std::string> known(logged.begin(), logged.end());
    for (const AuditRow& row : rows) {
      if (!row.run.empty() && !known.contains(row.run))
        problem(fmt::format("entry {} releases keys for run {}, which is not logged", row.index, row.run));
    }
    if (rows.size() < static_cast<std::size_t>(kBatch)) break;
    start = rows.back().index + 1;
  }
  if (result.released != result.logged) {
    problem(
        fmt::format("the key service counts {} released headers, and the ledger {}", result.released, result.logged));
  }
  return absl::OkStatus();
}

Result<Reconciliation> Audit::Reconcile(const Context& ctx) {
  GF_TRY(CatchUp(ctx));
  Reconciliation result;
  result.checked = clock_.Now();
  // Within a writing transaction, which no release can be in the middle of.
  const Status judged = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    result.problems.clear();
    GF_ASSIGN(const std::int64_t from, tx.audit().Indexed());
    GF_ASSIGN(auto stored, tx.ledger().List(from, kBatch));
    std::vector<AuditRow> rows;
    for (const StoredEntry& entry : stored) {
      GF_ASSIGN(AuditRow row, RowOf(entry));
      rows.push_back(std::move(row));
    }
    if (!rows.empty()) GF_TRY(tx.audit().Index(rows));
    return Judge(tx, result);
  });
  GF_TRY(judged);
  result.accounted = result.problems.empty();
  return result;
}

Result<NoticeRow> Audit::Publish(const Context& ctx, NoticeRow notice) {
  GF_TRY(CheckNotice(notice));
  notice.id = "notice-" + HexEncode(random_.Bytes(8));
  notice.published = clock_.Now();
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto known, tx.audit().FindNotice(notice.idempotency_key));
    if (known) {
      if (known->title != notice.title || known->what_happened != notice.what_happened)
        return Error(StatusCode::kAlreadyExists, "NOTICE_KEY_REUSED", "another notice was published under this key");
      notice = *std::move(known);
      return absl::OkStatus();
    }
    GF_ASSIGN(notice.people, tx.consent().CountPeople(notice.datasets));
    return tx.audit().AddNotice(notice);
  });
  GF_TRY(written);
  return notice;
}

}  // namespace genofed::consent
