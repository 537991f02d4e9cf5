// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/onboarding/v1/onboarding.pb.h"
#include "services/onboarding/app/connector.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {

v1::Submission ToProto(const Submission& submission);
// What ToProto shows; holder, start and index digest are not part of it.
Submission FromProto(const v1::Submission& in);
v1::GetSubmissionResponse::File ToProto(const UploadedFile& file);
v1::Object ToProto(const ObjectRecord& object);
v1::Connector ToProto(const ConnectorState& state);
Description FromProto(const v1::DatasetDescription& in);
Mode FromProto(v1::Mode mode);
// InvalidArgument FILE_KIND_INVALID.
Result<FileKind> FromProto(v1::FileKind kind);

}  // namespace genofed::onboarding
