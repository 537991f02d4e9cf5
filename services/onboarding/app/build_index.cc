// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/build_index.h"

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/genomics/index_vcf.h"
#include "services/onboarding/app/files.h"
#include "services/onboarding/app/snapshot_files.h"

namespace genofed::onboarding {

namespace {

Status BuildSegment(const Submission& submission, genomics::Assembly assembly,
                    const CohortRows& rows, genomics::Reference* reference, const std::filesystem::path& dir,
                    BuiltIndex& built) {
  genomics::IndexInfo info;
  info.dataset = submission.dataset.id;
  info.version = std::to_string(submission.version);
  info.assembly = assembly;
  info.n_people = static_cast<std::uint32_t>(rows.size());
  GF_ASSIGN(auto builder, genomics::SegmentBuilder::Create(dir, info));
  genomics::IndexVcfOptions options;
  options.reference = reference;
  GF_TRY(genomics::IndexVcf(rows.variants.front().path, rows.Samples(), *builder, options));
  GF_ASSIGN(genomics::BuildSummary summary, builder->Finish());
  built.manifest_sha256 = summary.manifest_sha256;
  built.sites = static_cast<std::int64_t>(summary.sites);
  return absl::OkStatus();
}

}  // namespace

Result<BuiltIndex> BuildIndex(const Context& ctx, const Layout& layout, const Submission& submission,
                              genomics::Assembly assembly, const CohortRows& rows, const VersionTables& tables,
                              genomics::Reference* reference) {
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(layout.Scratch()));
  const auto dir = scratch / "index";
  BuiltIndex built;
  if (rows.size() > 0) GF_TRY(BuildSegment(submission, assembly, rows, reference, dir, built));
  else GF_TRY(MakeDirectory(dir));
  const auto individuals = dir / genomics::kIndividualsFile;
  GF_TRY(genomics::WriteIndividuals(individuals, tables.individuals));
  GF_ASSIGN(std::string table, ReadFile(individuals, std::size_t{4} << 30));
  built.individuals_sha256 = HexEncode(crypto::Sha256(table));
  if (!tables.diff.empty()) GF_TRY(WriteFileAtomically(dir / kDiffFile, tables.diff, 0600));
  GF_TRY(ctx.Alive());  // whoever lost the lease must not touch what another worker publishes
  GF_TRY(MoveIntoPlace(dir, layout.Index(submission.dataset.id, submission.version)));
  return built;
}

}  // namespace genofed::onboarding
