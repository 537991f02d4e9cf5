// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "libs/consent/condition.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

// Conditions on people's permissions, each with DUO's name for it.
void PrintConditions(const char* indent, const char* what, const Json& codes) {
  for (const Json& code : codes) {
    const std::string shown = Printable(code.get<std::string>());
    const auto known = consent::FindCondition(shown);
    std::printf("%s%-12s %s %s\n", indent, what, shown.c_str(),
                known ? std::string(known->label).c_str() : "");
  }
}

std::string Joined(const Json& words) {
  std::string text;
  for (const Json& word : words)
    text += (text.empty() ? "" : ", ") + Printable(word.get<std::string>());
  return text;
}

// What is asked for, as it is decided on.
void PrintContent(const Json& content) {
  const auto line = [](const char* what, const std::string& text) {
    if (!text.empty()) std::printf("  %-12s %s\n", what, text.c_str());
  };
  line("datasets", Joined(content.value("datasets", Json::array())));
  line("days", TextOf(content, "duration_days"));
  line("purpose code", TextOf(content, "purpose_code"));
  line("purpose", TextOf(content, "purpose"));
  line("lay summary", TextOf(content, "lay_summary"));
  PrintConditions("  ", "meets", content.value("conditions_met", Json::array()));
}

void PrintApplication(const Json& application) {
  const Json content = application.value("content", Json::object());
  std::printf("%s  %s  %s\n", TextOf(application, "id").c_str(),
              TextOf(application, "state").c_str(), TextOf(content, "title").c_str());
  std::printf("  applicant    %s, %s\n", TextOf(application, "applicant_name").c_str(),
              TextOf(application, "organisation").c_str());
  if (!TextOf(application, "digest").empty())
    std::printf("  digest       %s\n", TextOf(application, "digest").c_str());
  PrintContent(content);
  for (const Json& decision : application.value("decisions", Json::array())) {
    std::printf("  %-12s %s  %s\n", TextOf(decision, "country").c_str(),
                TextOf(decision, "outcome").c_str(), TextOf(decision, "reason").c_str());
    PrintConditions("    ", "accepts", decision.value("accepted_conditions", Json::array()));
  }
  for (const Json& event : application.value("events", Json::array())) {
    std::printf("  %s  %s (%s)\n", TextOf(event, "at").c_str(), TextOf(event, "what").c_str(),
                TextOf(event, "by").c_str());
  }
}

// "2026-11-28T13:00:00Z by Dr Dora (dora)"
std::string WhenAndWho(const Json& proposal, const char* at, const char* who) {
  const Json& person = Member(proposal, who);
  return TextOf(proposal, at) + " by " + TextOf(person, "name") + " (" + TextOf(person, "subject") +
         ")";
}

// The two-person rule in words: what was proposed, by whom, and what is still missing.
void PrintProposal(const Json& review) {
  const Json& proposal = Member(review, "proposal");
  const int days = proposal.value("permit_days", 0);
  const std::string datasets = Joined(proposal.value("datasets", Json::array()));
  std::printf("  approval proposed %s\n", WhenAndWho(proposal, "at", "proposer").c_str());
  std::printf("    %s for %d %s: %s\n", datasets.c_str(), days, days == 1 ? "day" : "days",
              TextOf(proposal, "reason").c_str());
  PrintConditions("    ", "accepts", proposal.value("accepted_conditions", Json::array()));
  if (proposal.contains("seconder")) {
    std::printf("    seconded %s\n", WhenAndWho(proposal, "seconded_at", "seconder").c_str());
  } else if (TextOf(Member(review, "decision"), "outcome") == "OUTCOME_PENDING") {
    std::printf(
        "    nothing is granted yet: another member of the committee has to approve the same\n");
  } else {
    std::printf("    never seconded\n");
  }
}

void PrintReview(const Json& review) {
  const Json decision = review.value("decision", Json::object());
  PrintApplication(Member(review, "application"));
  std::printf("  this country: %s  digest %s\n", TextOf(decision, "outcome").c_str(),
              review.value("digest_matches", false) ? "matches" : "DOES NOT MATCH: do not decide");
  PrintConditions("    ", "accepts", decision.value("accepted_conditions", Json::array()));
  if (review.contains("proposal")) PrintProposal(review);
}

