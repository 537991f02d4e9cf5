// SPDX-License-Identifier: Apache-2.0
#include <cstdint>

#include "libs/beacon/request.h"
#include "libs/core/strings.h"

// A body as it comes from anybody; and the same bytes as parameters of a GET. What was understood is understood the
// same when its echo is asked for again in the other form.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace genofed;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto request = beacon::ParseRequest({}, text);
  if (request.ok()) {
    GF_CHECK(request->limit >= 1 && request->limit <= beacon::kMaxLimit && request->skip >= 0);
    GF_CHECK(request->filters.size() <= beacon::kMaxFilters && !request->summary.empty());
    for (const auto& group : request->filters) GF_CHECK(!group.empty());
  }
  std::vector<std::pair<std::string, std::string>> parameters;
  for (const std::string_view part : Split(text, '&')) {
    const auto equals = part.find('=');
    if (equals != std::string_view::npos && IsUtf8(part))
      parameters.emplace_back(part.substr(0, equals), part.substr(equals + 1));
  }
  const auto body = beacon::BodyOfParameters(parameters);
  if (body.ok()) {
    const auto parsed = beacon::ParseRequest({}, *body);
    GF_CHECK(parsed.ok() || Reason(parsed.status()) != "JSON_INVALID");
  }
  return 0;
}
