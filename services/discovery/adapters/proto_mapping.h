// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/discovery/v1/discovery.pb.h"
#include "services/discovery/domain/answer.h"
#include "services/discovery/domain/merge.h"
#include "services/discovery/domain/publication.h"
#include "services/discovery/domain/query.h"

namespace genofed::discovery {

inline constexpr int kDefaultTermsPage = 100;
inline constexpr int kMaxTermsPage = 1000;
inline constexpr std::size_t kMaxTermLength = 64;

// Granularity unspecified is boolean: the least.
RawQuery FromProto(const v1::QueryRequest& request);
v1::QueryRequest ToProto(const Query& query);
// Members are not taken over: only the hub itself says how its nodes fared.
Answer FromProto(const v1::QueryResponse& response);
v1::QueryResponse ToProto(const Answer& answer);
// What the hub itself said of one member that was asked alone. InvalidArgument FIELD_INVALID for
// what is not of one member.
Result<NodeReply> ReplyOf(const v1::QueryResponse& response);
Publication FromProto(const v1::PublishVersionRequest& request);

v1::CountPrecision ToProto(disclosure::Precision precision);
disclosure::Precision FromProto(v1::CountPrecision precision);
void ToProto(const Member& member, v1::Member* out);

// One page of sorted terms. The token is the last identifier of the page before.
v1::ListFilteringTermsResponse Page(const std::vector<FilteringTerm>& terms, int page_size,
                                    const std::string& page_token);

}  // namespace genofed::discovery
