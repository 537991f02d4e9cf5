// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/session.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "libs/auth/dpop.h"
#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/http/client.h"

namespace genofed::cli {
namespace {

Result<Json> ParseAnswer(const std::string& text) {
  if (text.empty()) return Json::object();
  Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded())
    return Error(StatusCode::kInternal, "ANSWER_UNREADABLE", "the site's answer is not JSON");
  return json;
}

// A problem document (RFC 9457) or a GA4GH error body, whose reason is in a header, becomes a
// status again.
Status ToStatus(int http_status, const std::string& body, std::string reason) {
  Json problem = Json::parse(body, nullptr, false);
  if (reason.empty()) reason = "HTTP_" + std::to_string(http_status);
  std::string detail = "the site answered " + std::to_string(http_status);
  if (problem.is_object()) {
    if (problem.contains("reason")) reason = TextOf(problem, "reason");
    for (const char* member : {"detail", "msg", "title"}) {
      if (std::string text = TextOf(problem, member); !text.empty()) {
        detail = text;
        break;
      }
    }
    if (problem.contains("error") && problem["error"].is_object())
      detail = TextOf(problem["error"], "errorMessage");
  }
  StatusCode code = http_status == 401   ? StatusCode::kUnauthenticated
                    : http_status == 403 ? StatusCode::kPermissionDenied
                    : http_status == 404 ? StatusCode::kNotFound
                    : http_status == 409 ? StatusCode::kFailedPrecondition
                    : http_status < 500  ? StatusCode::kInvalidArgument
                                         : StatusCode::kUnavailable;
  Status status = MakeError(code, reason, detail);
  if (problem.is_object() && problem.contains("errors") && problem["errors"].is_array()) {
    for (const Json& error : problem["errors"])
      status = WithField(std::move(status), TextOf(error, "field"), TextOf(error, "detail"));
  }
  return status;
}

}  // namespace

std::string TextOf(const Json& json, const std::string& member) {
  if (!json.is_object() || !json.contains(member) || json[member].is_null()) return "";
  return json[member].is_string() ? json[member].get<std::string>() : json[member].dump();
}

Status Session::Resolve() {
  if (!url_.empty()) return absl::OkStatus();
  GF_TRY(FindSite());
  if (!target_.token_file.empty()) {
    GF_ASSIGN(std::string token, ReadFile(target_.token_file, 1U << 16));
    token_ = std::string(Trim(token));
  }
  return token_.empty() && !target_.anonymous ? UseStoredLogin() : absl::OkStatus();
}

void Session::Use(const StoredLogin& login) {
  token_ = login.access_token;
  key_ = login.key;
}

Status Session::UseStoredLogin() {
  GF_ASSIGN(const auto login, LoadLogin(url_));
  if (!login) return absl::OkStatus();
  if (SystemClock().Now() < login->expires) {
    Use(*login);
  } else {
    std::fprintf(stderr, "genofed: your sign-in at %s has ended; `genofed login` renews it\n", url_.c_str());
  }
  return absl::OkStatus();
}

Status Session::FindSite() {
  if (!target_.url.empty()) {
    url_ = target_.url;
    ca_ = target_.ca_file;
  } else {
    auto text = ReadFile(target_.var + "/federation.json");
    if (!text.ok()) {
      return Error(
          StatusCode::kFailedPrecondition, "NO_FEDERATION",
          "no federation runs from {} (start one with `genofed up`, or name a site with --url)",
          target_.var);
    }
    GF_ASSIGN(Json federation, ParseAnswer(*text));
    std::string site = target_.site;
    if (!target_.persona.empty()) {
      if (!federation["personas"].contains(target_.persona)) {
        return Error(StatusCode::kInvalidArgument, "PERSONA_UNKNOWN",
                     "there is no persona {}; federation.json lists them", target_.persona);
      }
      const Json& persona = federation["personas"][target_.persona];
      token_ = TextOf(persona, "token");
      if (site.empty()) site = TextOf(persona, "site");
    }
    if (site.empty()) site = "hub";
    std::vector<Json> sites = {federation["hub"]};
    for (const Json& node : federation["nodes"]) sites.push_back(node);
    auto found = std::find_if(sites.begin(), sites.end(),
                              [&](const Json& s) { return TextOf(s, "site") == ToLower(site); });
    if (found == sites.end())
      return Error(StatusCode::kInvalidArgument, "SITE_UNKNOWN", "there is no site {}", site);
    url_ = TextOf(*found, "rest");
    ca_ = TextOf(federation, "ca_file");
  }
  while (url_.ends_with('/')) url_.pop_back();
  return absl::OkStatus();
}

