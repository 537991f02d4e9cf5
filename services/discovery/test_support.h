// SPDX-License-Identifier: Apache-2.0
// Helpers of this service's tests: a small cohort on disk, and a consent service that can be told
// anything.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/genomics/cohort_index.h"
#include "services/discovery/app/ports.h"
#include "services/discovery/app/record_access.h"

namespace genofed::discovery {

struct TestSite {
  genomics::Variant variant;
  genomics::CarrierSets sets;
};

// Writes index and individuals to <data_dir>/<dataset>/<version>; empty `people`: no file of
// individuals.
inline Publication WriteCohort(const std::filesystem::path& data_dir, const std::string& dataset,
                               std::int32_t version, std::uint32_t rows,
                               const std::vector<TestSite>& sites,
                               const std::vector<genomics::Individual>& people = {},
                               genomics::Assembly assembly = genomics::Assembly::kGrch38) {
  Publication publication;
  publication.dataset = dataset;
  publication.version = version;
  publication.assembly = genomics::AssemblyName(assembly);
  const std::string path = dataset + "/" + std::to_string(version);
  const auto directory = data_dir / path;
  std::filesystem::create_directories(directory);
  genomics::IndexInfo info;
  info.dataset = dataset;
  info.version = std::to_string(version);
  info.assembly = assembly;
  info.n_people = rows;
  auto builder = genomics::SegmentBuilder::Create(directory, info);
  GF_CHECK(builder.ok());
  for (const TestSite& site : sites) GF_CHECK((*builder)->Add(site.variant, site.sets).ok());
  auto summary = (*builder)->Finish();
  GF_CHECK(summary.ok());
  publication.segments = {{path, summary->manifest_sha256}};
  if (people.empty()) return publication;
  publication.individuals_path = path + "/" + genomics::kIndividualsFile;
  GF_CHECK(genomics::WriteIndividuals(data_dir / publication.individuals_path, people).ok());
  auto content = ReadFile(data_dir / publication.individuals_path);
  GF_CHECK(content.ok());
  publication.individuals_sha256 = HexEncode(crypto::Sha256(*content));
  return publication;
}

// A floor of five and exact counts, so that answers can be compared with what the data hold.
inline disclosure::Policy FloorOfFive() {
  disclosure::Policy policy = disclosure::NoControl();
  policy.floor = 5;
  return policy;
}

// What a member of the network says, waited for.
template <typename T>
Result<T> Wait(const std::function<void(NodeClient::Done<T>)>& call) {
  auto said = std::make_shared<std::promise<Result<T>>>();
  call([said](Result<T> result) { said->set_value(std::move(result)); });
  return said->get_future().get();
}
inline Result<Answer> AskAndWait(NodeClient& node, const Context& ctx, const Query& query) {
  return Wait<Answer>([&](auto done) { node.Ask(ctx, query, std::move(done)); });
}

class FakeBudgetStore final : public BudgetStore {
 public:
  Result<Charged> Charge(const Context&, const std::string& account,
                         const std::vector<Spending>& spendings,
                         const std::map<std::string, double>&, Time) override {
    if (!up) return Error(StatusCode::kUnavailable, "SQL_UNAVAILABLE", "down");
    Charged result;
    // As the real one: no question twice, and nothing more than what had to be left.
    std::set<std::pair<std::string, std::string>> questions;
    std::map<std::string, double> told, left;
    for (const Spending& spending : spendings) {
      EXPECT_TRUE(questions.emplace(spending.dataset, spending.question).second) << "asked twice";
      told[spending.dataset] += spending.nats;
      left[spending.dataset] = std::max(left[spending.dataset], spending.worst);
    }
    for (const auto& [dataset, nats] : told) {
      // The catalogue works out by itself what it may take.
      if (account != kCatalogueAccount) {
        EXPECT_LE(nats, left[dataset] * (1 + 1e-9));
      }
    }
    for (const Spending& spending : spendings) {
      if (spent_out.contains(spending.dataset)) {
        result.refused[spending.dataset] = std::chrono::seconds(7);
      } else {
        charged[account].push_back(spending);
      }
    }
    return result;
  }
  Status Settle(const Context&, const std::vector<Settlement>&, Time) override {
    return absl::OkStatus();
  }
  Status Forget(const Context&, Time) override { return absl::OkStatus(); }

