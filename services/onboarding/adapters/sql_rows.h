// SPDX-License-Identifier: Apache-2.0
// Rows of this service's tables, shared by its stores.
#pragma once

#include "libs/sql/database.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

// The columns that ReadSubmission and ReadObject expect, as literals that SQL statements can be joined from.
#define GF_SUBMISSION_COLUMNS                                                                          \
  "document, issuer, subject, organisation, version, started, index_sha256, individuals_sha256"
#define GF_OBJECT_COLUMNS                                                                              \
  "o.id, o.submission, o.role, o.name, o.plain_size, o.plain_sha256, o.body_size, o.body_sha256, "     \
  "o.header, o.header_stored, o.created"
inline constexpr int kObjectColumns = 11;
#define GF_FILE_COLUMNS "kind, name, size, sha256, crypt4gh"

std::string ToDocument(const Submission& submission);
// DataLoss SUBMISSION_UNREADABLE.
Result<Submission> ReadSubmission(const sql::Row& row);
ObjectRecord ReadObject(const sql::Row& row);
UploadedFile ReadUploadedFile(const sql::Row& row);
// In the order of kinds and names.
Result<std::vector<UploadedFile>> FindFiles(sql::Tx& tx, const std::string& submission);
Result<Submission> FindSubmission(sql::Tx& tx, const std::string& id);
// OK when the holder may publish versions of the dataset: nobody else has, or it is the same organisation.
Status CheckHolder(sql::Tx& tx, const Holder& holder, const std::string& dataset);

}  // namespace genofed::onboarding
