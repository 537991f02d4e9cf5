// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/consent/v1/consent.pb.h"
#include "services/consent/app/cohorts.h"
#include "services/consent/app/my_consent.h"
#include "services/consent/app/registrar.h"

namespace genofed::consent {

// Errors: PERMISSION_INVALID for a value that is none of the three.
Result<Permission> FromProto(common::v1::Permission permission);
Result<PermissionSet> FromProto(const google::protobuf::RepeatedField<int>& permissions);
// With nothing refused.
Statement FromProto(PermissionSet permissions, const v1::ConsentTerms& terms);
DatasetVersion FromProto(const common::v1::DatasetVersion& dataset);
Result<std::vector<SubjectConsent>> FromProto(const v1::RegisterSubjectsRequest& request);

v1::RegisterSubjectsResponse ToProto(const Registration& registration);
// Pseudonyms are left out for callers that do not need them.
v1::GetCohortResponse ToProto(const Cohort& cohort);
v1::GetMyPermissionsResponse ToProto(const MyPermissions& mine);
v1::ListMyAccessesResponse ToProto(const MyAccesses& page);
NoticeRow FromProto(const v1::Notice& notice);
v1::Notice ToProto(const NoticeRow& notice);
v1::RegistryState ToProto(const RegistryRow& row);

}  // namespace genofed::consent
