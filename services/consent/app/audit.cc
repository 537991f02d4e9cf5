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
constexpr std::chrono::hours kLookAtAll{24};
constexpr int kSweepBatches = 100;  // a second's work, at most

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

// Takes up to kBatch entries into the index; returns how many it has then.
Result<std::int64_t> IndexSome(Transaction& tx) {
  GF_ASSIGN(const std::int64_t from, tx.audit().Indexed());
  GF_ASSIGN(const auto stored, tx.ledger().List(from, kBatch));
  std::vector<AuditRow> rows;
  for (const StoredEntry& entry : stored) {
    GF_ASSIGN(AuditRow row, RowOf(entry));
    rows.push_back(std::move(row));
  }
  if (!rows.empty()) GF_TRY(tx.audit().Index(rows));
  return from + static_cast<std::int64_t>(rows.size());
}

// And the same people: who corrects a notice publishes another one.
bool SameWords(const NoticeRow& a, const NoticeRow& b) {
  return a.title == b.title && a.what_happened == b.what_happened && a.consequences == b.consequences &&
         a.measures == b.measures && a.contact == b.contact && a.datasets == b.datasets;
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

Status CatchUp(const Context& ctx, Store& store, Ledger& ledger) {
  GF_ASSIGN(const std::int64_t size, ledger.Size(ctx));
  std::int64_t indexed = 0;
  GF_TRY(store.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(indexed, tx.audit().Indexed());
    return absl::OkStatus();
  }));
  for (std::int64_t before = -1; indexed < size && indexed != before;) {
    GF_TRY(ctx.Alive());
    before = indexed;
    GF_TRY(store.WriteAside(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(indexed, IndexSome(tx));
      return absl::OkStatus();
    }));
  }
  return absl::OkStatus();
}

Result<Audit::Page> Audit::Fill(const Context& ctx, Transaction& tx, std::vector<AuditRow> rows,
                                int limit) {
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
    GF_TRY(ledger_.CheckRows(ctx, stored));
    bytes += stored[0].entry.size();
    page.entries.push_back({std::move(row), std::move(stored[0].entry)});
  }
  return page;
}

Result<Audit::Page> Audit::Search(const Context& ctx, const AuditQuery& query, std::int64_t before, int limit) {
  GF_TRY(CatchUp(ctx, store_, ledger_));
  limit = limit <= 0 ? 100 : std::min(limit, kMaxPage);
  Page page;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto rows, tx.audit().Newest(query, before, limit + 1));
    GF_ASSIGN(page, Fill(ctx, tx, std::move(rows), limit));
    return absl::OkStatus();
  }));
  // The page that follows begins before the last of this one.
  if (page.next >= 0) page.next = page.entries.back().row.index;
  return page;
}

Result<Audit::Page> Audit::Export(const Context& ctx, const AuditQuery& query, std::int64_t start, int limit) {
  GF_TRY(CatchUp(ctx, store_, ledger_));
  limit = limit <= 0 ? kMaxPage : std::min(limit, kMaxPage);
  Page page;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto rows, tx.audit().Oldest(query, start, limit + 1));
    GF_ASSIGN(page, Fill(ctx, tx, std::move(rows), limit));
    return absl::OkStatus();
  }));
  return page;
}

Status Audit::Sweep(const Context& ctx) {
  GF_ASSIGN(const std::int64_t size, ledger_.Size(ctx));
  const Time now = clock_.Now();
  std::int64_t next = 0;
  {
    MutexLock lock(mutex_);
    if (!sweep_began_ || now < *sweep_began_ ||
        (swept_ >= size && now - *sweep_began_ >= kLookAtAll)) {
      sweep_began_ = now;
      swept_ = 0;
    }
    next = swept_;
  }
  for (int batch = 0; batch < kSweepBatches && next < size; ++batch) {
    GF_TRY(ctx.Alive());
    std::vector<StoredEntry> rows;
    GF_TRY(ledger_.CheckRead(ctx, store_.Read(ctx, [&](Transaction& tx) -> Status {
      GF_ASSIGN(rows, tx.ledger().List(next, kBatch));
      return absl::OkStatus();
    })));
    const std::int64_t end = std::min(size, next + kBatch);
    GF_TRY(ledger_.CheckRows(ctx, rows, next, end));
    next = end;
    MutexLock lock(mutex_);
    swept_ = next;
  }
  return absl::OkStatus();
}

