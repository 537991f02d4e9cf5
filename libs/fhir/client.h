// SPDX-License-Identifier: Apache-2.0
//
// A client of FHIR servers for those who copy resources: search with paging
// (hl7.org/fhir/R4/search.html, hl7.org/fhir/R5/search.html) and Bulk Data export
// (hl7.org/fhir/uv/bulkdata, version 2). R4 and R5 alike; what the resources mean is no business of
// this library.
//
// The server is trusted to say what is true about its patients, and nothing else: its answers have
// limits in size, number and time, its links lead to its own origin only, and the token is sent
// nowhere else. Errors name its status and the codes of its OperationOutcome, never its texts,
// which may hold what identifies people.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/fhir/token.h"

namespace genofed::fhir {

struct Limits {
  std::size_t max_page_bytes = 32U << 20;     // of a Bundle, a manifest
  std::size_t max_resource_bytes = 4U << 20;  // of a line of an export
  std::int64_t max_pages = 200'000;           // of one search
  std::int64_t max_resources = 10'000'000;    // of one search or export
  std::uint64_t max_export_bytes = std::uint64_t{64} << 30;
  // One exchange; for files of an export, without progress. The deadline of the context limits the
  // whole.
  std::chrono::milliseconds timeout{60'000};
  // How often a request is sent that the server is too busy for (429, 502, 503, 504, no
  // connection), and the longest pause it may ask for; the first of our own is a second, and each
  // is twice the one before.
  int max_attempts = 5;
  std::chrono::seconds max_pause{300};
  std::chrono::hours max_export_time{24};
};

struct ServerOptions {
  std::string base_url;                // "https://fhir.example/r4"; http:// for loopback only
  std::filesystem::path ca_file = {};  // PEM; empty: the system's store
  // Where files of exports may lie, besides the server itself: "https://files.example". They get no
  // token.
  std::vector<std::string> file_origins = {};
  Limits limits = {};
};

// Takes one resource: an object whose "resourceType" is one that was asked for and whose "id" is an
// id of FHIR (so that it is safe in URLs). An error ends the call, which returns it.
using ResourceSink = std::function<Status(const nlohmann::json& resource)>;

// Passes the time, unless the context ends first.
using Wait = std::function<Status(const Context& ctx, std::chrono::milliseconds pause)>;
Wait RealWait();

struct SearchResult {
  std::int64_t pages = 0;
  std::int64_t resources = 0;
  // Of the wrong type (but for what a search includes) or without an id.
  std::int64_t unusable = 0;
  // When the server began to answer, by its own clock (header Date); none if it does not say.
  std::optional<Time> server_time;
};

struct ExportRequest {
  std::string group;  // id of a Group: its patients; empty: everybody (system level)
  std::vector<std::string> types;
  std::optional<Time> since;
  std::vector<std::string> type_filters = {};  // "Observation?category=exam"
};

struct ExportResult {
  // The state of the server that the files show: `since` of the next export.
  Time transaction_time{};
  std::int64_t files = 0;
  std::int64_t resources = 0;
  std::int64_t unusable = 0;
  std::int64_t errors = 0;     // issues that the server reports in files of their own
  std::int64_t deletions = 0;  // files that name resources deleted since
};

// Not thread-safe. Keeps connections open.
class Client {
 public:
  // `token`, `clock` and what `wait` refers to are borrowed.
  Client(ServerOptions options, TokenSource& token, const Clock& clock, Wait wait = RealWait());
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // All resources of `type` that match `query` ("_lastUpdated=ge2026-01-01T00:00:00Z&_count=200",
  // encoded). Errors: those of Read, PAGE_INVALID, LINK_FOREIGN (a page at another origin),
  // PAGING_LOOP, TOO_MANY_PAGES, TOO_MANY_RESOURCES.
  Result<SearchResult> Search(const Context& ctx, const std::string& type, const std::string& query,
                              const ResourceSink& sink);

  // Starts an export, waits for it, reads its files and has the server delete them. The files come
  // in any order, and a resource may come in any of them. What an export gave before it failed must
  // not be used. Errors: those of Read, EXPORT_UNSUPPORTED (no such operation here), EXPORT_FAILED,
  // EXPORT_TIMEOUT, MANIFEST_INVALID, FILTER_IGNORED (the server did not take `type_filters`; no
  // file was read), FILE_INVALID (content type, a line that is no resource),
  // FILE_TRUNCATED, EXPORT_TOO_LARGE, LINK_FOREIGN, TOO_MANY_RESOURCES.
  Result<ExportResult> Export(const Context& ctx, const ExportRequest& request,
                              const ResourceSink& sink);

  // One JSON document: "metadata", "Group/7". Errors: PermissionDenied FHIR_UNAUTHORISED (401,
  // 403), NotFound FHIR_NOT_FOUND (404, 410), ResourceExhausted FHIR_BUSY (429), Unavailable
  // FHIR_SERVER_ERROR (5xx), FailedPrecondition FHIR_REFUSED (anything else, redirects too),
  // DataLoss FHIR_INVALID (no JSON, a wrong content type), those of TokenSource and of libs/http.
  Result<nlohmann::json> Read(const Context& ctx, const std::string& path);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Whether `text` is an id of FHIR: 1 to 64 of A-Z a-z 0-9 - . (hl7.org/fhir/R4/datatypes.html#id).
bool IsId(std::string_view text);

}  // namespace genofed::fhir
