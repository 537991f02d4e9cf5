// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/build_index.h"

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/genomics/index_vcf.h"
#include "services/onboarding/app/files.h"

namespace genofed::onboarding {

Result<BuiltIndex> BuildIndex(const Context& ctx, const Layout& layout, const Submission& submission,
                              genomics::Assembly assembly, const CohortRows& rows, genomics::Reference* reference) {
  GF_ASSIGN(auto scratch, ScratchDirectory::Create(layout.Scratch()));
  const auto dir = scratch / "index";
  genomics::IndexInfo info;
  info.dataset = submission.dataset.id;
  info.version = std::to_string(submission.version);
  info.assembly = assembly;
  info.n_people = static_cast<std::uint32_t>(rows.size());
  GF_ASSIGN(auto builder, genomics::SegmentBuilder::Create(dir, info));
  genomics::IndexVcfOptions options;
  options.reference = reference;
  GF_TRY(genomics::IndexVcf(layout.Upload(submission.id, FileKind::kVariants), rows.samples, *builder, options));
  GF_ASSIGN(genomics::BuildSummary summary, builder->Finish());
  const auto individuals = dir / genomics::kIndividualsFile;
  GF_TRY(genomics::WriteIndividuals(individuals, rows.individuals));
  GF_ASSIGN(std::string table, ReadFile(individuals, std::size_t{4} << 30));
  GF_TRY(ctx.Alive());  // whoever lost the lease must not touch what another worker publishes
  GF_TRY(MoveIntoPlace(dir, layout.Index(submission.dataset.id, submission.version)));
  return BuiltIndex{summary.manifest_sha256, HexEncode(crypto::Sha256(table)),
                    static_cast<std::int64_t>(summary.sites)};
}

}  // namespace genofed::onboarding
