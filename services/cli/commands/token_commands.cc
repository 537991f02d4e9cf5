// SPDX-License-Identifier: Apache-2.0
//
// Tokens and trust files, judged offline: what operators and auditors look at when something was refused.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>

#include "libs/auth/checks.h"
#include "libs/auth/clearinghouse.h"
#include "libs/auth/trust_lint.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "services/cli/commands/session.h"
#include "services/cli/federation/up.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kMaxTrustFileBytes = 4U << 20;
constexpr std::size_t kMaxTokenBytes = 1U << 20;
constexpr std::size_t kMaxLineBytes = 4U << 20;
// Deeper nesting would overflow the stack when it is written again.
constexpr crypto::JsonLimits kReadable{.max_bytes = kMaxLineBytes, .max_depth = 64};

struct TokenOptions {
  std::string file = "-";
  std::string trust;
  std::string kind;
  std::string now;
  std::string audience, subject, sub_namespace, issuer, country, dataset, application, digest, certificate;
};

Result<std::string> ReadToken(const std::string& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    GF_ASSIGN(text, ReadFile(file, kMaxTokenBytes));
  }
  return std::string(Trim(text));
}

// The JSON of one part, for showing only; null when it is none.
Json Part(std::string_view token, std::size_t index) {
  const auto parts = Split(token, '.');
  if (index >= parts.size()) return nullptr;
  const auto text = Base64UrlDecode(parts[index]);
  return text.ok() ? crypto::ParseStrictJson(*text, kReadable).value_or(Json(nullptr))
                   : Json(nullptr);
}

std::string KindOf(const Json& header, const Json& claims) {
  const std::string type = ToLower(ContentOf(header, "typ"));
  if (type == "1mg-approval+jwt") return "approval";
  if (type == "1mg-decision+jwt") return "decision";
  if (type == "1mg-account+jwt") return "account";
  if (type == "vnd.ga4gh.passport+jwt" || (claims.is_object() && claims.contains("ga4gh_passport_v1"))) return "passport";
  if (type == "vnd.ga4gh.visa+jwt" || (claims.is_object() && claims.contains("ga4gh_visa_v1"))) return "visa";
  return "access_token";
}

Json Describe(std::string_view token) {
  Json header = Part(token, 0), claims = Part(token, 1);
  Json shown = {{"verified", false}, {"bytes", token.size()}, {"kind", KindOf(header, claims)}};
  if (claims.is_object() && claims.contains("ga4gh_passport_v1") && claims["ga4gh_passport_v1"].is_array()) {
    Json visas = Json::array();
    for (const Json& visa : claims["ga4gh_passport_v1"]) {
      visas.push_back(visa.is_string() ? Describe(visa.get<std::string>()) : Json(nullptr));
    }
    claims["ga4gh_passport_v1"] = fmt::format("{} visas", visas.size());
    shown["visas"] = std::move(visas);
  }
  shown["header"] = std::move(header);
  shown["claims"] = std::move(claims);
  return shown;
}

void PrintDescription(const Json& shown, const std::string& indent) {
  std::printf("%s%s of %s bytes\n", indent.c_str(), TextOf(shown, "kind").c_str(), TextOf(shown, "bytes").c_str());
  for (const char* part : {"header", "claims"}) {
    if (!shown[part].is_object()) {
      std::printf("%s  %s: not readable\n", indent.c_str(), part);
      continue;
    }
    for (const auto& [name, value] : shown[part].items()) {
      std::string text = value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
      if ((name == "exp" || name == "iat" || name == "nbf") && value.is_number_integer()) {
        text += "  " + FormatRfc3339(FromUnixSeconds(value.get<std::int64_t>()));
      }
      std::printf("%s  %-6s %-22s %s\n", indent.c_str(), part, Printable(name).c_str(),
                  Printable(text).c_str());
    }
  }
  if (!shown.contains("visas")) return;
  for (const Json& visa : shown["visas"]) {
    if (visa.is_object()) PrintDescription(visa, indent + "    ");
  }
}