  bool up = true;
  std::set<std::string> spent_out;
  std::map<std::string, std::vector<Spending>> charged;
};

class FakeAuditStore final : public AuditStore {
 public:
  Status Append(const Context&, const std::vector<AuditEntry>& added) override {
    if (!up) return Error(StatusCode::kUnavailable, "SQL_UNAVAILABLE", "down");
    entries.insert(entries.end(), added.begin(), added.end());
    return absl::OkStatus();
  }
  Result<std::vector<AuditRow>> ReadAudit(const Context&) override {
    return std::vector<AuditRow>();
  }

  bool up = true;
  std::vector<AuditEntry> entries;
};

class FakePublicationStore final : public PublicationStore {
 public:
  Status Add(const Context&, const Publication& publication) override {
    all.push_back(publication);
    return absl::OkStatus();
  }
  Status Replace(const Context&, const Publication&) override { return absl::OkStatus(); }
  Result<std::vector<Publication>> List(const Context&) override { return all; }

  std::vector<Publication> all;
};

// Lists everything but what a test takes off.
class FakeListing final : public ListingClient {
 public:
  Result<std::set<DatasetVersion>> Listed(const Context&,
                                          const std::set<DatasetVersion>& versions) override {
    if (!up) return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "down");
    std::set<DatasetVersion> listed;
    for (const DatasetVersion& version : versions) {
      if (!unlisted.contains(version)) listed.insert(version);
    }
    return listed;
  }
  bool up = true;
  std::set<DatasetVersion> unlisted;
};

// Permits everything to everybody until told otherwise.
class FakeConsent final : public ConsentClient {
 public:
  Result<std::int64_t> Epoch(const Context&) override {
    if (!up) return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "down");
    return epoch;
  }
  Result<PermittedRows> Permitted(const Context&, const std::string& dataset, std::int32_t version,
                                  Permission permission) override {
    ++fetches;
    if (!up) return Error(StatusCode::kUnavailable, "PEER_UNAVAILABLE", "down");
    auto found = rows.find(dataset);
    if (found == rows.end())
      return Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "version {}", version);
    PermittedRows permitted{cohort_epoch.value_or(epoch), found->second,
                            std::string((found->second + 7) / 8, '\xff')};
    for (std::uint32_t row : withdrawn[permission]) {
      permitted.bits[row / 8] = static_cast<char>(permitted.bits[row / 8] & ~(1 << (row % 8)));
    }
    return permitted;
  }

  bool up = true;
  std::int64_t epoch = 1;
  std::optional<std::int64_t> cohort_epoch;
  int fetches = 0;
  std::map<std::string, std::uint32_t> rows;  // datasets it knows
  std::map<Permission, std::vector<std::uint32_t>> withdrawn;
};

// Consent's answers for projects: as those of `consent`, for secondary use.
class FakeProjectConsent final : public ProjectConsent {
 public:
  explicit FakeProjectConsent(FakeConsent& consent) : consent_(consent) {}

  Result<ProjectCohort> Take(const Context& ctx, const std::string& dataset, std::int32_t version,
                             const std::string& purpose_code) override {
    purposes.push_back(purpose_code);
    GF_ASSIGN(auto people, consent_.Permitted(ctx, dataset, version, Permission::kSecondaryUse));
    const std::string name = fmt::format("snapshot-{}", people.epoch);
    return ProjectCohort{std::move(people), name, std::string(64, 'a'), 128};
  }
  Status Log(const Context&, const std::string& key, const ledger::Entry& entry) override {
    if (!logs) return Error(StatusCode::kUnavailable, "LEDGER_FROZEN", "frozen");
    GF_TRY(ledger::EncodeEntry(entry));
    entries.emplace(key, entry);
    return absl::OkStatus();
  }

  bool logs = true;
  std::map<std::string, ledger::Entry> entries;  // by key
  std::vector<std::string> purposes;             // that were asked for

 private:
  FakeConsent& consent_;
};

}  // namespace genofed::discovery
