// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_submission_store.h"

#include "services/onboarding/adapters/sql_rows.h"

namespace genofed::onboarding {
namespace {

// Open submissions hold disk space; a person needs few at a time.
constexpr std::int64_t kMaxOpen = 20;

Status NotOpen() {
  return Error(StatusCode::kFailedPrecondition, "SUBMISSION_NOT_OPEN", "the submission takes no more files");
}

Result<std::vector<Submission>> ReadSubmissions(const sql::Rows& rows) {
  std::vector<Submission> submissions;
  for (sql::Row row : rows) {
    GF_ASSIGN(auto submission, ReadSubmission(row));
    submissions.push_back(std::move(submission));
  }
  return submissions;
}

}  // namespace

Result<Submission> SqlSubmissionStore::Create(const Context& ctx, const Submission& submission,
                                              const std::string& key) {
  const Holder& holder = submission.holder;
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Result<Submission> {
    GF_ASSIGN(auto known, tx.Exec("SELECT " GF_SUBMISSION_COLUMNS " FROM submissions "
                                  "WHERE issuer = $1 AND subject = $2 AND idempotency_key = $3",
                                  holder.issuer, holder.subject, key));
    if (!known.empty()) return ReadSubmission(known[0]);
    GF_TRY(CheckHolder(tx, holder, submission.dataset.id));
    GF_ASSIGN(auto open, tx.Exec("SELECT count(*) FROM submissions "
                                 "WHERE issuer = $1 AND subject = $2 AND state = 'open'",
                                 holder.issuer, holder.subject));
    if (open[0].Int(0) >= kMaxOpen) {
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_SUBMISSIONS", "{} submissions are open; start them first",
                   kMaxOpen);
    }
    GF_TRY(tx.Exec("INSERT INTO submissions (id, issuer, subject, organisation, idempotency_key, dataset, state, "
                   "document, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                   submission.id, holder.issuer, holder.subject, holder.organisation, key, submission.dataset.id,
                   StateName(submission.state), ToDocument(submission), submission.created));
    return submission;
  });
}

Result<Submission> SqlSubmissionStore::Find(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return FindSubmission(tx, id); });
}

Result<std::vector<Submission>> SqlSubmissionStore::List(const Context& ctx, const std::optional<User>& of) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Submission>> {
    User user = of.value_or(User());
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_SUBMISSION_COLUMNS " FROM submissions WHERE $1 OR (issuer = $2 AND "
                                 "(subject = $3 OR (organisation <> '' AND organisation = $4))) "
                                 "ORDER BY created DESC, id DESC LIMIT 200",
                                 !of.has_value(), user.issuer, user.subject, user.organisation));
    return ReadSubmissions(rows);
  });
}

Result<UploadedFile> SqlSubmissionStore::FindFile(const Context& ctx, const std::string& id, const FileRef& file) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<UploadedFile> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_FILE_COLUMNS " FROM files WHERE submission = $1 AND name = $2", id, file.name));
    if (!rows.empty()) return ReadUploadedFile(rows[0]);
    return UploadedFile{file.kind, file.name, 0, false, "", false};
  });
}

Result<std::vector<UploadedFile>> SqlSubmissionStore::Files(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) { return FindFiles(tx, id); });
}

Status SqlSubmissionStore::GrowFile(const Context& ctx, const std::string& id, const FileRef& file, std::int64_t size) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(auto others, tx.Exec("SELECT count(*) FROM files WHERE submission = $1 AND name <> $2", id, file.name));
    if (others[0].Int(0) >= static_cast<std::int64_t>(kMaxFiles)) {
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_FILES", "a submission has at most {} files", kMaxFiles);
    }
    GF_ASSIGN(auto rows,
              tx.Exec("INSERT INTO files (submission, kind, name, size) SELECT id, $2, $3, $4 FROM submissions "
                      "WHERE id = $1 AND state = 'open' ON CONFLICT (submission, name) DO UPDATE "
                      "SET size = greatest(files.size, excluded.size) WHERE files.sha256 IS NULL",
                      id, KindName(file.kind), file.name, size));
    return rows.affected() == 1 ? absl::OkStatus() : NotOpen();
  });
}

Status SqlSubmissionStore::SealFile(const Context& ctx, const std::string& id, const UploadedFile& file) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(auto rows, tx.Exec("UPDATE files SET sha256 = $4, crypt4gh = $5 WHERE submission = $1 AND name = $2 "
                                 "AND size = $3 AND sha256 IS NULL",
                                 id, file.name, file.size, file.sha256, file.crypt4gh));
    return rows.affected() == 1 ? absl::OkStatus() : NotOpen();
  });
}