int Inspect(const Target& target, const TokenOptions& options) {
  const auto token = ReadToken(options.file);
  if (!token.ok()) return Fail(token.status()), kUsage;
  const Json shown = Describe(*token);
  if (target.json) {
    std::printf("%s\n", shown.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    std::printf("NOT VERIFIED: anybody can write this. `genofed token verify` says whether it is true.\n");
    PrintDescription(shown, "");
  }
  for (const char* part : {"header", "claims"}) {
    if (!shown[part].is_object())
      return Fail(Error(StatusCode::kInvalidArgument, "TOKEN_INVALID", "this is no token: its {} cannot be read", part)), kUsage;
  }
  return kOk;
}

struct Case {
  auth::TrustStore trust;
  auth::ClearinghouseRequest request;
  auth::TokenKind kind = auth::TokenKind::kAccessToken;
  std::string token;
};

// The request of the trust file, if it has one, changed by what the command line says.
Result<auth::ClearinghouseRequest> RequestOf(const TokenOptions& options, const std::string& trust_text) {
  auto written = auth::ClearinghouseRequest::FromTrustFile(trust_text);
  auth::ClearinghouseRequest request;
  if (written.ok()) {
    request = *std::move(written);
  } else if (const auto fields = Fields(written.status()); fields.empty() || fields[0].field != "request") {
    return written.status();
  } else {
    request.now = SystemClock().Now();
  }
  if (options.now == "now") {
    request.now = SystemClock().Now();
  } else if (!options.now.empty()) {
    GF_ASSIGN(request.now, ParseRfc3339(options.now));
  }
  const auto take = [](const std::string& given, std::string& member) {
    if (!given.empty()) member = given;
  };
  take(options.audience, request.audience);
  take(options.subject, request.person.subject);
  take(options.sub_namespace, request.person.sub_namespace);
  take(options.issuer, request.person.issuer);
  take(options.country, request.country);
  take(options.dataset, request.dataset);
  take(options.application, request.application);
  take(options.digest, request.application_sha256);
  take(options.certificate, request.client_certificate_sha256);
  return request;
}

Result<Case> ReadCase(const TokenOptions& options) {
  Case one;
  GF_ASSIGN(const std::string text, ReadFile(options.trust, kMaxTrustFileBytes));
  GF_ASSIGN(one.trust, auth::TrustStore::FromJson(text));
  GF_ASSIGN(one.request, RequestOf(options, text));
  GF_ASSIGN(one.token, ReadToken(options.file));
  const std::string kind = options.kind.empty() ? KindOf(Part(one.token, 0), Part(one.token, 1)) : options.kind;
  GF_ASSIGN(one.kind, auth::ParseTokenKind(kind));
  return one;
}

int Verify(const Target& target, const TokenOptions& options) {
  const auto one = ReadCase(options);
  if (!one.ok()) return Fail(one.status()), kUsage;
  const auto judgement = auth::Judge(one->trust, one->request, one->kind, one->token);
  const std::string kind(auth::TokenKindName(one->kind));
  if (target.json) {
    Json answer = {{"kind", kind}, {"verdict", judgement.accepted ? "accept" : "reject"}};
    if (judgement.accepted) answer["until"] = FormatRfc3339(judgement.expires_at);
    if (!judgement.accepted) answer["why"] = judgement.why.check;
    std::printf("%s\n", answer.dump().c_str());
  } else if (judgement.accepted) {
    std::printf("accepted as %s until %s\n", kind.c_str(), FormatRfc3339(judgement.expires_at).c_str());
  } else {
    std::printf("refused as %s: %s, %s\n", kind.c_str(), judgement.why.check.c_str(),
                Printable(judgement.why.detail).c_str());
  }
  return judgement.accepted ? kOk : kRejected;
}

int Explain(const Target& target, const TokenOptions& options) {
  const auto one = ReadCase(options);
  if (!one.ok()) return Fail(one.status()), kUsage;
  const auto judgement = auth::Judge(one->trust, one->request, one->kind, one->token);
  const auto* failed = judgement.accepted ? nullptr : auth::FindCheckReason(judgement.why.check);
  const int last = failed == nullptr ? auth::kCheckCount : failed->step;
  Json steps = Json::array();
  for (int step = 1; step <= auth::kCheckCount; ++step) {
    // The last check needs a running site: consent and ledger are asked when data are read.
    const bool at_run_time = step == auth::kCheckCount;
    const char* state = step > last || at_run_time ? "not reached" : step == last && failed != nullptr ? "failed" : "passed";
    steps.push_back({{"check", step}, {"what", auth::CheckTitle(step)}, {"state", state}});
  }
  if (target.json) {
    Json answer = {{"kind", auth::TokenKindName(one->kind)}, {"verdict", judgement.accepted ? "accept" : "reject"}, {"checks", steps}};
    if (!judgement.accepted) {
      answer["why"] = judgement.why.check;
      answer["detail"] = judgement.why.detail;
      if (failed != nullptr) answer["remedy"] = failed->remedy;
    }
    std::printf("%s\n", answer.dump(2).c_str());
    return judgement.accepted ? kOk : kRejected;
  }
  for (const Json& step : steps) {
    const std::string state = TextOf(step, "state");
    const char* mark = state == "passed" ? "ok  " : state == "failed" ? "FAIL" : "-   ";
    std::printf("%s %2s %s\n", mark, TextOf(step, "check").c_str(), TextOf(step, "what").c_str());
  }
  if (judgement.accepted) {
    std::printf("accepted until %s\n", FormatRfc3339(judgement.expires_at).c_str());
    return kOk;
  }
  std::printf("%s: %s\n", judgement.why.check.c_str(), Printable(judgement.why.detail).c_str());
  if (failed != nullptr) std::printf("what to do: %s\n", std::string(failed->remedy).c_str());
  return kRejected;
}

int Lint(const Target& target, const std::string& file) {
  const auto text = ReadFile(file, kMaxTrustFileBytes);
  if (!text.ok()) return Fail(text.status()), kUsage;
  const auto findings = auth::LintTrustFile(*text);
  bool broken = false;
  Json list = Json::array();
  for (const auto& finding : findings) {
    const bool error = finding.severity == auth::LintFinding::Severity::kError;
    broken = broken || error;
    list.push_back({{"severity", error ? "error" : "warning"}, {"path", finding.path}, {"message", finding.message}});
    if (!target.json) {
      const std::string path = finding.path.empty() ? "" : finding.path + ": ";
      std::printf("%s: %s: %s%s\n", file.c_str(), error ? "error" : "warning", path.c_str(), finding.message.c_str());
    }
  }
  if (target.json) {
    std::printf("%s\n", Json{{"file", file}, {"findings", list}}.dump(2).c_str());
  } else if (findings.empty()) {
    std::printf("%s: nothing to complain about\n", file.c_str());
  }
  return broken ? kRejected : kOk;
}

// One line of the interchange format. A line that cannot be read is refused under whatever name it has.
Json JudgeLine(const auth::TrustStore& trust, const auth::ClearinghouseRequest& request, const std::string& text) {
  Json answer = {{"name", nullptr}, {"verdict", "reject"}, {"why", "INPUT_MALFORMED"}};
  const auto parsed = crypto::ParseStrictJson(text, kReadable);
  if (!parsed.ok()) {
    // The token in it is no text that JSON can hold; the name may still be.
    const auto from = text.find("\"name\"");
    const auto open = from == std::string::npos ? from : text.find('"', text.find(':', from + 6));
    const auto close = open == std::string::npos ? open : text.find('"', open + 1);
    if (close != std::string::npos) {
      const Json name = Json::parse(text.substr(open, close - open + 1), nullptr, false);
      if (!name.is_discarded()) answer["name"] = name;
    }
    return answer;
  }
  const Json& line = *parsed;
  if (!line.is_object()) return answer;
  if (line.contains("name")) answer["name"] = line["name"];
  const auto kind = auth::ParseTokenKind(ContentOf(line, "kind"));
  if (!line.contains("token") || !line["token"].is_string()) return answer;
  if (!kind.ok()) {
    answer["why"] = "KIND_UNKNOWN";
    return answer;
  }
  const auto judgement = auth::Judge(trust, request, *kind, line["token"].get_ref<const std::string&>());
  answer["verdict"] = judgement.accepted ? "accept" : "reject";
  answer["why"] = judgement.accepted ? "" : judgement.why.check;
  return answer;
}

int CheckClearinghouse(const std::string& file) {
  const auto text = ReadFile(file, kMaxTrustFileBytes);
  if (!text.ok()) return Fail(text.status()), kUsage;
  const auto trust = auth::TrustStore::FromJson(*text);
  if (!trust.ok()) return Fail(trust.status()), kUsage;
  const auto request = auth::ClearinghouseRequest::FromTrustFile(*text);
  if (!request.ok()) return Fail(request.status()), kUsage;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.ends_with('\r')) line.pop_back();
    std::printf("%s\n", JudgeLine(*trust, *request, line).dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  }
  return std::cin.bad() || std::ferror(stdout) != 0 ? kFailed : kOk;
}

