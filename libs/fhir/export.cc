// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/export.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"

namespace genofed::fhir {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::size_t kMaxDepth = 64;
constexpr milliseconds kFirstPoll{1000};
constexpr milliseconds kLongestPoll{60'000};
constexpr std::chrono::seconds kDeleteTimeout{10};
constexpr std::size_t kMaxFiles = 100'000;

std::string Text(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool IsNdjson(const std::string& type) {
  return type == "application/fhir+ndjson" || type == "application/ndjson" ||
         type == "application/x-ndjson" || type == "ndjson";
}

// A file of the manifest.
struct File {
  Url url;
  std::int64_t count = -1;  // as the server says; -1: it does not
};

struct Manifest {
  Time transaction_time{};
  bool files_need_token = true;
  std::vector<File> output;
  std::vector<File> error;
  std::vector<File> deleted;
};

class Export {
 public:
  Export(const Context& ctx, Transport& transport, const Limits& limits, const Clock& clock,
         const ExportRequest& request, const ResourceSink& sink)
      : ctx_(ctx),
        transport_(transport),
        limits_(limits),
        clock_(clock),
        request_(request),
        sink_(sink) {}

  Result<ExportResult> Run() {
    GF_ASSIGN(const Url status, KickOff());
    auto result = Collect(status);
    // Whatever became of it; an export that nobody deletes the server drops by itself, later.
    const Context last = ctx_.Detach().WithTimeout(kDeleteTimeout);
    (void)transport_.Send(last, {.method = http::Method::kDelete, .url = status});
    return result;
  }

 private:
  Result<Url> KickOff();
  Result<json> AwaitManifest(const Url& status);
  Result<Manifest> ReadManifest(const json& document) const;
  Result<std::vector<File>> ReadFiles(const json& document, const char* name) const;
  Result<ExportResult> Collect(const Url& status);
  // Every line of a file; `take` gets the document of each.
  Status ReadFile(const File& file, const std::function<Status(const json& document)>& take);
  Status TakeLine(std::string_view line, bool last, const std::function<Status(const json&)>& take);
  Status TakeResource(const json& resource);

  const Context ctx_;
  Transport& transport_;
  const Limits& limits_;
  const Clock& clock_;
  const ExportRequest& request_;
  const ResourceSink& sink_;
  ExportResult result_;
  std::uint64_t bytes_ = 0;
  bool files_need_token_ = true;
};

Result<Url> Export::KickOff() {
  GF_ASSIGN(Url url, transport_.Base());
  if (!request_.group.empty()) url.target += "/Group/" + request_.group;
  std::string types;
  for (const std::string& type : request_.types) types += (types.empty() ? "" : ",") + type;
  // The format is not named: NDJSON is the default, and servers differ in what they call it.
  url.target += "/$export?_type=" + http::PercentEncode(types);
  if (request_.since)
    url.target += "&_since=" + http::PercentEncode(FormatRfc3339(*request_.since));
  for (const std::string& filter : request_.type_filters)
    url.target += "&_typeFilter=" + http::PercentEncode(filter);
  auto response = transport_.Send(ctx_, {.url = url, .headers = {{"Prefer", "respond-async"}}});
  if (response.status().code() == StatusCode::kNotFound) {
    return Error(StatusCode::kFailedPrecondition, "EXPORT_UNSUPPORTED",
                 "the server has no such export: {}", Message(response.status()));
  }
  GF_TRY(response);
  const auto location = response->headers.Get("Content-Location");
  if (response->status != 202 || !location) {
    return Error(StatusCode::kFailedPrecondition, "EXPORT_UNSUPPORTED",
                 "the server did not start an export (status {})", response->status);
  }
  return transport_.Follow(*location);
}

// Until the server has the files ready. It says itself when to ask again.
Result<json> Export::AwaitManifest(const Url& status) {
  const Time end = clock_.Now() + limits_.max_export_time;
  milliseconds poll = kFirstPoll;
  while (true) {
    GF_ASSIGN(const auto response,
              transport_.Send(ctx_, {.url = status, .accept = "application/json"}));
    if (response.status == 200) {
      auto document = crypto::ParseStrictJson(
          response.body, {.max_bytes = limits_.max_page_bytes, .max_depth = kMaxDepth});
      if (!document.ok() || !document->is_object()) {
        return Error(StatusCode::kDataLoss, "MANIFEST_INVALID",
                     "the export's manifest is no JSON object");
      }
      return document;
    }
    if (response.status != 202)
      return Error(StatusCode::kDataLoss, "EXPORT_FAILED", "the export ended with status {}",
                   response.status);
    if (clock_.Now() >= end)
      return Error(StatusCode::kDeadlineExceeded, "EXPORT_TIMEOUT",
                   "the export was not ready in {} h", limits_.max_export_time.count());
    GF_TRY(transport_.Pause(ctx_, transport_.RetryAfter(response.headers, poll)));
    poll = std::min(poll * 2, kLongestPoll);
  }
}

Result<std::vector<File>> Export::ReadFiles(const json& document, const char* name) const {
  std::vector<File> files;
  const auto found = document.find(name);
  if (found == document.end()) return files;
  if (!found->is_array() || found->size() > kMaxFiles) {
    return Error(StatusCode::kDataLoss, "MANIFEST_INVALID", "{} must be an array of at most {}",
                 name, kMaxFiles);
  }
  for (const json& entry : *found) {
    File file;
    GF_ASSIGN(file.url, transport_.Follow(Text(entry, "url"), true));
    const auto count = entry.find("count");
    if (count != entry.end() && count->is_number_integer()) file.count = count->get<std::int64_t>();
    files.push_back(std::move(file));
  }
  return files;
}

Result<Manifest> Export::ReadManifest(const json& document) const {
  Manifest manifest;
  auto time = ParseRfc3339(Text(document, "transactionTime"));
  if (!time.ok())
    return Error(StatusCode::kDataLoss, "MANIFEST_INVALID", "transactionTime must be an instant");
  manifest.transaction_time = *time;
  if (!document.contains("output"))
    return Error(StatusCode::kDataLoss, "MANIFEST_INVALID", "output is missing");
  manifest.files_need_token = document.value("requiresAccessToken", json(true)) != false;
  GF_ASSIGN(manifest.output, ReadFiles(document, "output"));
  GF_ASSIGN(manifest.error, ReadFiles(document, "error"));
  GF_ASSIGN(manifest.deleted, ReadFiles(document, "deleted"));
  return manifest;
}

Result<ExportResult> Export::Collect(const Url& status) {
  GF_ASSIGN(const json document, AwaitManifest(status));
  // `request` is the address that was asked for, as the server understood it.
  if (const std::string asked = Text(document, "request");
      !request_.type_filters.empty() && !asked.empty() &&
      asked.find("_typeFilter") == std::string::npos) {
    return Error(StatusCode::kFailedPrecondition, "FILTER_IGNORED",
                 "the export is not filtered: its manifest does not repeat _typeFilter");
  }
  GF_ASSIGN(const Manifest manifest, ReadManifest(document));
  files_need_token_ = manifest.files_need_token;
  result_.transaction_time = manifest.transaction_time;
  result_.deletions = static_cast<std::int64_t>(manifest.deleted.size());
  for (const File& file : manifest.output) {
    const std::int64_t before = result_.resources + result_.unusable;
    GF_TRY(ReadFile(file, [this](const json& resource) { return TakeResource(resource); }));
    ++result_.files;
    const std::int64_t got = result_.resources + result_.unusable - before;
    if (file.count >= 0 && file.count != got) {
      return Error(StatusCode::kDataLoss, "FILE_TRUNCATED",
                   "file {} of the export has {} resources instead of {}", result_.files, got,
                   file.count);
    }
  }
  for (const File& file : manifest.error) {
    GF_TRY(ReadFile(file, [this](const json& outcome) {
      const auto issues = outcome.find("issue");
      result_.errors += issues != outcome.end() && issues->is_array()
                            ? static_cast<std::int64_t>(issues->size())
                            : 1;
      return absl::OkStatus();
    }));
  }
  return result_;
}

Status Export::TakeResource(const json& resource) {
  const std::string type = Text(resource, "resourceType");
  if (std::find(request_.types.begin(), request_.types.end(), type) == request_.types.end() ||
      !IsId(Text(resource, "id"))) {
    ++result_.unusable;
    return absl::OkStatus();
  }
  if (++result_.resources > limits_.max_resources) {
    return Error(StatusCode::kResourceExhausted, "TOO_MANY_RESOURCES",
                 "an export gives at most {} resources", limits_.max_resources);
  }
  return sink_(resource);
}

Status Export::TakeLine(std::string_view line, bool last,
                        const std::function<Status(const json&)>& take) {
  if (Trim(line).empty()) return absl::OkStatus();
  auto document = crypto::ParseStrictJson(
      line, {.max_bytes = limits_.max_resource_bytes, .max_depth = kMaxDepth});
  if (document.ok() && document->is_object()) return take(*document);
  if (last)
    return Error(StatusCode::kDataLoss, "FILE_TRUNCATED",
                 "file {} of the export ends within a resource", result_.files + 1);
  return Error(StatusCode::kDataLoss, "FILE_INVALID",
               "file {} of the export has a line that is no resource ({})", result_.files + 1,
               Reason(document.status()));
}

Status Export::ReadFile(const File& file, const std::function<Status(const json& document)>& take) {
  std::string pending;
  const auto sink = [&](const http::ClientResponse& head, std::string_view bytes) -> Status {
    GF_TRY(ctx_.Alive());
    if (!IsNdjson(MediaType(head.headers))) {
      return Error(StatusCode::kDataLoss, "FILE_INVALID",
                   "file {} of the export is not NDJSON by its content type", result_.files + 1);
    }
    bytes_ += bytes.size();
    if (bytes_ > limits_.max_export_bytes) {
      return Error(StatusCode::kResourceExhausted, "EXPORT_TOO_LARGE",
                   "an export has at most {} bytes", limits_.max_export_bytes);
    }
    for (std::size_t end; (end = bytes.find('\n')) != std::string_view::npos;
         bytes.remove_prefix(end + 1)) {
      pending.append(bytes.substr(0, end));
      GF_TRY(TakeLine(pending, false, take));
      pending.clear();
    }
    pending.append(bytes);
    if (pending.size() <= limits_.max_resource_bytes) return absl::OkStatus();
    return Error(StatusCode::kDataLoss, "FILE_INVALID",
                 "file {} of the export has a line of more than {} bytes", result_.files + 1,
                 limits_.max_resource_bytes);
  };
  GF_ASSIGN(const auto response, transport_.Send(ctx_, {.url = file.url,
                                                        .accept = "application/fhir+ndjson",
                                                        .with_token = files_need_token_,
                                                        .sink = sink}));
  if (response.status != 200) {
    return Error(StatusCode::kDataLoss, "FILE_INVALID", "file {} of the export came with status {}",
                 result_.files + 1, response.status);
  }
  return TakeLine(pending, true, take);
}

}  // namespace

Result<ExportResult> RunExport(const Context& ctx, Transport& transport, const Limits& limits,
                               const Clock& clock, const ExportRequest& request,
                               const ResourceSink& sink) {
  return Export(ctx, transport, limits, clock, request, sink).Run();
}

}  // namespace genofed::fhir
