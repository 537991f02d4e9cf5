// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/onboarding/app/intake.h"
#include "services/onboarding/app/submissions.h"

namespace genofed::onboarding {

// Hands in through Submissions, as the holder's own calls would. Borrowed.
class SubmissionsIntake final : public Intake {
 public:
  explicit SubmissionsIntake(Submissions& submissions) : submissions_(submissions) {}

  Result<Submission> Submit(const Context& ctx, const IntakeRequest& request) override;
  Result<Submission> Find(const Context& ctx, const Holder& holder, const std::string& id) override;

 private:
  Status Upload(const Context& ctx, const std::string& submission, const IntakeFile& file);

  Submissions& submissions_;
};

}  // namespace genofed::onboarding
