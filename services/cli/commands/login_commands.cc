// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/login_commands.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <thread>

#include "libs/auth/dpop.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypto/strict_json.h"
#include "libs/http/client.h"
#include "services/cli/commands/stored_login.h"

namespace genofed::cli {
namespace {

constexpr std::size_t kMaxAnswerBytes = 64U << 10;
constexpr std::chrono::seconds kMinute{60};

struct LoginOptions {
  bool dpop = false;
  std::string provider_ca;
};

Status Unusable(std::string_view what) {
  return Error(StatusCode::kFailedPrecondition, "PROVIDER_UNUSABLE", "the login service {}", what);
}

// The device authorization grant (RFC 8628) as a public client.
class DeviceFlow {
 public:
  DeviceFlow(Json login, std::string ca_file, std::shared_ptr<const crypto::SigningKey> key)
      : login_(std::move(login)), ca_file_(std::move(ca_file)), key_(std::move(key)) {}

  // Asks for a code to show: {device_code, user_code, verification_uri, ...}.
  Result<Json> Start() {
    std::string form = Field("client_id", "client_id") + "&" + Field("scope", "scope");
    if (!TextOf(login_, "resource").empty()) form += "&" + Field("resource", "resource");
    GF_ASSIGN(auto answer, Post("device_authorization_endpoint", form));
    for (const char* member : {"device_code", "user_code", "verification_uri"}) {
      if (TextOf(answer.second, member).empty()) return Unusable("does not offer sign-in for programs");
    }
    if (!TextOf(answer.second, "verification_uri").starts_with("https://")) return Unusable("names no https page");
    return answer.second;
  }

  // Waits until the person has decided; returns the access token.
  Result<std::string> Wait(const Json& device) {
    const auto end = std::chrono::steady_clock::now() + Seconds(device, "expires_in", 600);
    auto interval = Seconds(device, "interval", 5);
    const std::string form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&" +
                             Field("client_id", "client_id") +
                             "&device_code=" + Escape(TextOf(device, "device_code"));
    while (std::chrono::steady_clock::now() + interval < end) {
      std::this_thread::sleep_for(interval);
      const auto answer = Post("token_endpoint", form);
      if (!answer.ok()) {  // section 3.5: slower when the connection fails
        if (answer.status().code() != StatusCode::kUnavailable) return answer.status();
        interval = std::min<std::chrono::seconds>(interval * 2, kMinute);
        continue;
      }
      const auto& [status, body] = *answer;
      if (status == 200) return TokenOf(body);
      const std::string error = TextOf(body, "error");
      if (error == "authorization_pending") continue;
      if (error == "slow_down") {
        interval += std::chrono::seconds(5);
      } else if (error == "access_denied") {
        return Error(StatusCode::kPermissionDenied, "LOGIN_REFUSED", "the sign-in was refused");
      } else if (error == "expired_token") {
        break;
      } else {
        return Unusable("gave no token: " + Printable(error));
      }
    }
    return Error(StatusCode::kDeadlineExceeded, "LOGIN_EXPIRED", "nobody signed in with the code in time");
  }

 private:
  std::string Field(const char* name, const char* member) const {
    return std::string(name) + "=" + Escape(TextOf(login_, member));
  }
  static std::chrono::seconds Seconds(const Json& json, const char* member, int fallback) {
    const auto value = json.find(member);
    const bool usable = value != json.end() && value->is_number_unsigned() && *value >= 1 && *value <= 3600;
    return std::chrono::seconds(usable ? value->get<int>() : fallback);
  }

  Result<std::string> TokenOf(const Json& body) const {
    const std::string token = TextOf(body, "access_token");
    if (token.empty()) return Unusable("gave no token");
    if (ToLower(TextOf(body, "token_type")) != (key_ ? "dpop" : "bearer")) {
      return Unusable(key_ ? "does not bind tokens to keys (DPoP); sign in without --dpop" : "gave another kind of token");
    }
    return token;
  }

  Result<std::pair<int, Json>> Post(const char* endpoint, const std::string& form) {
    const std::string url = TextOf(login_, endpoint);
    const auto path = url.starts_with("https://") ? url.find('/', 8) : std::string::npos;
    if (path == std::string::npos) return Unusable("names no https endpoints");
    http::Client client({.base_url = url.substr(0, path), .ca_file = ca_file_, .timeout = std::chrono::seconds(20),
                         .max_response_bytes = kMaxAnswerBytes});
    http::ClientRequest request;
    request.method = http::Method::kPost;
    request.target = url.substr(path);
    request.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
    if (key_ != nullptr && std::string_view(endpoint) == "token_endpoint") {
      request.headers.Add("DPoP", auth::MakeDpopProof(*key_, "POST", url, "", clock_, random_));
    }
    request.body = form;
    GF_ASSIGN(auto response, client.Send(request));
    auto body = crypto::ParseStrictJson(response.body);
    if (!body.ok() || !body->is_object()) return Unusable("answered without JSON");
    return std::pair(response.status, *std::move(body));
  }

