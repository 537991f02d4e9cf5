// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/assess_quality.h"

#include "libs/qc/fingerprints.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {
namespace {

qc::Sex DeclaredSex(genomics::Sex sex) {
  switch (sex) {
    case genomics::Sex::kFemale:
      return qc::Sex::kFemale;
    case genomics::Sex::kMale:
      return qc::Sex::kMale;
    case genomics::Sex::kUnknown:
      break;
  }
  return qc::Sex::kUnknown;
}

std::vector<qc::SampleIdentity> IdentitiesOf(const CohortRows& rows,
                                             const std::vector<VariantsFile>& files) {
  std::vector<qc::SampleIdentity> identities(rows.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    identities[row].declared = DeclaredSex(rows.individuals[row].sex);
    identities[row].nobody = rows.pseudonyms[row].empty();
  }
  std::uint32_t position = 0;
  for (std::size_t file = 0; file < files.size() && file < rows.variants.size(); ++file) {
    for (const std::string& sample : files[file].samples) {
      ++position;
      const auto found = rows.variants[file].rows.find(sample);
      if (found != rows.variants[file].rows.end() && identities[found->second].position == 0) {
        identities[found->second].position = position;
      }
    }
  }
  return identities;
}

}  // namespace

QualityJudgement AssessQuality(const qc::Policy& policy, const qc::Accumulator& counts,
                               const CohortRows& rows, const std::vector<VariantsFile>& files,
                               const std::vector<EarlierPeople>& earlier) {
  const qc::Fingerprints people = counts.panel().Genotypes();
  const qc::CompareOptions options = qc::CompareOptionsOf(policy);
  Findings findings;
  std::vector<qc::EarlierBatch> batches;
  for (const EarlierPeople& batch : earlier) {
    auto known = qc::Fingerprints::Load(batch.fingerprints);
    if (known.ok())
      batches.push_back({batch.name, qc::CompareWith(people, *known, options)});
    else
      findings.Add(
          {Severity::kNote, "EARLIER_NOT_COMPARED", std::string(KindName(FileKind::kVariants)), 0,
           "",
           fmt::format(
               "the people of {} were not compared with: what is needed for that is not kept",
               batch.name)});
  }
  QualityJudgement judgement;
  judgement.result =
      qc::Evaluate(policy, counts, IdentitiesOf(rows, files), qc::CompareWithin(people, options),
                   std::move(batches), KindName(FileKind::kVariants), findings);
  judgement.findings = findings.Take();
  for (Finding& finding : judgement.findings) {
    if (finding.severity != Severity::kError) continue;
    judgement.failed = true;
    finding.severity = Severity::kWarning;
  }
  return judgement;
}

}  // namespace genofed::onboarding
