// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/listing.h"

#include <fmt/core.h>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::gateway {
namespace {

using http::ApiFamily;
using http::Request;
using http::Response;

constexpr char kStyle[] =
    "body{font:16px/1.5 system-ui,sans-serif;margin:0 "
    "auto;max-width:72rem;padding:1.5rem;color:#1a1a1a;background:#fff}"
    "h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.2rem;margin:2rem 0 .5rem}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:."
    "35rem .6rem;"
    "border-bottom:1px solid #ddd}code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}"
    "th{background:#f2f4f7}a{color:#0b57a4}"
    "@media(prefers-color-scheme:dark){body{color:#eee;background:#16181c}th{background:#23262c}"
    "th,td{border-color:#3a3f47}a{color:#8ab8ff}}";

struct Section {
  ApiFamily family;
  const char* title;
  const char* text;
};

constexpr Section kSections[] = {
    {ApiFamily::kNative, "Native API and ledger",
     "Bodies are JSON with the field names of genofed's protobuf messages; 64-bit integers are "
     "strings, times RFC 3339, "
     "enums their names. Unknown fields are refused. Errors are application/problem+json (RFC "
     "9457)."},
    {ApiFamily::kBeacon, "GA4GH Beacon v2.2",
     "Positions are 0-based and half-open. Results count individuals; small counts are not "
     "disclosed."},
    {ApiFamily::kWes, "GA4GH WES 1.1",
     "workflow_type is OCI 1.0; workflow_url is the file name of the attached descriptor."},
    {ApiFamily::kTes, "GA4GH TES 1.1",
     "Reading and cancelling. Tasks come from the dispatcher only."},
    {ApiFamily::kDrs, "GA4GH DRS 1.5",
     "Stored objects. Files leave for permitted smart layers with a GA4GH passport only, as Crypt4GH for their key."},
    {ApiFamily::kHtsget, "GA4GH htsget 1.3",
     "Genotypes by region, under an access that DRS opened. The blocks of a ticket give a Crypt4GH file."},
};

std::string Escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

std::string Table(const std::vector<Endpoint>& endpoints, ApiFamily family) {
  std::string rows;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.family != family) continue;
    rows += fmt::format("<tr><td><code>{} {}</code></td><td>{}</td><td>{}</td></tr>\n",
                        http::MethodName(endpoint.method), Escape(endpoint.pattern),
                        Escape(endpoint.who), Escape(endpoint.summary));
  }
  if (rows.empty()) return rows;
  return "<table><thead><tr><th scope=\"col\">Method and path</th><th scope=\"col\">Who may "
         "call</th>"
         "<th scope=\"col\">What it does</th></tr></thead><tbody>\n" +
         rows + "</tbody></table>\n";
}

Endpoint Page(std::string pattern, std::string summary, Response response) {
  Endpoint endpoint;
  endpoint.pattern = std::move(pattern);
  endpoint.summary = std::move(summary);
  endpoint.handler = [response = std::move(response)](const Request&) -> Result<Response> {
    return response;
  };
  return endpoint;
}

}  // namespace

DocsPage RenderDocs(const SiteFacts& site, const std::vector<Endpoint>& endpoints) {
  DocsPage page;
  const std::string title = fmt::format("{}: programming interfaces", Escape(site.Organisation()));
  page.html = fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
      "content=\"width=device-width, "
      "initial-scale=1\"><title>{0}</title><style>{1}</style></head>\n<body><main>"
      "<h1>{0}</h1>\n<p>This {2} of the federation is at <code>{3}</code>. Send an access token as "
      "<code>Authorization: "
      "Bearer …</code>; it must name the audience <code>{4}</code>. The same list for programs: "
      "<a href=\"/openapi.json\">/openapi.json</a>.</p>\n",
      title, kStyle, site.hub ? "hub" : "node", Escape(site.public_url), Escape(site.audience));
  for (const Section& section : kSections) {
    const std::string table = Table(endpoints, section.family);
    if (!table.empty())
      page.html += fmt::format("<h2>{}</h2>\n<p>{}</p>\n{}", section.title, section.text, table);
  }
  page.html += "</main></body></html>\n";
  page.content_security_policy = fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; frame-ancestors 'none'; base-uri 'none'; "
      "form-action 'none'",
      Base64Encode(crypto::Sha256(kStyle)));
  return page;
}

void AddListingRoutes(Api& api, const SiteFacts& site) {
  // The two pages list themselves, too.
  std::vector<Endpoint> listed = api.endpoints();
  listed.push_back(Page("/openapi.json", "This list for programs (OpenAPI 3)", {}));
  listed.push_back(Page("/docs", "This list for people", {}));

  Response openapi = http::Json(200, RenderOpenApi(site, listed));
  openapi.headers.Set("Cache-Control", "no-cache");
  api.Add(Page("/openapi.json", "This list for programs (OpenAPI 3)", std::move(openapi)));

  DocsPage page = RenderDocs(site, listed);
  Response docs = http::Html(200, std::move(page.html));
  docs.headers.Set("Content-Security-Policy", page.content_security_policy);
  docs.headers.Set("Cache-Control", "no-cache");
  api.Add(Page("/docs", "This list for people", std::move(docs)));
  api.Add(Page("/", "Leads to /docs", http::Redirect(302, "/docs")));
}

}  // namespace genofed::gateway
