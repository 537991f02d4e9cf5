// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/discovery/v1/shards.pb.h"
#include "libs/cohort/shards.h"
#include "services/discovery/app/shard_ports.h"

namespace genofed::discovery {

// In the shortest form.
v1::RowSet ToProto(const genomics::Bitmap& rows);
// InvalidArgument ROWS_INVALID.
Result<genomics::Bitmap> FromProto(const v1::RowSet& rows);

v1::ShardCohort ToProto(const cohort::Shard& asked, const ShardQuestion& question);
v1::VariantQuery VariantToProto(const VariantPattern& pattern);
Result<VariantPattern> VariantFromProto(const v1::VariantQuery& variant);

v1::CountAllelesResponse ToProto(const std::vector<FoundAllele>& alleles);
// `contig` is that of the question.
std::vector<FoundAllele> FromProto(const v1::CountAllelesResponse& response,
                                   const std::string& contig);
v1::CountSitesResponse ToProto(const SitePiece& piece);
SitePiece FromProto(const v1::CountSitesResponse& response);

}  // namespace genofed::discovery
