// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "libs/clinical/terminology.h"
#include "libs/core/random.h"
#include "libs/crypt4gh/key.h"
#include "libs/crypto/key.h"
#include "libs/objects/object_store.h"
#include "libs/obs/metrics.h"
#include "libs/qc/policy.h"
#include "services/onboarding/app/layout.h"
#include "services/onboarding/app/ports.h"

namespace genofed::onboarding {

// Takes a started submission to its end: published, rejected with findings, or failed. One object serves any number
// of runs; all references are borrowed.
//
// May be killed anywhere and run again: what a stage left is either recorded in the database after it is durable, or
// made anew with the same result. Neither person identifiers nor their link to pseudonyms are ever stored; a repeated
// run reads them from the uploaded files again and asks the consent service again, which answers the same.
class Pipeline {
 public:
  struct Options {
    std::filesystem::path reference_fasta;  // empty: none
    InclusionPolicy inclusion;
    qc::Policy quality;
    crypto::SigningKey report_key;  // signs conformity reports
    // Under which records that were set aside are kept; none: they are not kept.
    std::optional<crypt4gh::PublicKey> intake_key = std::nullopt;
    // Tables by which codes are mapped; null: the product's.
    std::shared_ptr<const clinical::Terminology> terminology = nullptr;
  };
  Pipeline(Layout layout, UploadFiles& uploads, objects::ObjectStore& bodies, ConsentClient& consent, Publisher& publisher, const Clock& clock, Random& random,
           obs::Metrics& metrics, Options options);

  // OK once the submission is at its end and its uploaded files are gone. An error means: try again later; the
  // submission says what it waits for.
  Status Run(const Context& ctx, RunStore& store);
  // Removes what a killed process left in clear. Call before the first Run, when no other process runs.
  Status EmptyScratch() const;

 private:
  class Job;

  Status End(const Context& ctx, RunStore& store, const Submission& submission);

  const Layout layout_;
  UploadFiles& uploads_;
  objects::ObjectStore& bodies_;
  ConsentClient& consent_;
  Publisher& publisher_;
  const Clock& clock_;
  Random& random_;
  obs::Metrics& metrics_;
  const Options options_;
};

}  // namespace genofed::onboarding
