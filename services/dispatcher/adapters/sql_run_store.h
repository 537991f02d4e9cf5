// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libs/sql/database.h"
#include "services/dispatcher/app/hub_ports.h"

namespace genofed::dispatcher {

class SqlRunStore final : public RunStore {
 public:
  explicit SqlRunStore(sql::Database& database) : database_(database) {}

  Result<Run> Add(const Context& ctx, const Run& run, const std::string& key) override;
  Result<std::optional<Run>> FindByKey(const Context& ctx, const Owner& owner,
                                       const std::string& key) override;
  Result<Run> Find(const Context& ctx, const std::string& id) override;
  Result<Run> FindByPart(const Context& ctx, const std::string& part) override;
  Result<std::vector<Run>> List(const Context& ctx, const Owner& owner, const std::string& before,
                                int limit) override;
  Result<Run> Change(const Context& ctx, const std::string& id,
                     const std::function<Status(Run&)>& change) override;
  Result<std::vector<OpenPart>> FetchOpen(const Context& ctx, const std::string& site,
                                          const std::vector<std::string>& known, int limit,
                                          Time now) override;
  Status PutOutputs(const Context& ctx, const std::string& part,
                    const std::vector<OutputFile>& files) override;
  Result<std::vector<std::string>> OutputNames(const Context& ctx,
                                               const std::string& part) override;
  Result<std::vector<PartOutput>> PartOutputs(const Context& ctx, const std::string& run) override;
  Result<std::vector<std::string>> Unfinished(const Context& ctx, bool only_ended) override;
  Status Finish(const Context& ctx, const Run& run,
                const std::vector<OutputFile>& outputs) override;
  Result<std::string> Output(const Context& ctx, const std::string& run,
                             const std::string& name) override;

 private:
  sql::Database& database_;
};

}  // namespace genofed::dispatcher
