// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "libs/sql/lease.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

// The table of work items, for sql::LeaseLoop.
inline constexpr char kJobs[] = "jobs";

class SqlSubmissionStore final : public SubmissionStore {
 public:
  explicit SqlSubmissionStore(sql::Database& database) : database_(database) {}

  Result<Submission> Create(const Context& ctx, const Submission& submission, const std::string& key) override;
  Result<Submission> Find(const Context& ctx, const std::string& id) override;
  Result<std::vector<Submission>> List(const Context& ctx, const std::optional<User>& of) override;
  Result<UploadedFile> FindFile(const Context& ctx, const std::string& id, const FileRef& file) override;
  Result<std::vector<UploadedFile>> Files(const Context& ctx, const std::string& id) override;
  Status GrowFile(const Context& ctx, const std::string& id, const FileRef& file, std::int64_t size) override;
  Status SealFile(const Context& ctx, const std::string& id, const UploadedFile& file) override;
  Status DropFile(const Context& ctx, const std::string& id, const std::string& name) override;
  Status Start(const Context& ctx, const Submission& submission) override;
  Result<std::vector<Submission>> OpenSince(const Context& ctx, Time before) override;
  Status Expire(const Context& ctx, const Submission& submission) override;
  Result<Description> LastDescription(const Context& ctx, const std::string& dataset) override;
  Result<Report> FindReport(const Context& ctx, const std::string& id) override;
  Result<std::vector<ObjectRecord>> PublishedObjects(const Context& ctx, const std::string& dataset,
                                                     std::int32_t version, Holder* holder) override;

 private:
  // An open submission leaves that state, together with its work item.
  Status Close(const Context& ctx, const Submission& submission);

  sql::Database& database_;
};

// For one lease. Every write first makes sure, in its own transaction, that the lease still holds.
class SqlRunStore final : public RunStore {
 public:
  SqlRunStore(sql::Database& database, const sql::LeaseTable& leases, sql::Lease lease)
      : database_(database), leases_(leases), lease_(std::move(lease)) {}

  Result<Submission> Load(const Context& ctx) override;
  Status Save(const Context& ctx, const Submission& submission) override;
  Result<std::int32_t> ReserveVersion(const Context& ctx) override;
  Result<std::vector<ObjectRecord>> Objects(const Context& ctx) override;
  Status PlanObject(const Context& ctx, const std::string& object) override;
  Status AddObject(const Context& ctx, const ObjectRecord& object) override;
  Status MarkHeaderStored(const Context& ctx, const std::string& object) override;
  Status DropQuarantine(const Context& ctx) override;
  Status DropObjects(const Context& ctx) override;
  Result<Snapshot> FindSnapshot(const Context& ctx, std::int32_t version) override;
  Status AddSnapshot(const Context& ctx, const Snapshot& snapshot) override;
  Result<std::vector<UploadedFile>> Inputs(const Context& ctx) override;
  Status AddReport(const Context& ctx, const Report& report) override;
  Result<std::vector<ObjectRecord>> AllObjects(const Context& ctx) override;
  Status DropAllObjects(const Context& ctx) override;

 private:
  sql::Database& database_;
  const sql::LeaseTable& leases_;
  const sql::Lease lease_;
};

}  // namespace genofed::onboarding