void AddJudging(CLI::App* command, TokenOptions& options) {
  command->add_option("file", options.file, "File with the token; - reads it from standard input")->capture_default_str();
  command->add_option("--trust", options.trust, "Trust file of the site; its member \"request\" gives what is not named here")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--kind", options.kind, "access_token, visa, passport or approval; default: as the token says");
  command->add_option("--now", options.now, "Judge at this time (RFC 3339), or \"now\"; default: request.now, else now");
  command->add_option("--audience", options.audience, "This site");
  command->add_option("--subject", options.subject, "Who presents it");
  command->add_option("--sub-namespace", options.sub_namespace, "Whose names that subject is from, as in the trust file");
  command->add_option("--issuer", options.issuer, "iss by which the person came");
  command->add_option("--country", options.country, "Country of the node");
  command->add_option("--dataset", options.dataset, "What is to be read");
  command->add_option("--application", options.application, "Application it is read for");
  command->add_option("--application-sha256", options.digest, "Its digest");
  command->add_option("--certificate", options.certificate, "x5t#S256 of the caller's certificate");
}

}  // namespace

void AddTokenCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto options = std::make_shared<TokenOptions>();
  auto* token = commands.app.add_subcommand("token", "Look at a token: what it says, whether it counts, and why not");
  token->require_subcommand(1);
  token->footer(
      "Examples:\n"
      "  genofed token inspect passport.jwt\n"
      "  genofed token explain visa.jwt --trust trust.json --subject alice@aai.example --sub-namespace aai \\\n"
      "      --audience https://node.fi.example --country FI --dataset https://data.1mg.example/datasets/GDI-FI-DATASET-001\n"
      "Tokens are read from files or standard input, never from the command line, where others could see them.\n"
      "Exit codes: 0 accepted, or shown; 2 the question is wrong, or what inspect was given is no token; 3 refused.");
  auto persona = std::make_shared<std::string>();
  auto person = std::make_shared<std::string>();
  auto* get = token->add_subcommand("get", "A fresh access token of a persona, from the development login");
  get->add_option("persona", *persona, "Persona of federation.json")->required();
  get->add_option("--person", *person, "Person identifier; citizens only");
  get->footer("Example: genofed token get citizen_fi --person FI-P000007 > token.txt");
  get->callback([persona, person, &target, &action] {
    action = [persona, person, &target] {
      auto made = federation::PersonaToken(target.var, *persona, *person);
      if (!made.ok()) return Fail(made.status());
      std::printf("%s\n", made->c_str());
      return kOk;
    };
  });
  auto* inspect = token->add_subcommand("inspect", "Show header and claims, without believing them");
  inspect->add_option("file", options->file, "File with the token; - reads it from standard input")->capture_default_str();
  inspect->callback([&action, &target, options] { action = [&target, options] { return Inspect(target, *options); }; });
  auto* verify = token->add_subcommand("verify", "Say whether a token counts");
  AddJudging(verify, *options);
  verify->callback([&action, &target, options] { action = [&target, options] { return Verify(target, *options); }; });
  auto* explain = token->add_subcommand("explain", "Show which of the fourteen checks fails, and how to mend it");
  AddJudging(explain, *options);
  explain->callback([&action, &target, options] { action = [&target, options] { return Explain(target, *options); }; });

  auto file = std::make_shared<std::string>();
  auto* trust = commands.app.add_subcommand("trust", "Trust files: whom a site believes");
  trust->require_subcommand(1);
  trust->footer("Example:\n  genofed trust lint /etc/genofed/trust.json\nExit codes: 0 loads, 3 does not.");
  auto* lint = trust->add_subcommand("lint", "Say what is wrong or probably not meant in a trust file");
  lint->add_option("file", *file, "Trust file")->required();
  lint->callback([&action, &target, file] { action = [&target, file] { return Lint(target, *file); }; });

  auto* clearinghouse = commands.app.add_subcommand("clearinghouse", "Judge tokens as a node does, for audits and conformance runs");
  clearinghouse->require_subcommand(1);
  clearinghouse->footer(
      "Example:\n  genofed clearinghouse check --trust trust.json < tokens.jsonl\n"
      "Input lines: {\"name\", \"kind\": visa | passport | approval | access_token, \"token\"}.\n"
      "Output lines: {\"name\", \"verdict\": accept | reject, \"why\"}. Exit code 0 when every line was judged.");
  auto* check = clearinghouse->add_subcommand("check", "Judge one token a line for the request in the trust file");
  check->add_option("--trust", *file, "Trust file with a \"request\"")->required();
  check->callback([&action, file] { action = [file] { return CheckClearinghouse(*file); }; });
}

}  // namespace genofed::cli
