// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/sql_rows.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <tuple>

#include "services/onboarding/adapters/proto_mapping.h"

namespace genofed::onboarding {

std::string ToDocument(const Submission& submission) {
  std::string json;
  GF_CHECK(google::protobuf::util::MessageToJsonString(ToProto(submission), &json).ok());
  return json;
}

Result<Submission> ReadSubmission(const sql::Row& row) {
  v1::Submission document;
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // written by a later version of this service
  if (!google::protobuf::util::JsonStringToMessage(row.Text(0), &document, options).ok()) {
    return Error(StatusCode::kDataLoss, "SUBMISSION_UNREADABLE", "a stored submission cannot be read");
  }
  Submission submission = FromProto(document);
  submission.holder = {row.Text(1), row.Text(2), row.Text(3)};
  submission.version = static_cast<std::int32_t>(row.Int(4));
  submission.started = row.OptionalTime(5);
  submission.index_sha256 = row.Text(6);
  submission.individuals_sha256 = row.Text(7);
  return submission;
}

ObjectRecord ReadObject(const sql::Row& row) {
  ObjectRecord object;
  object.id = row.Text(0);
  object.submission = row.Text(1);
  object.role = row.Text(2);
  object.name = row.Text(3);
  object.plain_size = row.Int(4);
  object.plain_sha256 = row.Text(5);
  object.body_size = row.Int(6);
  object.body_sha256 = row.Text(7);
  object.header = row.BytesAt(8);
  object.header_stored = row.Bool(9);
  object.created = row.TimeAt(10);
  return object;
}

UploadedFile ReadUploadedFile(const sql::Row& row) {
  UploadedFile file;
  for (FileKind kind : kFileKinds) {
    if (KindName(kind) == row.Text(0)) file.kind = kind;
  }
  file.name = row.Text(1);
  file.size = row.Int(2);
  file.sealed = !row.IsNull(3);
  file.sha256 = row.Text(3);
  file.crypt4gh = row.Bool(4);
  return file;
}

Result<std::vector<UploadedFile>> FindFiles(sql::Tx& tx, const std::string& submission) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_FILE_COLUMNS " FROM files WHERE submission = $1", submission));
  std::vector<UploadedFile> files;
  for (sql::Row row : rows) files.push_back(ReadUploadedFile(row));
  // By bytes, whatever the collation of the database.
  std::sort(files.begin(), files.end(), [](const UploadedFile& a, const UploadedFile& b) {
    return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  return files;
}

Result<Submission> FindSubmission(sql::Tx& tx, const std::string& id) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT " GF_SUBMISSION_COLUMNS " FROM submissions WHERE id = $1", id));
  if (rows.empty()) return Error(StatusCode::kNotFound, "SUBMISSION_UNKNOWN", "there is no such submission");
  return ReadSubmission(rows[0]);
}

Status CheckHolder(sql::Tx& tx, const Holder& holder, const std::string& dataset) {
  GF_ASSIGN(auto rows, tx.Exec("SELECT issuer, subject, organisation FROM submissions "
                               "WHERE dataset = $1 AND state = 'published' ORDER BY version DESC LIMIT 1",
                               dataset));
  if (rows.empty()) return absl::OkStatus();
  User user;
  user.issuer = holder.issuer;
  user.subject = holder.subject;
  user.organisation = holder.organisation;
  if (Holder{rows[0].Text(0), rows[0].Text(1), rows[0].Text(2)}.Is(user)) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "DATASET_OF_ANOTHER_HOLDER",
               "versions of {} are published by another holder", dataset);
}

}  // namespace genofed::onboarding
