// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/session.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "libs/auth/dpop.h"
#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "libs/http/client.h"

namespace genofed::cli {
namespace {

// Deeper nesting would overflow the stack when it is printed.
constexpr crypto::JsonLimits kAnswer{.max_bytes = std::size_t{1} << 30, .max_depth = 64};

Result<Json> ParseAnswer(const std::string& text) {
  if (text.empty()) return Json::object();
  auto json = crypto::ParseStrictJson(text, kAnswer);
  if (!json.ok()) {
    return Error(StatusCode::kInternal, "ANSWER_UNREADABLE", "the site's answer is not JSON: {}",
                 Message(json.status()));
  }
  return json;
}

// Words of a command line need not be UTF-8, and JSON must be.
Result<std::string> ToText(const Json& body) {
  try {
    return body.dump();
  } catch (const Json::exception&) {
    return Error(StatusCode::kInvalidArgument, "TEXT_INVALID",
                 "what is to be sent is not UTF-8 text");
  }
}

// A problem document (RFC 9457), a GA4GH error body, whose reason is in a header, or an error of
// OAuth becomes a status again.
Status ToStatus(int http_status, const std::string& body, std::string reason) {
  const Json problem = crypto::ParseStrictJson(body, kAnswer).value_or(Json());
  if (reason.empty()) reason = "HTTP_" + std::to_string(http_status);
  std::string detail = "the site answered " + std::to_string(http_status);
  if (problem.is_object()) {
    if (problem.contains("reason")) reason = TextOf(problem, "reason");
    if (Member(problem, "error").is_string()) reason = TextOf(problem, "error");
    for (const char* member : {"detail", "msg", "title", "error_description"}) {
      if (std::string text = TextOf(problem, member); !text.empty()) {
        detail = text;
        break;
      }
    }
    if (Member(problem, "error").is_object())
      detail = TextOf(Member(problem, "error"), "errorMessage");
  }
  StatusCode code = http_status == 401   ? StatusCode::kUnauthenticated
                    : http_status == 403 ? StatusCode::kPermissionDenied
                    : http_status == 404 ? StatusCode::kNotFound
                    : http_status == 409 ? StatusCode::kFailedPrecondition
                    : http_status < 500  ? StatusCode::kInvalidArgument
                                         : StatusCode::kUnavailable;
  Status status = MakeError(code, reason, detail);
  if (Member(problem, "errors").is_array()) {
    for (const Json& error : Member(problem, "errors"))
      status = WithField(std::move(status), TextOf(error, "field"), TextOf(error, "detail"));
  }
  return status;
}

}  // namespace

const Json& Member(const Json& json, const std::string& member) {
  static const Json kNone;
  const auto found = json.is_object() ? json.find(member) : json.end();
  return found == json.end() ? kNone : *found;
}

std::string ContentOf(const Json& json, const std::string& member) {
  const Json& value = Member(json, member);
  if (value.is_null()) return "";
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string TextOf(const Json& json, const std::string& member) {
  return Printable(ContentOf(json, member));
}

std::string Printable(std::string_view text) {
  std::string shown;
  shown.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : '\0');
    if (byte == '\n' || byte == '\t') {
      shown += ' ';
    } else if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
      ++i;  // C1, in UTF-8
    } else if (byte >= 0x20 && byte != 0x7f) {
      shown += text[i];
    }
  }
  return shown;
}

Status Session::Resolve() {
  if (!url_.empty()) return absl::OkStatus();
  GF_TRY(FindSite());
  if (!target_.token_file.empty()) {
    GF_ASSIGN(std::string token, ReadFile(target_.token_file, 1U << 16));
    token_ = std::string(Trim(token));
    // Not as whoever is signed in instead.
    if (token_.empty()) {
      return Error(StatusCode::kInvalidArgument, "TOKEN_MISSING", "there is no token in {}",
                   target_.token_file);
    }
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
  if (!passport_.empty()) request.headers.Set("GA4GH-Passport", passport_);
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
  GF_ASSIGN(std::string text, ToText(body));
  GF_ASSIGN(std::string answer, Exchange("POST", path, std::move(text), "application/json"));
  return ParseAnswer(answer);
}
Result<Json> Session::Put(const std::string& path, const Json& body) {
  GF_ASSIGN(std::string text, ToText(body));
  GF_ASSIGN(std::string answer, Exchange("PUT", path, std::move(text), "application/json"));
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

// RFC 8693, as GA4GH AAI 1.2 uses it.
Result<std::string> Session::Passport(const std::string& audience) {
  constexpr std::string_view kTokenType = "urn:ietf:params:oauth:token-type:access_token";
  constexpr std::string_view kPassportType = "urn:ga4gh:params:oauth:token-type:passport";
  GF_TRY(Resolve());
  if (token_.empty())
    return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING", "a passport is somebody's");
  std::string form = "grant_type=" + Escape("urn:ietf:params:oauth:grant-type:token-exchange");
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>
                                    {"subject_token_type", kTokenType},
                                    {"requested_token_type", kPassportType},
                                    {"subject_token", token_},
                                    {"audience", audience}})
    form += fmt::format("&{}={}", name, Escape(value));
  GF_ASSIGN(const std::string answer, Exchange("POST", "/oauth/token", std::move(form),
                                               "application/x-www-form-urlencoded"));
  GF_ASSIGN(const Json issued, ParseAnswer(answer));
  return ContentOf(issued, "access_token");
}

int Fail(const Status& status) {
  std::fprintf(stderr, "genofed: %s (%s)\n", Printable(Message(status)).c_str(),
               Printable(Reason(status)).c_str());
  for (const auto& field : Fields(status)) {
    const std::string line = field.field + ": " + field.description;
    if (line != Message(status)) std::fprintf(stderr, "  %s\n", Printable(line).c_str());
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

void PrintTable(std::vector<std::vector<std::string>> rows) {
  for (auto& row : rows) {
    for (std::string& cell : row) cell = Printable(cell);
  }
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