Status SqlSubmissionStore::DropFile(const Context& ctx, const std::string& id, const std::string& name) {
  return database_.Transact(ctx, [&](sql::Tx& tx) {
    return tx.Exec("DELETE FROM files WHERE submission = $1 AND name = $2 AND sha256 IS NULL", id, name).status();
  });
}

Status SqlSubmissionStore::Close(const Context& ctx, const Submission& submission) {
  return database_.Transact(ctx, [&](sql::Tx& tx) -> Status {
    GF_ASSIGN(auto rows, tx.Exec("UPDATE submissions SET state = $2, document = $3, started = $4, finished = $5 "
                                 "WHERE id = $1 AND state = 'open'",
                                 submission.id, StateName(submission.state), ToDocument(submission),
                                 submission.started, submission.finished));
    if (rows.affected() == 0) return absl::OkStatus();  // somebody was faster
    return tx.Exec("INSERT INTO jobs (id) VALUES ($1)", submission.id).status();
  });
}

Status SqlSubmissionStore::Start(const Context& ctx, const Submission& submission) { return Close(ctx, submission); }
Status SqlSubmissionStore::Expire(const Context& ctx, const Submission& submission) { return Close(ctx, submission); }

Result<std::vector<Submission>> SqlSubmissionStore::OpenSince(const Context& ctx, Time before) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<Submission>> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_SUBMISSION_COLUMNS " FROM submissions WHERE state = 'open' "
                                 "AND created < $1 ORDER BY created LIMIT 100",
                                 before));
    return ReadSubmissions(rows);
  });
}

Result<std::vector<ObjectRecord>> SqlSubmissionStore::PublishedObjects(const Context& ctx, const std::string& dataset,
                                                                       std::int32_t version, Holder* holder) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<std::vector<ObjectRecord>> {
    GF_ASSIGN(auto found, tx.Exec("SELECT id, issuer, subject, organisation FROM submissions "
                                  "WHERE dataset = $1 AND version = $2 AND state = 'published'",
                                  dataset, version));
    if (found.empty()) {
      return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no version {} of {} is published", version, dataset);
    }
    *holder = {found[0].Text(1), found[0].Text(2), found[0].Text(3)};
    // What segments share comes from the submissions that added their people; all else is this version's own.
    GF_ASSIGN(auto rows,
              // A segment of which everybody was forgotten has none.
              tx.Exec("SELECT " GF_OBJECT_COLUMNS ", s.rows, s.first FROM objects o JOIN "
                      "(SELECT submission, rows, position, sum(rows) OVER (ORDER BY position) - rows AS first "
                      "FROM snapshot_segments WHERE dataset = $1 AND version = $2) s ON s.submission = o.submission "
                      "WHERE o.role IN ('genotypes', 'index') ORDER BY o.role, s.position",
                      dataset, version));
    std::vector<ObjectRecord> objects;
    for (sql::Row found_object : rows) {
      ObjectRecord object = ReadObject(found_object);
      object.rows = static_cast<std::int32_t>(found_object.Int(kObjectColumns));
      object.first_row = static_cast<std::int32_t>(found_object.Int(kObjectColumns + 1));
      objects.push_back(std::move(object));
    }
    GF_ASSIGN(auto others, tx.Exec("SELECT " GF_OBJECT_COLUMNS " FROM objects o WHERE o.submission = $1 "
                                   "AND o.role NOT IN ('genotypes', 'index', 'person-records') ORDER BY o.role",
                                   found[0].Text(0)));
    for (sql::Row other : others) objects.push_back(ReadObject(other));
    for (ObjectRecord& object : objects) object.header.clear();
    return objects;
  });
}

Result<Description> SqlSubmissionStore::LastDescription(const Context& ctx, const std::string& dataset) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Description> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_SUBMISSION_COLUMNS " FROM submissions WHERE dataset = $1 "
                                 "AND state = 'published' AND version IS NOT NULL ORDER BY version DESC LIMIT 1",
                                 dataset));
    if (rows.empty()) return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "no version of {} is published", dataset);
    GF_ASSIGN(Submission submission, ReadSubmission(rows[0]));
    return submission.dataset;
  });
}

Result<Report> SqlSubmissionStore::FindReport(const Context& ctx, const std::string& id) {
  return database_.Read(ctx, [&](sql::Tx& tx) -> Result<Report> {
    GF_ASSIGN(auto rows, tx.Exec("SELECT json, html, jws FROM reports WHERE submission = $1", id));
    if (rows.empty()) return Error(StatusCode::kNotFound, "REPORT_MISSING", "the submission was not judged yet");
    return Report{rows[0].Text(0), rows[0].Text(1), rows[0].Text(2)};
  });
}

}  // namespace genofed::onboarding
