// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "libs/consent/policy.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

Json ToJson(const consent::Policy& policy) {
  Json rules = Json::array();
  for (const consent::Rule& rule : policy.rules) {
    Json permissions = Json::array();
    for (const consent::Permission permission : consent::kPermissions) {
      if (rule.permissions.Has(permission)) permissions.push_back(consent::Name(permission));
    }
    rules.push_back({{"permissions", permissions},
                     {"purposes", rule.purposes},
                     {"model", consent::ModelName(rule.model)},
                     {"legal_basis", rule.legal_basis}});
  }
  return {{"policy", policy.id},
          {"country", policy.country},
          {"rules", rules},
          {"use_after_death", policy.use_after_death},
          {"running_tasks",
           policy.running_tasks == consent::Policy::RunningTasks::kCancel ? "cancel" : "finish"},
          {"sha256", policy.sha256}};
}

int ExplainPolicy(const Target& target, const std::string& file) {
  auto text = ReadFile(file, consent::kMaxPolicyBytes);
  if (!text.ok()) return Fail(text.status()), kUsage;
  const auto policy = consent::ParsePolicy(*text);
  if (!policy.ok()) return Fail(policy.status()), kRejected;
  if (target.json)
    std::printf("%s\n", ToJson(*policy).dump(2).c_str());
  else
    std::printf("%ssha256 %s\n", consent::Explain(*policy).c_str(), policy->sha256.c_str());
  return kOk;
}

// The query of a search: its members that are not empty.
struct AuditOptions {
  std::string project, organisation, dataset, application, kind, from, to, out;
  int limit = 100;

  std::string Query() const {
    std::string query;
    for (const auto& [name, value] :
         {std::pair("project", project), std::pair("organisation", organisation),
          std::pair("dataset", dataset), std::pair("application", application),
          std::pair("kind", kind), std::pair("from", from), std::pair("to", to)}) {
      if (!value.empty())
        query += std::string(query.empty() ? "" : "&") + name + "=" + Escape(value);
    }
    return query;
  }
};

int SearchAudit(const Target& target, const AuditOptions& o) {
  Session session(target);
  return Show(session,
              session.Get(fmt::format("/api/v1/audit/entries?page_size={}&{}", o.limit, o.Query())),
              [](const Json& answer) {
                for (const Json& row : answer.value("entries", Json::array())) {
                  std::printf("%s  %s  %s\n    %s\n", TextOf(row, "index").c_str(),
                              TextOf(row, "at").c_str(), TextOf(row, "kind").c_str(),
                              TextOf(row, "entry").c_str());
                }
                if (!TextOf(answer, "next_page_token").empty())
                  std::printf("There is more: --limit, or --to.\n");
              });
}

// Page by page, as the authority gets it: one file.
int ExportAudit(const Target& target, const AuditOptions& o) {
  Session session(target);
  std::string lines;
  std::int64_t next = 0;
  while (next >= 0) {
    const auto page =
        session.Get(fmt::format("/api/v1/audit/export?start_index={}&{}", next, o.Query()));
    if (!page.ok()) return Fail(page.status());
    lines += ContentOf(*page, "ndjson");
    const auto further = ParseInt(TextOf(*page, "next_index"));
    if (!further.ok() || (*further >= 0 && *further <= next)) {
      return Fail(Error(StatusCode::kInternal, "ANSWER_INVALID",
                        "the site does not say where the export goes on"));
    }
    next = *further;
  }
  if (o.out.empty() || o.out == "-") return std::fputs(lines.c_str(), stdout) < 0 ? kFailed : kOk;
  Status written = WriteFileAtomically(o.out, lines, 0600);
  if (!written.ok()) return Fail(written);
  std::printf("%s\n", o.out.c_str());
  return kOk;
}