Result<std::string> Session::Exchange(const std::string& method, const std::string& path,
                                      std::string body, const std::string& content_type,
                                      std::function<Status(std::string_view)> sink) {
  GF_TRY(Resolve());
  http::Client client({.base_url = url_, .ca_file = ca_, .timeout = std::chrono::seconds(60)});
  http::ClientRequest request;
  request.method = *http::ParseMethod(method);
  request.target = path;
  request.body = std::move(body);
  if (!content_type.empty()) request.headers.Set("Content-Type", content_type);
  if (key_ != nullptr) {
    SystemRandom random;
    request.headers.Set("Authorization", "DPoP " + token_);
    request.headers.Set("DPoP", auth::MakeDpopProof(*key_, method, url_ + path, token_, SystemClock(), random));
  } else if (!token_.empty()) {
    request.headers.Set("Authorization", "Bearer " + token_);
  }
  if (sink) {
    request.sink = [&sink](const http::ClientResponse&, std::string_view bytes) { return sink(bytes); };
  }
  GF_ASSIGN(auto response, client.Send(request));
  if (response.status >= 300) {
    return ToStatus(response.status, response.body,
                    std::string(response.headers.Get("Genofed-Reason").value_or("")));
  }
  return std::move(response.body);
}

Result<Json> Session::Get(const std::string& path) {
  GF_ASSIGN(std::string body, Exchange("GET", path, "", ""));
  return ParseAnswer(body);
}
Result<Json> Session::Post(const std::string& path, const Json& body) {
  GF_ASSIGN(std::string answer, Exchange("POST", path, body.dump(), "application/json"));
  return ParseAnswer(answer);
}
Result<Json> Session::Put(const std::string& path, const Json& body) {
  GF_ASSIGN(std::string answer, Exchange("PUT", path, body.dump(), "application/json"));
  return ParseAnswer(answer);
}
Result<Json> Session::PutBytes(const std::string& path, std::string bytes) {
  GF_ASSIGN(std::string answer,
            Exchange("PUT", path, std::move(bytes), "application/octet-stream"));
  return ParseAnswer(answer);
}
Result<std::string> Session::GetBytes(const std::string& path) {
  return Exchange("GET", path, "", "");
}
Status Session::Stream(const std::string& path, std::function<Status(std::string_view)> sink) {
  return Exchange("GET", path, "", "", std::move(sink)).status();
}
Status Session::Delete(const std::string& path) {
  return Exchange("DELETE", path, "", "").status();
}

Result<Json> Session::PostForm(const std::string& path,
                               const std::vector<std::pair<std::string, std::string>>& fields,
                               const std::string& file_name, const std::string& file_content) {
  SystemRandom random;
  const std::string boundary = "genofed-" + HexEncode(random.Bytes(16));
  std::string body;
  for (const auto& [name, value] : fields) {
    body += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n\r\n" +
            value + "\r\n";
  }
  body += "--" + boundary +
          "\r\nContent-Disposition: form-data; name=\"workflow_attachment\"; filename=\"" +
          file_name + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + file_content +
          "\r\n--" + boundary + "--\r\n";
  GF_ASSIGN(std::string answer,
            Exchange("POST", path, std::move(body), "multipart/form-data; boundary=" + boundary));
  return ParseAnswer(answer);
}

int Fail(const Status& status) {
  std::fprintf(stderr, "genofed: %s (%s)\n", Message(status).c_str(), Reason(status).c_str());
  for (const auto& field : Fields(status)) {
    const std::string line = field.field + ": " + field.description;
    if (line != Message(status)) std::fprintf(stderr, "  %s\n", line.c_str());
  }
  if (status.code() == StatusCode::kUnauthenticated) {
    std::fprintf(stderr,
                 "  sign in: `genofed login`, a persona with --as, or a token with --token-file; tokens are "
                 "meant for one site\n");
  }
  return kFailed;
}

int Show(const Session& session, const Result<Json>& answer,
         const std::function<void(const Json&)>& human) {
  if (!answer.ok()) return Fail(answer.status());
  if (session.json())
    std::printf("%s\n", answer->dump(2).c_str());
  else
    human(*answer);
  return kOk;
}

void PrintTable(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> width;
  for (const auto& row : rows) {
    width.resize(std::max(width.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) width[i] = std::max(width[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line.append(width[i] - row[i].size() + 2, ' ');
    }
    std::printf("%s\n", line.c_str());
  }
}

std::string Escape(std::string_view text) {
  std::string escaped;
  for (char c : text) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '_' || c == '.' || c == '~';
    if (plain)
      escaped += c;
    else
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return escaped;
}

Result<Json> AllPages(const std::function<Result<Json>(const std::string&)>& get,
                      const std::string& path, const std::string& list) {
  GF_ASSIGN(Json all, get(path));
  const std::string next = path + (path.find('?') == std::string::npos ? "?" : "&") + "page_token=";
  std::set<std::string> seen;
  for (std::string token = TextOf(all, "next_page_token"); !token.empty();) {
    if (!seen.insert(token).second)
      return Error(StatusCode::kDataLoss, "PAGING_LOOP", "the site gives out the same page again");
    GF_ASSIGN(Json page, get(next + Escape(token)));
    for (Json& item : page[list]) all[list].push_back(std::move(item));
    token = TextOf(page, "next_page_token");
  }
  all.erase("next_page_token");
  return all;
}

Result<Json> GetAllPages(Session& session, const std::string& path, const std::string& list) {
  return AllPages([&session](const std::string& page) { return session.Get(page); }, path, list);
}

}  // namespace genofed::cli
