// SPDX-License-Identifier: Apache-2.0
//
// Error bodies of the GA4GH APIs. `message` must be fit for the public (genofed::http::PublicMessage).
#pragma once

#include <string>
#include <string_view>

namespace genofed::ga4gh {

// WES 1.1 ErrorResponse, DRS 1.x Error, and by convention TES 1.1: {"msg": ..., "status_code": ...}.
std::string RenderError(int http_status, std::string_view message);

// Beacon v2 beaconErrorResponse: {"meta": {...}, "error": {"errorCode", "errorMessage"}}. The meta section has all
// required members; the summary of the request is empty because the request was not understood or not served.
std::string RenderBeaconError(int http_status, std::string_view message, std::string_view beacon_id,
                              std::string_view api_version);

// htsget 1.3: {"htsget": {"error", "message"}}. The type of the error follows from the status, and for 400 from
// `reason`: UNSUPPORTED_FORMAT and INVALID_RANGE have types of their own, everything else is InvalidInput.
std::string RenderHtsgetError(int http_status, std::string_view reason, std::string_view message);

}  // namespace genofed::ga4gh
