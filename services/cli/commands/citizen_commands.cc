// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>

#include "libs/core/file.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

const std::map<std::string, std::string> kPermissions = {{"AF", "PERMISSION_ALLELE_FREQUENCY"},
                                                         {"SLQ", "PERMISSION_SUBJECT_LEVEL_QUERY"},
                                                         {"SEC", "PERMISSION_SECONDARY_USE"}};

std::string Plain(const Json& permissions) {
  std::string text;
  for (const Json& permission : permissions) {
    const auto name = permission.get<std::string>();
    text += text.empty() ? "" : ", ";
    text += name == "PERMISSION_ALLELE_FREQUENCY"      ? "counted in allele frequencies (AF)"
            : name == "PERMISSION_SUBJECT_LEVEL_QUERY" ? "counted in searches (SLQ)"
                                                       : "used by research projects (SEC)";
  }
  return text.empty() ? "nothing" : text;
}

// What a person chooses besides the permissions.
struct Limits {
  std::vector<std::string> purposes, conditions;
  std::string until, form, organisation, recontact, incidental;
};

int SetPermissions(const Target& target, const std::vector<std::string>& codes, const Limits& limits) {
  Json names = Json::array();
  for (const std::string& code : codes) names.push_back(kPermissions.at(code));
  Json terms = Json::object();
  if (!limits.purposes.empty()) terms["purposes"] = limits.purposes;
  if (!limits.conditions.empty()) terms["conditions"] = limits.conditions;
  if (!limits.until.empty()) terms["valid_until"] = limits.until;
  if (!limits.form.empty()) terms["form"] = limits.form;
  if (!limits.organisation.empty()) terms["organisation"] = limits.organisation;
  if (!limits.recontact.empty()) terms["recontact"] = limits.recontact == "yes";
  if (!limits.incidental.empty()) terms["incidental_findings"] = limits.incidental == "yes";
  Session session(target);
  return Show(session, session.Put("/api/v1/me/permissions", {{"permissions", names}, {"terms", terms}}),
              [&](const Json& answer) {
                std::printf("permitted now: %s\nledger entry %s, consent epoch %s\n",
                            Plain(names).c_str(), TextOf(answer, "ledger_index").c_str(),
                            TextOf(answer, "epoch").c_str());
              });
}

// Of its ledger entry; -1: none. Numbers that are 0 are not sent.
std::string IndexOf(const Json& change) {
  const std::string index = TextOf(change, "ledger_index");
  return index.empty() ? "0" : index;
}

void PrintPermissions(const Json& answer) {
  std::printf("permitted: %s\n", Plain(answer.value("permissions", Json::array())).c_str());
  std::printf("by the policy %s:\n", TextOf(answer, "policy").c_str());
  for (const Json& use : answer.value("decisions", Json::array())) {
    const std::string purpose = TextOf(use, "purpose"), law = TextOf(use, "legal_basis");
    std::printf("  %s  %s%s%s: %s%s%s\n", use.value("permitted", false) ? "yes" : "no ",
                Plain(Json::array({Member(use, "permission")})).c_str(), purpose.empty() ? "" : " for ",
                purpose.c_str(), TextOf(use, "basis").c_str(), law.empty() ? "" : ", ",
                law.c_str());
  }
  for (const Json& change : answer.value("history", Json::array())) {
    const std::string index = IndexOf(change);
    std::printf("  %s by %s: %s%s%s\n", TextOf(change, "at").c_str(), TextOf(change, "by").c_str(),
                Plain(change.value("permissions", Json::array())).c_str(),
                index == "-1" ? "" : ", ledger entry ", index == "-1" ? "" : index.c_str());
  }
}

int Permissions(const Target& target, const std::string& receipts) {
  Session session(target);
  const auto answer = session.Get("/api/v1/me/permissions");
  if (answer.ok() && !receipts.empty()) {
    for (const Json& change : answer->value("history", Json::array())) {
      const std::string receipt = ContentOf(change, "receipt");
      if (receipt.empty()) continue;
      const Status status =
          WriteFileAtomically(receipts + "/consent-" + IndexOf(change) + ".json", receipt);
      if (!status.ok()) return Fail(status);
    }
  }
  return Show(session, answer, PrintPermissions);
}

