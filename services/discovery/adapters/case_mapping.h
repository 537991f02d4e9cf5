// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/discovery/v1/case.pb.h"
#include "services/discovery/domain/case.h"

namespace genofed::discovery {

CaseQuery FromProto(const v1::MatchCasesRequest& request);
v1::MatchCasesRequest ToProto(const CaseQuery& query);
// DataLoss ANSWER_IMPLAUSIBLE for other bands than those of this release.
Result<CaseAnswer> FromProto(const v1::MatchCasesResponse& response);
v1::MatchCasesResponse ToProto(const CaseAnswer& answer);
v1::ContactRequest ToProto(const ContactRequest& contact);

}  // namespace genofed::discovery
