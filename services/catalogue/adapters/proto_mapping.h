// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/catalogue/v1/catalogue.pb.h"
#include "services/catalogue/domain/dataset_record.h"

namespace genofed::catalogue {

v1::DatasetRecord ToProto(const DatasetRecord& record);
DatasetRecord FromProto(const v1::DatasetRecord& record);
// "waiting", "listed", ...: how the database names a state.
const char* StateName(RecordState state);
// Of a name that StateName gives.
RecordState ParseState(std::string_view name);

}  // namespace genofed::catalogue