int Accesses(const Target& target, const std::string& receipts) {
  Session session(target);
  auto answer = GetAllPages(session, "/api/v1/me/accesses?page_size=100", "accesses");
  if (answer.ok() && !receipts.empty()) {
    for (const Json& access : answer->value("accesses", Json::array())) {
      const std::string stem = receipts + "/receipt-" + TextOf(access, "ledger_index");
      for (const auto& [suffix, member] :
           {std::pair(".json", "receipt"), {".entry", "entry"}, {".tlog-proof", "tlog_proof"}}) {
        const std::string content = ContentOf(access, member);
        if (content.empty()) continue;
        Status status = WriteFileAtomically(stem + suffix, content);
        if (!status.ok()) return Fail(status);
      }
    }
  }
  const auto by_whom = [](const Json& access) {
    if (TextOf(access, "kind") != "access")
      return "decision " + TextOf(access, "decision_sha256").substr(0, 16) + "…";
    const std::string client = TextOf(access, "client");
    const std::string application = TextOf(access, "application");
    if (!client.empty()) return "files for client " + client;
    return "records for " + (application.empty() ? std::string("a visa of another authority")
                                                 : "application " + application);
  };
  return Show(session, answer, [&](const Json& json) {
    if (json.value("accesses", Json::array()).empty())
      std::printf("No project has asked for datasets at this node.\n");
    for (const Json& access : json.value("accesses", Json::array())) {
      bool used = access.value("used", false);
      std::printf("%s  %s\n    %s\n    dataset %s; %s, ledger entry %s\n",
                  TextOf(access, "at").c_str(), used ? "USED" : "not used",
                  TextOf(access, "text").c_str(),
                  TextOf(Member(access, "dataset"), "dataset").c_str(), by_whom(access).c_str(),
                  TextOf(access, "ledger_index").c_str());
    }
  });
}

int Save(const Target& target, const std::string& path, const std::string& file) {
  Session session(target);
  std::string content;
  const Status got = session.Stream(path, [&content](std::string_view bytes) {
    content += bytes;
    return absl::OkStatus();
  });
  if (!got.ok()) return Fail(got);
  // Its length is not known before, so that a connection that broke off is known by this.
  if (!content.ends_with("}\n")) {
    return Fail(Error(StatusCode::kUnavailable, "DOWNLOAD_INCOMPLETE",
                      "the download broke off before its end: try again"));
  }
  if (file.empty() || file == "-") return std::fputs(content.c_str(), stdout) < 0 ? kFailed : kOk;
  Status written = WriteFileAtomically(file, content, 0600);
  if (!written.ok()) return Fail(written);
  std::printf("%s\n", file.c_str());
  return kOk;
}

int Erase(const Target& target, bool confirmed) {
  if (!confirmed) {
    std::fprintf(stderr,
                 "genofed: this cannot be taken back: your choices, their history and your list of uses go.\n"
                 "To be sure that nothing is used any more, `genofed me withdraw` is enough. To go on, add --yes.\n");
    return kUsage;
  }
  Session session(target);
  return Show(session, session.Post("/api/v1/me/erasure", {{"confirm", "erase"}}), [](const Json& answer) {
    std::printf("forgotten; ledger entry %s says that somebody was, and not who\n",
                TextOf(answer, "ledger_index").c_str());
  });
}

int Notices(const Target& target) {
  Session session(target);
  return Show(session, session.Get("/api/v1/me/notices"), [](const Json& answer) {
    const Json notices = answer.value("notices", Json::array());
    if (notices.empty()) std::printf("No breach of your data has been notified.\n");
    for (const Json& notice : notices) {
      std::printf("%s  %s\n    What happened: %s\n    Consequences: %s\n    Measures: %s\n    Ask: %s\n",
                  TextOf(notice, "published").c_str(), TextOf(notice, "title").c_str(),
                  TextOf(notice, "what_happened").c_str(), TextOf(notice, "consequences").c_str(),
                  TextOf(notice, "measures").c_str(), TextOf(notice, "contact").c_str());
    }
  });
}

}  // namespace

void AddCitizenCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto* me =
      commands.app
          .add_subcommand("me", "Your own data and choices, as a citizen, at your country's node")
          ->require_subcommand(1);
  me->footer(
      "Examples:\n"
      "  genofed me permissions --as citizen_fi               what you permit, and how it came about\n"
      "  genofed me permit AF SLQ --as citizen_fi             exactly these, from now on\n"
      "  genofed me accesses --receipts receipts --as citizen_fi\n"
      "Your data count in frequencies of variants (AF), when researchers ask how many people have a trait\n"
      "(SLQ), and are used by projects that your country has approved (SEC).");
  auto proofs = std::make_shared<std::string>();
  auto* permissions = me->add_subcommand("permissions", "What you permitted");
  permissions->add_option("--receipts", *proofs,
                          "Existing folder to save the receipts of its changes to");
  permissions->callback([proofs, &target, &action] {
    action = [proofs, &target] { return Permissions(target, *proofs); };
  });
  me->add_subcommand("withdraw", "Take back every permission; effective within seconds")->callback([&target, &action] {
    action = [&target] { return SetPermissions(target, {}, {}); };
  });
  auto codes = std::make_shared<std::vector<std::string>>();
  auto* permit = me->add_subcommand("permit", "Permit exactly the uses named");
  permit->add_option("uses", *codes, "AF, SLQ, SEC")
      ->required()
      ->check(CLI::IsMember({"AF", "SLQ", "SEC"}));
  auto limits = std::make_shared<Limits>();
  permit->add_option("--purpose", limits->purposes, "SEC for this purpose only (code, repeatable): DUO:0000006");
  permit->add_option(
      "--condition", limits->conditions,
      "SEC for projects that meet this only (DUO modifier, repeatable): DUO:0000045, or with a "
      "value DUO:0000022=FI");
  permit->add_option("--until", limits->until, "When it ends by itself: 2030-01-01T00:00:00Z");
  permit->add_option("--form", limits->form,
                     "The form that you signed, with its version: urn:example:dga-form|2");
  permit->add_option("--organisation", limits->organisation,
                     "The data altruism organisation that you gave it to");
  permit
      ->add_option(
          "--recontact", limits->recontact,
          "Whether who collected your data may contact you again, for example when researchers ask")
      ->check(CLI::IsMember({"yes", "no"}));
  permit
      ->add_option("--incidental-findings", limits->incidental,
                   "Whether who collected your data may tell you of findings about your health")
      ->check(CLI::IsMember({"yes", "no"}));
  permit->callback([codes, limits, &target, &action] {
    action = [codes, limits, &target] { return SetPermissions(target, *codes, *limits); };
  });
  auto receipts = std::make_shared<std::string>();
  auto* accesses =
      me->add_subcommand("accesses", "Which projects used your data, and which did not");
  accesses->add_option("--receipts", *receipts, "Existing folder to save the receipts to");
  accesses->callback([receipts, &target, &action] {
    action = [receipts, &target] { return Accesses(target, *receipts); };
  });

  auto out = std::make_shared<std::string>();
  auto format = std::make_shared<std::string>("data");
  auto* exported = me->add_subcommand(
      "export", "Everything that consent holds about you, or your consents in another form");
  exported->footer(
      "Examples:\n"
      "  genofed me export --out my-data.json --as citizen_fi\n"
      "  genofed me export --format fhir-r4 --out consents.json --as citizen_fi");
  exported->add_option("--format", *format, "data (everything), fhir-r4, fhir-r5, duo, receipt")
      ->check(CLI::IsMember({"data", "fhir-r4", "fhir-r5", "duo", "receipt"}))
      ->capture_default_str();
  exported->add_option("--out", *out, "File; default: the terminal");
  exported->callback([out, format, &target, &action] {
    action = [out, format, &target] {
      return Save(target, *format == "data" ? "/api/v1/me/data" : "/api/v1/me/consents/" + *format, *out);
    };
  });
  auto sure = std::make_shared<bool>(false);
  auto* erase = me->add_subcommand("erase", "Have everything about you forgotten, for good");
  erase->add_flag("--yes", *sure, "Without it, says what would happen");
  erase->callback([sure, &target, &action] { action = [sure, &target] { return Erase(target, *sure); }; });
  me->add_subcommand("notices", "Breaches of your data")->callback([&target, &action] {
    action = [&target] { return Notices(target); };
  });
}

}  // namespace genofed::cli
