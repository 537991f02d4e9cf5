// SPDX-License-Identifier: Apache-2.0
//
// How a command talks to a site: which one, as whom, and how answers and errors reach the person.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "services/cli/commands/stored_login.h"

namespace CLI {
class App;
}

namespace genofed::cli {

using Json = nlohmann::json;

// Exit codes of every command.
constexpr int kOk = 0;
constexpr int kFailed = 1;    // the site refused or could not do it; the reason was printed
constexpr int kUsage = 2;     // the command line or a local file is wrong
constexpr int kRejected = 3;  // done, with a negative result: data rejected, proof invalid

struct Target {
  std::string var = "var";  // where `genofed up` keeps federation.json
  std::string persona;      // --as: a persona of federation.json
  std::string site;  // --site: a site of federation.json; default: the persona's, else the hub
  std::string url;   // --url, --ca, --token-file: a site anywhere, instead of the three above
  std::string ca_file;
  std::string token_file;
  bool json = false;  // --json: print the answer as it came
  bool anonymous = false;  // not even with the login that `genofed login` stored
};

// Talks to one site over HTTPS.
class Session {
 public:
  explicit Session(const Target& target) : target_(target) {}

  Result<Json> Get(const std::string& path);
  Result<Json> Post(const std::string& path, const Json& body = Json::object());
  Result<Json> Put(const std::string& path, const Json& body);
  Result<Json> PutBytes(const std::string& path, std::string bytes);
  Result<std::string> GetBytes(const std::string& path);
  // Hands over the answer as it arrives.
  Status Stream(const std::string& path, std::function<Status(std::string_view bytes)> sink);
  Status Delete(const std::string& path);
  // multipart/form-data: fields, then one attached file.
  Result<Json> PostForm(const std::string& path,
                        const std::vector<std::pair<std::string, std::string>>& fields,
                        const std::string& file_name, const std::string& file_content);
  bool json() const { return target_.json; }

  // Finds the site and who asks; the other functions do so by themselves.
  Status Resolve();
  const std::string& url() const { return url_; }  // once resolved
  const std::string& ca() const { return ca_; }
  // At the hub: a GA4GH passport of whoever asks for the site of this audience.
  Result<std::string> Passport(const std::string& audience);
  // Shows this passport from now on.
  void Show(std::string passport) { passport_ = std::move(passport); }
  // Asks by this access token from now on.
  void Use(std::string token) { token_ = std::move(token); }
  // Asks as this login from now on.
  void Use(const StoredLogin& login);

 private:
  Result<std::string> Exchange(const std::string& method, const std::string& path, std::string body,
                               const std::string& content_type,
                               std::function<Status(std::string_view)> sink = {});
  Status FindSite();
  Status UseStoredLogin();

  const Target& target_;
  std::string url_;
  std::string ca_;
  std::string token_;
  std::string passport_;
  std::shared_ptr<const crypto::SigningKey> key_;  // of a token that is bound to one
};

// All of a list that comes in pages: `get` asks for a path, and what it answers holds `list` and
// perhaps a next_page_token. The answer is the first page's, with the list of all. Errors: those of
// `get`, PAGING_LOOP.
Result<Json> AllPages(const std::function<Result<Json>(const std::string&)>& get,
                      const std::string& path, const std::string& list);
// The same of a session.
Result<Json> GetAllPages(Session& session, const std::string& path, const std::string& list);

// Runs after the command line was parsed; returns the exit code.
using Action = std::function<int()>;

// What the command groups add their commands to.
struct Commands {
  CLI::App& app;
  Target& target;
  Action& action;  // set by the command that was named
};

void AddFederationCommands(Commands commands);
void AddDataCommands(Commands commands);
void AddQueryCommands(Commands commands);
void AddConnectorCommands(Commands commands);
void AddAccessCommands(Commands commands);
void AddCaseCommands(Commands commands);
void AddRunCommands(Commands commands);
void AddCitizenCommands(Commands commands);
void AddLedgerCommands(Commands commands);
void AddConsentCommands(Commands commands);
void AddTokenCommands(Commands commands);
void AddTrustCommands(Commands commands);
void AddCrypt4ghCommands(Commands commands);
void AddVariantsCommands(Commands commands);
void AddIndexCommands(Commands commands);

// Prints the error for a person: what, why, which field, what to do. Returns kFailed.
int Fail(const Status& status);
// Prints the answer: as JSON if asked for, else by `human`.
int Show(const Session& session, const Result<Json>& answer,
         const std::function<void(const Json&)>& human);
// Columns aligned, first row as heading; cells are shown as Printable() has them.
void PrintTable(std::vector<std::vector<std::string>> rows);
// Percent-encodes one path segment or query value.
std::string Escape(std::string_view text);
// A member as text to show or compare, whatever its type, without control characters; "" if absent.
std::string TextOf(const Json& json, const std::string& member);
// The same as it came: what goes into a file, or is a file's content.
std::string ContentOf(const Json& json, const std::string& member);
// A member, or null if there is none.
const Json& Member(const Json& json, const std::string& member);
// Other people's text for a terminal, which obeys control characters (C0, DEL, C1): they are left
// out, line breaks and tabs become blanks.
std::string Printable(std::string_view text);

}  // namespace genofed::cli
