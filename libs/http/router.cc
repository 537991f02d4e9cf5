// SPDX-License-Identifier: Apache-2.0
#include "libs/http/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>

#include "libs/core/retry_after.h"
#include "libs/core/strings.h"
#include "libs/ga4gh/errors.h"
#include "libs/http/problem.h"

namespace genofed::http {
namespace {

using Params = std::map<std::string, std::string, std::less<>>;

// One segment of a pattern. Order of the kinds is order of preference.
struct Piece {
  enum class Kind { kLiteral, kSuffixed, kParam, kRest } kind = Kind::kLiteral;
  std::string text;    // the literal, or the placeholder's name
  std::string suffix;  // of kSuffixed
};

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> out;
  for (const std::string_view segment : Split(path, '/')) {
    if (!segment.empty()) out.emplace_back(segment);
  }
  return out;
}

Piece ParsePiece(std::string_view text) {
  if (!text.starts_with('{')) return {Piece::Kind::kLiteral, std::string(text), ""};
  const std::size_t close = text.find('}');
  GF_CHECK(close != std::string_view::npos && close > 1);
  const std::string_view name = text.substr(1, close - 1);
  const std::string_view suffix = text.substr(close + 1);
  if (name.ends_with("...")) {
    GF_CHECK(suffix.empty());
    return {Piece::Kind::kRest, std::string(name.substr(0, name.size() - 3)), ""};
  }
  return {suffix.empty() ? Piece::Kind::kParam : Piece::Kind::kSuffixed, std::string(name), std::string(suffix)};
}

std::vector<Piece> ParsePattern(std::string_view pattern) {
  GF_CHECK(pattern.starts_with('/'));
  std::vector<Piece> pieces;
  for (const std::string& segment : SplitPath(pattern)) pieces.push_back(ParsePiece(segment));
  for (std::size_t i = 0; i + 1 < pieces.size(); ++i) GF_CHECK(pieces[i].kind != Piece::Kind::kRest);
  return pieces;
}

bool MatchPiece(const Piece& piece, const std::string& segment, Params& params) {
  switch (piece.kind) {
    case Piece::Kind::kLiteral:
      return piece.text == segment;
    case Piece::Kind::kSuffixed:
      if (segment.size() <= piece.suffix.size() || !segment.ends_with(piece.suffix)) return false;
      params[piece.text] = segment.substr(0, segment.size() - piece.suffix.size());
      return true;
    default:
      params[piece.text] = segment;
      return true;
  }
}

// How specific a match is: the kinds of its pieces, compared segment by segment; smaller is more specific.
using Rank = std::vector<int>;

std::optional<Rank> MatchPattern(const std::vector<Piece>& pieces, const std::vector<std::string>& segments,
                                 Params& params) {
  Rank rank;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    rank.push_back(static_cast<int>(pieces[i].kind));
    if (pieces[i].kind == Piece::Kind::kRest) {
      std::string rest;
      for (std::size_t j = i; j < segments.size(); ++j) rest += (j > i ? "/" : "") + segments[j];
      params[pieces[i].text] = std::move(rest);
      return rank;
    }
    if (i >= segments.size() || !MatchPiece(pieces[i], segments[i], params)) return std::nullopt;
  }
  if (pieces.size() != segments.size()) return std::nullopt;
  return rank;
}

std::size_t CommonPrefix(const std::vector<std::string>& prefix, const std::vector<std::string>& segments) {
  const auto ends = std::mismatch(prefix.begin(), prefix.end(), segments.begin(), segments.end());
  return static_cast<std::size_t>(ends.first - prefix.begin());
}

std::string AllowOf(const std::vector<Method>& methods) {
  std::array<bool, 7> allowed{};
  for (const Method method : methods) allowed.at(static_cast<std::size_t>(method)) = true;
  if (allowed[static_cast<std::size_t>(Method::kGet)]) allowed[static_cast<std::size_t>(Method::kHead)] = true;
  allowed[static_cast<std::size_t>(Method::kOptions)] = true;
  std::string allow;
  for (std::size_t i = 0; i < allowed.size(); ++i) {
    if (!allowed.at(i)) continue;
    if (!allow.empty()) allow += ", ";
    allow += MethodName(static_cast<Method>(i));
  }
  return allow;
}

std::string EscapeHtml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out.push_back(c);
    }
  }
  return out;
}

std::string ErrorPage(int status, std::string_view message, std::string_view trace_id) {
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0} {1}</title></head>\n"
      "<body><main><h1>{1}</h1><p>{2}</p><p><small>{0} · {3}</small></p></main></body></html>\n",
      status, StatusPhrase(status), EscapeHtml(message), EscapeHtml(trace_id));
}

}  // namespace

// A route with its pattern taken apart.
struct Router::Entry {
  Route route;
  std::vector<Piece> pieces;
};

std::string_view FamilyName(ApiFamily family) {
  static constexpr std::array<std::string_view, 7> kNames = {
      "native", "ga4gh-wes", "ga4gh-tes", "ga4gh-drs", "ga4gh-htsget", "beacon", "html"};
  return kNames.at(static_cast<std::size_t>(family));
}

Router::Router(RouterOptions options) : options_(std::move(options)) {}
Router::~Router() = default;

void Router::Add(Route route) {
  GF_CHECK(route.handler != nullptr);
  for (const auto& entry : entries_) {
    GF_CHECK(entry->route.method != route.method || entry->route.pattern != route.pattern);
  }
  std::vector<Piece> pieces = ParsePattern(route.pattern);
  std::vector<std::string> literal;
  for (const Piece& piece : pieces) {
    if (piece.kind != Piece::Kind::kLiteral) break;
    literal.push_back(piece.text);
  }
  prefixes_.emplace_back(std::move(literal), route.family);
  entries_.push_back(std::make_unique<Entry>(Entry{std::move(route), std::move(pieces)}));
}