  const Json login_;
  const std::string ca_file_;
  const std::shared_ptr<const crypto::SigningKey> key_;
  SystemClock clock_;
  SystemRandom random_;
};

void ShowCode(const Json& device, bool json) {
  const std::string uri = Printable(TextOf(device, "verification_uri"));
  const std::string code = Printable(TextOf(device, "user_code"));
  if (json) {
    const Json shown = {{"verification_uri", uri},
                        {"user_code", code},
                        {"verification_uri_complete", TextOf(device, "verification_uri_complete")},
                        {"expires_in", device.value("expires_in", Json(600))}};
    std::printf("%s\n", shown.dump().c_str());
  } else {
    std::printf("Open %s\nand enter the code  %s\n\nWaiting ...\n", uri.c_str(), code.c_str());
  }
  std::fflush(stdout);
}

void ShowPerson(const Json& me) {
  std::string roles;
  for (const Json& role : me.value("roles", Json::array()))
    roles += (roles.empty() ? "" : ", ") + Printable(role.get<std::string>());
  std::printf("%s%s%s\nroles:   %s\nuntil:   %s%s\n", TextOf(me, "name").empty() ? TextOf(me, "subject").c_str()
                                                                               : TextOf(me, "name").c_str(),
              TextOf(me, "organisation").empty() ? "" : ", ", TextOf(me, "organisation").c_str(), roles.c_str(),
              TextOf(me, "expires").c_str(), me.value("bound_to_key", false) ? ", only with this machine's key" : "");
}

// The token counts only once the site has accepted it.
Result<Json> TryAndSave(const Target& target, const std::string& url, StoredLogin login) {
  Session session(target);
  session.Use(login);
  GF_ASSIGN(const Json me, session.Get("/api/v1/me"));
  GF_ASSIGN(login.expires, ParseRfc3339(TextOf(me, "expires")));
  GF_TRY(SaveLogin(url, login));
  return me;
}

Result<Json> Login(const Target& target, const LoginOptions& options) {
  Session session(target);
  GF_ASSIGN(const Json site, session.Get("/api/v1/site"));
  if (!site.contains("login") || !site["login"].is_object()) {
    return Error(StatusCode::kFailedPrecondition, "LOGIN_NOT_OFFERED", "this site offers no sign-in for programs");
  }
  StoredLogin login;
  if (options.dpop) {
    GF_ASSIGN(auto key, crypto::SigningKey::Generate());
    login.key = std::make_shared<const crypto::SigningKey>(std::move(key));
  }
  DeviceFlow flow(site["login"], options.provider_ca.empty() ? session.ca() : options.provider_ca, login.key);
  GF_ASSIGN(const Json device, flow.Start());
  ShowCode(device, target.json);
  GF_ASSIGN(login.access_token, flow.Wait(device));
  return TryAndSave(target, session.url(), std::move(login));
}

int RunLogin(Target target, const LoginOptions& options) {
  if (!target.persona.empty() || !target.token_file.empty()) {
    return Fail(Error(StatusCode::kInvalidArgument, "USAGE", "`login` takes neither --as nor --token-file")), kUsage;
  }
  target.anonymous = true;
  const auto me = Login(target, options);
  if (!me.ok()) return Fail(me.status());
  if (target.json) {
    std::printf("%s\n", me->dump().c_str());
  } else {
    std::printf("Signed in: ");
    ShowPerson(*me);
  }
  return kOk;
}

int RunLogout(Target target) {
  if (!target.persona.empty() || !target.token_file.empty()) {
    return Fail(Error(StatusCode::kInvalidArgument, "USAGE", "`logout` takes neither --as nor --token-file")), kUsage;
  }
  target.anonymous = true;
  Session session(target);
  if (const Status resolved = session.Resolve(); !resolved.ok()) return Fail(resolved);
  const auto stored = LoadLogin(session.url());
  Status told;
  if (stored.ok() && *stored) {
    session.Use(**stored);
    told = session.Post("/logout").status();
    // Ended already, or the site keeps no sessions.
    if (told.code() == StatusCode::kUnauthenticated || told.code() == StatusCode::kNotFound) told = absl::OkStatus();
  }
  const auto deleted = DeleteLogin(session.url());
  if (!deleted.ok()) return Fail(deleted.status());
  if (!*deleted) {
    return Fail(Error(StatusCode::kFailedPrecondition, "NOT_SIGNED_IN", "you are not signed in at {}", session.url()));
  }
  if (!told.ok()) {
    std::fprintf(stderr, "genofed: the stored token is deleted, but the site could not be told and accepts it until it ends\n");
    return Fail(told);
  }
  if (target.json) {
    std::printf("%s\n", Json{{"signed_out", session.url()}}.dump().c_str());
  } else {
    std::printf("Signed out of %s\n", session.url().c_str());
  }
  return kOk;
}

int RunWhoAmI(const Target& target) {
  Session session(target);
  return Show(session, session.Get("/api/v1/me"), &ShowPerson);
}

}  // namespace

void AddLoginCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto options = std::make_shared<LoginOptions>();
  auto* login = commands.app.add_subcommand(
      "login", "Sign in at a site: shows an address and a code to enter there, then waits");
  login->add_flag("--dpop", options->dpop, "Bind the token to a key of this machine, so that it is useless elsewhere");
  login->add_option("--provider-ca", options->provider_ca,
                    "Certificate authorities (PEM) of the login service, if others than the site's");
  login->footer(
      "The token is kept in ${XDG_CONFIG_HOME:-~/.config}/genofed, readable by you only, and used by every command for\n"
      "this site that has neither --as nor --token-file.\n\n"
      "Examples:\n"
      "  genofed login --site fi                        a site of the federation of `genofed up`\n"
      "  genofed login --url https://fi.example --dpop");
  login->callback([options, &target, &action] {
    action = [options, &target] { return RunLogin(target, *options); };
  });

  auto* logout = commands.app.add_subcommand("logout", "Sign out of a site, and make the token useless there");
  logout->footer("Example: genofed logout --site fi");
  logout->callback([&target, &action] { action = [&target] { return RunLogout(target); }; });

  auto* whoami = commands.app.add_subcommand("whoami", "Who you are at a site, your roles there, and until when");
  whoami->footer(
      "Examples:\n"
      "  genofed whoami --site fi\n"
      "  genofed whoami --url https://fi.example --json");
  whoami->callback([&target, &action] { action = [&target] { return RunWhoAmI(target); }; });
}

}  // namespace genofed::cli