struct Text {
  std::string id, title, purpose, lay_summary, code = "DUO:0000006", note, digest;
  std::vector<std::string> datasets, conditions;
  int days = 365;
  int permit_days = 0;
  bool negative = false;
  bool replace = false;
};

}  // namespace

void AddAccessCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto t = std::make_shared<Text>();

  auto* application =
      commands.app.add_subcommand("application", "Applications for data, at the hub")
          ->require_subcommand(1);
  application->footer(
      "Examples:\n"
      "  genofed application create --dataset GOE-FI-DATASET-1 --title \"Seizure genetics\" \\\n"
      "      --purpose \"Rare variants in epilepsy\" --lay-summary \"Why some people have "
      "seizures\" "
      "--as researcher\n"
      "  genofed application submit app-… --as researcher     from here it is frozen\n"
      "  genofed application show app-… --as researcher       who decided what, and why");
  auto* create = application->add_subcommand("create", "Draft an application (role researcher)");
  create->add_option("--title", t->title)->required();
  create->add_option("--purpose", t->purpose, "What will be done, and why these data")->required();
  create->add_option("--lay-summary", t->lay_summary, "In plain language; citizens read it")
      ->required();
  create->add_option("--purpose-code", t->code, "DUO code")->capture_default_str();
  create->add_option("--dataset", t->datasets, "Repeatable")->required();
  create->add_option("--days", t->days, "Length of use")->capture_default_str();
  create->add_option("--meets", t->conditions,
                     "DUO modifier that the project meets, such as DUO:0000045 (not-for-profit "
                     "organisation) or DUO:0000022=FI (in Finland alone); repeatable. The signing "
                     "official attests it");
  create->callback([t, &target, &action] {
    action = [t, &target] {
      Session session(target);
      Json content = {
          {"title", t->title},       {"purpose", t->purpose},   {"lay_summary", t->lay_summary},
          {"purpose_code", t->code}, {"datasets", t->datasets}, {"duration_days", t->days}};
      if (!t->conditions.empty()) content["conditions_met"] = t->conditions;
      return Show(session, session.Post("/api/v1/applications", {{"content", content}}),
                  [](const Json& answer) { PrintApplication(Member(answer, "application")); });
    };
  });
  application->add_subcommand("list", "Applications you may see")->callback([&target, &action] {
    action = [&target] {
      Session session(target);
      return Show(session, GetAllPages(session, "/api/v1/applications", "applications"),
                  [](const Json& answer) {
                    for (const Json& one : answer.value("applications", Json::array()))
                      PrintApplication(one);
                  });
    };
  });
  // A step of an application: POST /applications/{id}/<step> with a body made at run time.
  auto step = [&](const char* name, const char* help, const char* path,
                  std::function<Json()> body) {
    auto* command = application->add_subcommand(name, help);
    command->add_option("id", t->id, "Application")->required();
    command->callback([t, path, body, &target, &action] {
      action = [t, path, body, &target] {
        Session session(target);
        return Show(session, session.Post("/api/v1/applications/" + Escape(t->id) + path, body()),
                    [](const Json& answer) { PrintApplication(Member(answer, "application")); });
      };
    });
    return command;
  };
  auto* show =
      application->add_subcommand("show", "One application, with every country's decision");
  show->add_option("id", t->id)->required();
  show->callback([t, &target, &action] {
    action = [t, &target] {
      Session session(target);
      return Show(session, session.Get("/api/v1/applications/" + Escape(t->id)),
                  [](const Json& answer) { PrintApplication(Member(answer, "application")); });
    };
  });
  step("submit", "Freeze it to its digest and ask the signing official (applicant)", "/submit",
       [] { return Json::object(); });
  auto* confirm =
      step("confirm", "Confirm for the organisation (role signing_official)", "/confirmation", [t] {
        Json body = {{"confirm", !t->negative}, {"note", t->note}};
        if (!t->conditions.empty()) body["attested_conditions"] = t->conditions;
        return body;
      });
  confirm->add_option("--attest", t->conditions,
                      "DUO modifier that the project meets; name each that the application states");
  confirm->add_flag("--return", t->negative, "Send it back to the applicant instead");
  confirm->add_option("--note", t->note);
  auto* recommend = step(
      "recommend", "Give the central DAC's advice and send it to the countries (role central_dac)",
      "/recommendation", [t] {
        return Json{{"positive", !t->negative}, {"note", t->note}};
      });
  recommend->add_flag("--negative", t->negative, "Advise against");
  recommend->add_option("--note", t->note);
  auto* sign =
      step("sign", "Sign the data use agreement (role signing_official)", "/agreement", [t] {
        return Json{{"digest", t->digest}};
      });
  sign->add_option("--digest", t->digest,
                   "Digest of the application, as the countries decided on it")
      ->required();

  auto* review =
      commands.app.add_subcommand("review", "A country's own decisions, at its node (role dac)")
          ->require_subcommand(1);
  review->footer(
      "Examples:\n"
      "  genofed review list --as dac_fi                      what was sent to this country\n"
      "  genofed review show app-… --as dac_fi                what is asked for, and its digest\n"
      "  genofed review approve app-… --digest DIGEST --reason \"Meets our conditions\" --as "
      "dac_fi\n"
      "  genofed review veto app-… --reason \"Not covered by our law\" --as dac_fi");
  review->add_subcommand("list", "Applications sent to this country")->callback([&target, &action] {
    action = [&target] {
      Session session(target);
      return Show(session, GetAllPages(session, "/api/v1/reviews", "reviews"),
                  [](const Json& answer) {
                    for (const Json& one : answer.value("reviews", Json::array())) PrintReview(one);
                  });
    };
  });
  auto* show_review = review->add_subcommand("show", "One application as this country sees it");
  show_review->add_option("application", t->id)->required();
  show_review->callback([t, &target, &action] {
    action = [t, &target] {
      Session session(target);
      return Show(session, session.Get("/api/v1/reviews/" + Escape(t->id)),
                  [](const Json& answer) { PrintReview(Member(answer, "review")); });
    };
  });
  for (const char* verb : {"approve", "veto"}) {
    bool approve = std::string(verb) == "approve";
    auto* decide = review->add_subcommand(
        verb, approve ? "Approve; signed with the national key, once a second member of the "
                        "committee asked for the same where the country demands two"
                      : "Veto: this country is left out, others are not affected");
    decide->add_option("application", t->id)->required();
    decide->add_option("--reason", t->note, "Given to the applicant")->required();
    decide->add_option("--digest", t->digest,
                       "Digest that was reviewed; default: as it stands now");
    if (approve) {
      decide->add_option("--dataset", t->datasets,
                         "Only these datasets; default: all that were asked for");
      decide->add_option(
          "--days", t->permit_days,
          "Length of the permit; default: as asked for, at most what the node allows");
      decide->add_option("--accept", t->conditions,
                         "DUO modifier that this country accepts as met, of those attested; "
                         "repeatable, default: none");
      decide->add_flag(
          "--replace", t->replace,
          "Where two persons decide: instead of the other's proposal, and start again");
    }
    decide->callback([t, approve, &target, &action] {
      action = [t, approve, &target] {
        Session session(target);
        const auto current = session.Get("/api/v1/reviews/" + Escape(t->id));
        if (!current.ok()) return Fail(current.status());
        const std::string digest =
            TextOf(Member(Member(*current, "review"), "application"), "digest");
        if (!t->digest.empty() && t->digest != digest) {
          return Fail(Error(StatusCode::kFailedPrecondition, "DIGEST_MISMATCH",
                            "application {} has another digest, {}: look at it again", t->id,
                            digest));
        }
        Json body = {{"approve", approve},
                     {"reason", t->note},
                     {"digest", digest},
                     {"datasets", t->datasets}};
        if (!t->conditions.empty()) body["accepted_conditions"] = t->conditions;
        if (t->permit_days != 0) body["permit_days"] = t->permit_days;
        if (t->replace) body["replace_proposal"] = true;
        return Show(session, session.Post("/api/v1/reviews/" + Escape(t->id) + "/decision", body),
                    [](const Json& answer) { PrintReview(Member(answer, "review")); });
      };
    });
  }
  auto* revoke = review->add_subcommand("revoke", "End an approval at once");
  revoke->add_option("application", t->id)->required();
  revoke->add_option("--reason", t->note)->required();
  revoke->callback([t, &target, &action] {
    action = [t, &target] {
      Session session(target);
      return Show(
          session,
          session.Post("/api/v1/reviews/" + Escape(t->id) + "/revocation", {{"reason", t->note}}),
          [](const Json& answer) { PrintReview(Member(answer, "review")); });
    };
  });
}

}  // namespace genofed::cli
