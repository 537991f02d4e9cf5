// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/snapshot_files.h"

#include <nlohmann/json.hpp>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/onboarding/app/files.h"

namespace genofed::onboarding {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxTable = std::size_t{4} << 30;

json ToJson(const genomics::Individual& individual) {
  json out = {{"sex", genomics::SexTerm(individual.sex)}, {"terms", individual.terms}};
  if (individual.age_months) out["age_months"] = *individual.age_months;
  return out;
}

}  // namespace

Result<SnapshotContent> ReadContent(const Layout& layout, const Snapshot& snapshot) {
  const auto path = layout.SitePath(snapshot.individuals_path);
  GF_ASSIGN(std::string table, ReadFile(path, kMaxTable));
  if (HexEncode(crypto::Sha256(table)) != snapshot.individuals_sha256) {
    return Error(StatusCode::kDataLoss, "INDIVIDUALS_CORRUPT", "the table of individuals of version {} was changed",
                 snapshot.version);
  }
  SnapshotContent content;
  content.segments = snapshot.segments;
  GF_ASSIGN(content.individuals, genomics::ReadIndividuals(path));
  return content;
}

std::string FormatDiff(std::int32_t from, std::int32_t to, const SnapshotDiff& diff) {
  json out = {{"format", "genofed-snapshot-diff"}, {"from", from},
              {"to", to},                          {"segments_kept", diff.segments_kept},
              {"rows_kept", diff.rows_kept},       {"segments_added", json::array()},
              {"changed", json::array()},          {"added", json::array()}};
  for (const SegmentRef& segment : diff.segments_added) {
    out["segments_added"].push_back({{"submission", segment.submission},
                                     {"index_path", segment.index_path},
                                     {"manifest_sha256", segment.manifest_sha256},
                                     {"rows", segment.rows}});
  }
  for (const auto& [row, individual] : diff.changed) {
    json changed = ToJson(individual);
    changed["row"] = row;
    out["changed"].push_back(std::move(changed));
  }
  for (const genomics::Individual& individual : diff.added) out["added"].push_back(ToJson(individual));
  return out.dump() + "\n";
}

Result<std::string> WriteTables(const Context& ctx, const Layout& layout, const Submission& submission,
                                const VersionTables& tables) {
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(layout.Scratch()));
  const std::filesystem::path dir = layout.Index(submission.dataset.id, submission.version);
  GF_TRY(MakeDirectory(dir));
  const auto individuals = scratch / genomics::kIndividualsFile;
  GF_TRY(genomics::WriteIndividuals(individuals, tables.individuals));
  GF_ASSIGN(const std::string table, ReadFile(individuals, kMaxTable));
  GF_TRY(ctx.Alive());  // whoever lost the lease must not touch what another worker publishes
  GF_TRY(MoveIntoPlace(individuals, dir / genomics::kIndividualsFile));
  if (!tables.diff.empty()) GF_TRY(WriteFileAtomically(dir / kDiffFile, tables.diff, 0600));
  return HexEncode(crypto::Sha256(table));
}

}  // namespace genofed::onboarding