int Reconcile(const Target& target) {
  Session session(target);
  const auto answer = session.Get("/api/v1/audit/reconciliation");
  const int shown = Show(session, answer, [](const Json& json) {
    std::printf("%s: %s headers released, %s in the ledger\n",
                json.value("accounted", false) ? "accounted for" : "NOT ACCOUNTED FOR",
                TextOf(json, "released").c_str(), TextOf(json, "logged").c_str());
    for (const Json& problem : json.value("problems", Json::array()))
      std::printf("  %s\n", Printable(problem.get<std::string>()).c_str());
  });
  return shown == kOk && !answer->value("accounted", false) ? kRejected : shown;
}

int Registries(const Target& target) {
  Session session(target);
  return Show(session, session.Get("/api/v1/registries"), [](const Json& answer) {
    std::vector<std::vector<std::string>> table = {
        {"registry", "last heard", "records", "unreadable", "state"}};
    for (const Json& row : answer.value("registries", Json::array())) {
      const std::string error = TextOf(row, "last_error");
      table.push_back({TextOf(row, "name"), TextOf(row, "last_success"), TextOf(row, "records"),
                       TextOf(row, "unreadable"),
                       row.value("stale", false) ? "STALE " + error : error});
    }
    PrintTable(table);
  });
}

int PublishNotice(const Target& target, const std::string& file, const std::string& key) {
  const auto text = ReadFile(file, 64U << 10);
  if (!text.ok()) return Fail(text.status()), kUsage;
  const Json notice = Json::parse(*text, nullptr, false);
  if (!notice.is_object()) {
    std::fprintf(stderr,
                 "genofed: %s must be a JSON object: title, what_happened, consequences, measures, "
                 "contact, datasets\n",
                 file.c_str());
    return kUsage;
  }
  Session session(target);
  return Show(session,
              session.Post("/api/v1/notices", {{"notice", notice}, {"idempotency_key", key}}),
              [](const Json& answer) {
                std::printf("%s published: %s people see it\n",
                            TextOf(Member(answer, "notice"), "id").c_str(),
                            TextOf(answer, "people").c_str());
              });
}

// A person in each line, as they were handed in.
Result<Json> ReadPeople(const std::string& file) {
  GF_ASSIGN(const std::string text, ReadFile(file, 16U << 20));
  Json people = Json::array();
  for (const std::string_view line : Split(text, '\n')) {
    if (const std::string_view person = Trim(line); !person.empty())
      people.push_back(std::string(person));
  }
  return people;
}

int AskWishes(const Target& target, const std::string& dataset, const std::string& file) {
  constexpr std::size_t kAtOnce = 1000;
  const auto people = ReadPeople(file);
  if (!people.ok()) return Fail(people.status()), kUsage;
  Session session(target);
  Json found = Json::array();
  for (std::size_t at = 0; at < people->size(); at += kAtOnce) {
    const std::size_t end = std::min(people->size(), at + kAtOnce);
    const Json some(people->begin() + static_cast<std::ptrdiff_t>(at),
                    people->begin() + static_cast<std::ptrdiff_t>(end));
    const auto answer =
        session.Post("/api/v1/datasets/" + Escape(dataset) + "/wishes", {{"people", some}});
    if (!answer.ok()) return Fail(answer.status());
    const Json wishes = answer->value("wishes", Json::array());
    if (wishes.size() != some.size())
      return Fail(
          Error(StatusCode::kInternal, "ANSWER_INVALID", "an answer for each person was expected"));
    for (std::size_t i = 0; i < some.size(); ++i) {
      Json one = wishes[i];
      one["person"] = some[i];
      found.push_back(std::move(one));
    }
  }
  const Json all = {{"wishes", found}};
  return Show(session, all, [](const Json& answer) {
    const auto yes = [](const Json& row, const char* wish) {
      return row.value(wish, false) ? "yes" : "no";
    };
    std::vector<std::vector<std::string>> table = {{"person", "contact again", "findings"}};
    for (const Json& row : answer.at("wishes"))
      table.push_back(
          {TextOf(row, "person"), yes(row, "recontact"), yes(row, "incidental_findings")});
    PrintTable(table);
  });
}

void AddAuditCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto* audit =
      commands.app.add_subcommand("audit", "For the data protection officer (role dpo), at a node")
          ->require_subcommand(1);
  audit->footer(
      "Examples:\n"
      "  genofed audit search --dataset GOE-FI-DATASET-1 --kind run --as dpo_fi\n"
      "  genofed audit export --from 2026-01-01T00:00:00Z --out audit.ndjson --as dpo_fi\n"
      "  genofed audit reconcile --as dpo_fi");
  auto o = std::make_shared<AuditOptions>();
  const auto add_query = [&o](CLI::App* command) {
    command->add_option("--project", o->project);
    command->add_option("--organisation", o->organisation);
    command->add_option("--dataset", o->dataset);
    command->add_option("--application", o->application);
    command->add_option("--kind", o->kind, "run, access, release, grant, denied, query-batch ...");
    command->add_option("--from", o->from, "2026-01-31T12:00:00Z");
    command->add_option("--to", o->to, "Exclusive");
  };
  auto* search = audit->add_subcommand("search", "Entries of the ledger, newest first");
  add_query(search);
  search->add_option("--limit", o->limit)->capture_default_str();
  search->callback(
      [o, &target, &action] { action = [o, &target] { return SearchAudit(target, *o); }; });
  auto* exported = audit->add_subcommand(
      "export",
      "The same search for the national data authority: NDJSON, oldest first, the "
      "signed checkpoint last");
  add_query(exported);
  exported->add_option("--out", o->out, "File; default: the terminal");
  exported->callback(
      [o, &target, &action] { action = [o, &target] { return ExportAudit(target, *o); }; });
  audit
      ->add_subcommand("reconcile",
                       "Whether every release of keys is in the ledger; exit code 3 if not")
      ->callback([&target, &action] { action = [&target] { return Reconcile(target); }; });
}

}  // namespace

void AddConsentCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto* consent =
      commands.app.add_subcommand("consent", "Consent at a node")->require_subcommand(1);
  consent->footer(
      "Examples:\n"
      "  genofed consent policy explain /etc/genofed/consent-policy.json\n"
      "  genofed consent registries --as operator_fi\n"
      "  genofed consent wishes GOE-FI-DATASET-1 --people patients.txt --as holder_fi\n"
      "  genofed consent notice breach.json --key 2026-06-01-disk --as dpo_fi");
  auto* policy =
      consent->add_subcommand("policy", "A country's consent policy")->require_subcommand(1);
  auto file = std::make_shared<std::string>();
  auto* explain = policy->add_subcommand(
      "explain",
      "Check a policy file and say what it does, offline; exit code 3 if it is not valid");
  explain->add_option("file", *file, "JSON, docs/guides/consent-policy.md")->required();
  explain->callback([file, &target, &action] {
    action = [file, &target] { return ExplainPolicy(target, *file); };
  });
  consent
      ->add_subcommand("registries",
                       "National registries, and when they were heard (roles operator, dpo)")
      ->callback([&target, &action] { action = [&target] { return Registries(target); }; });
  auto key = std::make_shared<std::string>();
  auto* notice = consent->add_subcommand(
      "notice", "Tell the people concerned of a breach of their data (roles operator, dpo)");
  notice
      ->add_option(
          "file", *file,
          "JSON: title, what_happened, consequences, measures, contact, datasets, happened")
      ->required();
  notice->add_option("--key", *key, "Your name for it: published once, however often you send it")
      ->required();
  notice->callback([file, key, &target, &action] {
    action = [file, key, &target] { return PublishNotice(target, *file, *key); };
  });
  auto dataset = std::make_shared<std::string>();
  auto* wishes = consent->add_subcommand(
      "wishes",
      "Whom you may ask: who agreed to be contacted again, or to hear of findings (role holder)");
  wishes->add_option("dataset", *dataset, "Identifier of the dataset")->required();
  wishes->add_option("--people", *file, "File with an identifier a line, as you handed them in")
      ->required();
  wishes->callback([dataset, file, &target, &action] {
    action = [dataset, file, &target] { return AskWishes(target, *dataset, *file); };
  });
  AddAuditCommands(commands);
}

}  // namespace genofed::cli