Status Audit::Judge(Transaction& tx, Judged& judged) {
  const auto problem = [&judged](std::string text) {
    if (judged.problems.size() < kMaxProblems) judged.problems.push_back(std::move(text));
  };
  for (;;) {
    GF_ASSIGN(const auto rows, tx.audit().Releases(judged.next, kBatch));
    std::vector<std::string> runs;
    for (const AuditRow& row : rows) {
      if (*row.releases <= judged.logged) {
        problem(fmt::format("the counter falls from {} to {} at entry {}", judged.logged,
                            *row.releases, row.index));
      }
      judged.logged = *row.releases;
      judged.next = row.index + 1;
      if (!row.run.empty()) runs.push_back(row.run);
    }
    GF_ASSIGN(const auto logged, tx.audit().RunsWith("run", runs));
    const std::set<std::string> known(logged.begin(), logged.end());
    for (const AuditRow& row : rows) {
      if (!row.run.empty() && !known.contains(row.run))
        problem(fmt::format("entry {} releases keys for run {}, which is not logged", row.index, row.run));
    }
    if (rows.size() < static_cast<std::size_t>(kBatch)) return absl::OkStatus();
  }
}

Result<Reconciliation> Audit::Reconcile(const Context& ctx) {
  GF_TRY(CatchUp(ctx, store_, ledger_));
  Reconciliation result;
  result.checked = clock_.Now();
  Judged known;
  bool all = true;
  {
    MutexLock lock(mutex_);
    all = !looked_at_all_ || result.checked < *looked_at_all_ ||
          result.checked - *looked_at_all_ >= kLookAtAll;
    if (!all) known = good_;
  }
  // What is logged does not change: most of it is looked at while others write.
  Judged most;
  GF_TRY(store_.Read(ctx, [&](Transaction& tx) -> Status {
    most = known;
    return Judge(tx, most);
  }));
  GF_TRY(CatchUp(ctx, store_, ledger_));
  // The rest within a writing transaction, which no release can be in the middle of.
  Judged judged;
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    judged = most;
    for (std::int64_t before = -1, indexed = 0; indexed != before;) {
      before = indexed;
      GF_ASSIGN(indexed, IndexSome(tx));
    }
    GF_TRY(Judge(tx, judged));
    GF_ASSIGN(result.released, tx.headers().Releases());
    return absl::OkStatus();
  });
  GF_TRY(written);
  result.logged = judged.logged;
  if (result.released != result.logged) {
    judged.problems.push_back(
        fmt::format("the key service counts {} released headers, and the ledger {}",
                    result.released, result.logged));
  }
  result.accounted = judged.problems.empty();
  result.problems = judged.problems;
  MutexLock lock(mutex_);
  // While there is a problem, everything is looked at every time.
  if (!result.accounted) {
    looked_at_all_.reset();
  } else {
    if (all) looked_at_all_ = result.checked;
    good_ = std::move(judged);
  }
  return result;
}

Result<NoticeRow> Audit::Publish(const Context& ctx, NoticeRow notice) {
  GF_TRY(CheckNotice(notice));
  notice.id = "notice-" + HexEncode(random_.Bytes(8));
  notice.published = clock_.Now();
  const Status written = ledger_.Write(ctx, [&](Transaction& tx) -> Status {
    GF_ASSIGN(auto known, tx.audit().FindNotice(notice.idempotency_key));
    if (known) {
      if (!SameWords(*known, notice))
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
