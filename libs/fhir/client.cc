// SPDX-License-Identifier: Apache-2.0
#include "libs/fhir/client.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "libs/crypto/hash.h"
#include "libs/fhir/export.h"
#include "libs/fhir/transport.h"

namespace genofed::fhir {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxIdBytes = 64;

const json* Member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string Text(const json& object, const char* name) {
  const json* member = Member(object, name);
  return member != nullptr && member->is_string() ? member->get<std::string>() : std::string();
}

// Bundle.link of relation "next"; empty on the last page.
std::string NextLink(const json& bundle) {
  const json* links = Member(bundle, "link");
  if (links == nullptr || !links->is_array()) return {};
  for (const json& link : *links) {
    if (Text(link, "relation") == "next") return Text(link, "url");
  }
  return {};
}

}  // namespace

bool IsId(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '.';
         });
}

Wait RealWait() {
  return [](const Context& ctx, std::chrono::milliseconds pause) -> Status {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, ctx.stop(), std::min(pause, ctx.Remaining(pause)), [] { return false; });
    return ctx.Alive();
  };
}

class Client::Impl {
 public:
  Impl(ServerOptions options, TokenSource& token, const Clock& clock, Wait wait)
      : options_(std::move(options)),
        clock_(clock),
        transport_(options_, token, clock, std::move(wait)) {}

  Result<SearchResult> Search(const Context& ctx, const std::string& type, const std::string& query,
                              const ResourceSink& sink);
  Result<ExportResult> Export(const Context& ctx, const ExportRequest& request,
                              const ResourceSink& sink) {
    return RunExport(ctx, transport_, options_.limits, clock_, request, sink);
  }
  Result<json> Read(const Context& ctx, const std::string& path) {
    GF_ASSIGN(Url url, transport_.Base());
    url.target += "/" + path;
    return transport_.ReadJson(ctx, url);
  }

 private:
  Status TakePage(const json& bundle, const std::string& type, const ResourceSink& sink,
                  SearchResult& result) const;

  const ServerOptions options_;
  const Clock& clock_;
  Transport transport_;
};

Status Client::Impl::TakePage(const json& bundle, const std::string& type, const ResourceSink& sink,
                              SearchResult& result) const {
  if (Text(bundle, "resourceType") != "Bundle" || Text(bundle, "type") != "searchset") {
    return Error(StatusCode::kDataLoss, "PAGE_INVALID",
                 "the server did not answer a search with a searchset Bundle");
  }
  const json* entries = Member(bundle, "entry");
  if (entries == nullptr) return absl::OkStatus();
  if (!entries->is_array())
    return Error(StatusCode::kDataLoss, "PAGE_INVALID", "Bundle.entry must be an array");
  for (const json& entry : *entries) {
    const json* resource = Member(entry, "resource");
    const json* search = Member(entry, "search");
    const std::string mode = search == nullptr ? "match" : Text(*search, "mode");
    if (mode == "outcome" || mode == "include") continue;
    if (resource == nullptr || Text(*resource, "resourceType") != type ||
        !IsId(Text(*resource, "id"))) {
      ++result.unusable;
      continue;
    }
    if (++result.resources > options_.limits.max_resources) {
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_RESOURCES",
                   "a search gives at most {} resources", options_.limits.max_resources);
    }
    GF_TRY(sink(*resource));
  }
  return absl::OkStatus();
}

Result<SearchResult> Client::Impl::Search(const Context& ctx, const std::string& type,
                                          const std::string& query, const ResourceSink& sink) {
  GF_ASSIGN(Url url, transport_.Base());
  url.target += "/" + type + "?" + query;
  SearchResult result;
  std::unordered_set<std::string> seen;  // digests of pages' addresses
  while (true) {
    if (!seen.insert(crypto::Sha256(url.target)).second) {
      return Error(StatusCode::kDataLoss, "PAGING_LOOP",
                   "a page of the server leads back to an earlier one");
    }
    if (++result.pages > options_.limits.max_pages) {
      return Error(StatusCode::kResourceExhausted, "TOO_MANY_PAGES",
                   "a search has at most {} pages", options_.limits.max_pages);
    }
    http::Headers headers;
    GF_ASSIGN(const json bundle, transport_.ReadJson(ctx, url, &headers));
    if (result.pages == 1) result.server_time = ParseHttpDate(headers.Get("Date").value_or(""));
    GF_TRY(TakePage(bundle, type, sink, result));
    const std::string next = NextLink(bundle);
    if (next.empty()) return result;
    GF_ASSIGN(url, transport_.Follow(next));
  }
}

Client::Client(ServerOptions options, TokenSource& token, const Clock& clock, Wait wait)
    : impl_(std::make_unique<Impl>(std::move(options), token, clock, std::move(wait))) {}
Client::~Client() = default;

Result<SearchResult> Client::Search(const Context& ctx, const std::string& type,
                                    const std::string& query, const ResourceSink& sink) {
  return impl_->Search(ctx, type, query, sink);
}

Result<ExportResult> Client::Export(const Context& ctx, const ExportRequest& request,
                                    const ResourceSink& sink) {
  return impl_->Export(ctx, request, sink);
}

Result<json> Client::Read(const Context& ctx, const std::string& path) {
  return impl_->Read(ctx, path);
}

}  // namespace genofed::fhir
