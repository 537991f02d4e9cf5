// SPDX-License-Identifier: Apache-2.0
#include "libs/http/request_head.h"

#include "libs/core/strings.h"
#include "libs/http/problem.h"

namespace genofed::http {

Status CheckFraming(const Headers& headers, bool http11) {
  const std::size_t hosts = headers.GetAll("Host").size();
  if (hosts > 1 || (http11 && hosts == 0)) {
    return Error(StatusCode::kInvalidArgument, "BAD_HOST", "a request needs exactly one Host");
  }
  const auto encodings = headers.GetAll("Transfer-Encoding");
  const bool chunked = encodings.size() == 1 && ToLower(Trim(encodings[0])) == "chunked";
  if (!encodings.empty() && (!chunked || !http11 || headers.Has("Content-Length"))) {
    return Error(StatusCode::kInvalidArgument, "BAD_TRANSFER_ENCODING", "only chunked is supported");
  }
  if (headers.GetAll("Content-Length").size() > 1) {
    return Error(StatusCode::kInvalidArgument, "BAD_CONTENT_LENGTH", "Content-Length is given twice");
  }
  const auto expect = headers.Get("Expect");
  if (expect && ToLower(*expect) != "100-continue") {
    return Error(StatusCode::kInvalidArgument, kExpectationFailed, "this expectation is not known here");
  }
  return {};
}

}  // namespace genofed::http