void Router::SetFamily(std::string prefix, ApiFamily family) {
  explicit_prefixes_.emplace_back(SplitPath(prefix), family);
}

std::vector<const Route*> Router::routes() const {
  std::vector<const Route*> out;
  for (const auto& entry : entries_) out.push_back(&entry->route);
  return out;
}

// An explicit prefix that covers the path wins when it is at least as long as what any route shares with the path.
ApiFamily Router::FamilyOf(const std::vector<std::string>& segments) const {
  ApiFamily family = ApiFamily::kNative;
  std::size_t longest = 0;
  for (const auto& [prefix, candidate] : prefixes_) {
    const std::size_t common = CommonPrefix(prefix, segments);
    if (common > longest) {
      longest = common;
      family = candidate;
    }
  }
  bool found = false;
  std::size_t best = 0;
  for (const auto& [prefix, candidate] : explicit_prefixes_) {
    if (CommonPrefix(prefix, segments) != prefix.size() || prefix.size() < longest) continue;
    if (found && prefix.size() <= best) continue;
    found = true;
    best = prefix.size();
    family = candidate;
  }
  return family;
}

Router::Match Router::Find(Method method, const std::vector<std::string>& segments) const {
  struct Candidate {
    const Route* route;
    Rank rank;
    Params params;
  };
  std::vector<Candidate> candidates;
  for (const auto& entry : entries_) {
    Params params;
    if (auto rank = MatchPattern(entry->pieces, segments, params)) {
      candidates.push_back({&entry->route, std::move(*rank), std::move(params)});
    }
  }
  Match match;
  if (candidates.empty()) {
    match.family = FamilyOf(segments);
    return match;
  }
  // The most specific pattern decides; methods are judged among its routes only.
  const Rank best = std::ranges::min_element(candidates, {}, &Candidate::rank)->rank;
  std::erase_if(candidates, [&](const Candidate& candidate) { return candidate.rank != best; });
  match.family = candidates.front().route->family;
  std::vector<Method> methods;
  for (const Candidate& candidate : candidates) methods.push_back(candidate.route->method);
  match.allow = AllowOf(methods);
  auto chosen = std::ranges::find(candidates, method, [](const Candidate& c) { return c.route->method; });
  if (chosen == candidates.end() && method == Method::kHead) {
    chosen = std::ranges::find(candidates, Method::kGet, [](const Candidate& c) { return c.route->method; });
  }
  if (chosen != candidates.end()) {
    match.route = chosen->route;
    match.params = std::move(chosen->params);
    match.family = chosen->route->family;
  }
  return match;
}

Response Router::RenderError(ApiFamily family, const Status& status, const Request& request) const {
  const int code = HttpStatusOf(status);
  const std::string& trace_id = request.ctx.trace_id();
  const std::string message = PublicMessage(status, trace_id);
  Response response;
  switch (family) {
    case ApiFamily::kWes:
    case ApiFamily::kTes:
    case ApiFamily::kDrs:
      response = Json(code, ga4gh::RenderError(code, message));
      break;
    case ApiFamily::kHtsget:
      response = Json(code, ga4gh::RenderHtsgetError(code, Reason(status), message));
      break;
    case ApiFamily::kBeacon:
      response = Json(code, ga4gh::RenderBeaconError(code, message, options_.beacon_id, options_.beacon_api_version));
      break;
    case ApiFamily::kHtml:
      response = Html(code, ErrorPage(code, message, trace_id));
      break;
    case ApiFamily::kNative: {
      const std::string instance = request.target.substr(0, request.target.find('?'));
      response = Json(code, RenderProblem(status, code, instance, trace_id));
      response.headers.Set("Content-Type", "application/problem+json");
      break;
    }
  }
  if (code == 429 || code == 503) {
    const auto after = RetryAfter(status).value_or(std::chrono::seconds(1));
    response.headers.Set("Retry-After", std::to_string(after.count()));
  }
  if (code == 401) response.headers.Set("WWW-Authenticate", "Bearer");
  // The bodies of some standards have no place for it.
  if (const std::string reason = Reason(status); reason != "UNSPECIFIED") response.headers.Set("Genofed-Reason", reason);
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

Response Router::Handle(Request& request) const { return Handle(Find(request.method, request.segments), request); }

Response Router::Handle(const Match& match, Request& request) const {
  if (match.route == nullptr) {
    if (match.allow.empty()) {
      return RenderError(match.family, Error(StatusCode::kNotFound, "NO_SUCH_ROUTE", "there is nothing at this path"),
                         request);
    }
    Response response = request.method == Method::kOptions
                            ? NoContent()
                            : RenderError(match.family,
                                          Error(StatusCode::kUnimplemented, kMethodNotAllowed,
                                                "{} is not allowed here; allowed: {}", MethodName(request.method),
                                                match.allow),
                                          request);
    response.headers.Set("Allow", match.allow);
    return response;
  }
  request.route = match.route->pattern;
  request.params = match.params;
  try {
    Result<Response> response = match.route->handler(request);
    return response.ok() ? *std::move(response) : RenderError(match.family, response.status(), request);
  } catch (...) {
    return RenderError(match.family, Error(StatusCode::kInternal, "HANDLER_THREW", "a handler threw"), request);
  }
}

}  // namespace genofed::http
