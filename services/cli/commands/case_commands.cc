// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

struct CaseOptions {
  std::vector<std::string> terms;
  std::vector<std::string> datasets;
  std::string dataset;
  std::string message;
  std::string reply_to;
  std::string id;
  std::string reply;
};

std::string Told(const Json& band) {
  const std::string count = TextOf(band, "count");
  return count == "0" ? "-" : count;
}

void PrintMatches(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {
      {"dataset", "country", "very similar", "similar", "somewhat similar"}};
  for (const Json& dataset : answer.value("datasets", Json::array())) {
    std::vector<std::string> row = {TextOf(dataset, "dataset"), TextOf(dataset, "country")};
    for (const Json& band : dataset.value("bands", Json::array())) row.push_back(Told(band));
    rows.push_back(std::move(row));
  }
  PrintTable(rows);
  std::printf(
      "People; - is nobody, or too few to say. Very similar: 0.8 and more of 1, similar: 0.6, "
      "somewhat: 0.4.\n");
  for (const Json& withheld : answer.value("withheld", Json::array()))
    std::printf("%s: your organisation was told as much as it may be\n",
                TextOf(withheld, "dataset").c_str());
  for (const Json& member : answer.value("members", Json::array())) {
    if (TextOf(member, "state") != "STATE_ANSWERED")
      std::printf("%s did not answer: %s\n", TextOf(member, "site").c_str(),
                  TextOf(member, "state").c_str());
  }
}

void PrintContact(const Json& contact) {
  std::string terms;
  for (const Json& term : contact.value("terms", Json::array()))
    terms += (terms.empty() ? "" : ", ") + Printable(term.get<std::string>());
  std::printf("%s  %s  %s\n  %s, %s: %s\n  %s\n  %s\n", TextOf(contact, "id").c_str(),
              TextOf(contact, "state").c_str(), TextOf(contact, "dataset").c_str(),
              TextOf(contact, "name").c_str(), TextOf(contact, "organisation").c_str(),
              TextOf(contact, "reply_to").c_str(), terms.c_str(),
              TextOf(contact, "message").c_str());
  if (!TextOf(contact, "reply").empty())
    std::printf("  Answer: %s\n", TextOf(contact, "reply").c_str());
}

}  // namespace

void AddCaseCommands(Commands commands) {
  Target& target = commands.target;
  Action& action = commands.action;
  auto o = std::make_shared<CaseOptions>();
  auto* group = commands.app.add_subcommand("case", "People who are similar to a patient")
                    ->require_subcommand(1);
  group->footer(
      "Examples:\n"
      "  genofed case match --term HP:0001250 --term HP:0001263\n"
      "  genofed case requests --as holder_fi                 what clinicians asked\n"
      "  genofed case accept contact-… --reply \"Call +358 9 000 000\" --as holder_fi");

  auto* match = group->add_subcommand("match", "How many people are similar, by country");
  match->add_option("--term", o->terms, "HPO term of the patient; repeatable")->required();
  match->add_option("--dataset", o->datasets, "Only these; repeatable");
  match->footer("Example: genofed case match --term HP:0001250 --term HP:0001263");
  match->callback([o, &target, &action] {
    action = [o, &target] {
      Session session(target);
      return Show(
          session,
          session.Post("/api/v1/case-match", {{"terms", o->terms}, {"datasets", o->datasets}}),
          &PrintMatches);
    };
  });

  auto* contact = group->add_subcommand(
      "contact", "Ask the holder of a dataset to be put in touch, at the dataset's node");
  contact->add_option("dataset", o->dataset)->required();
  contact->add_option("--term", o->terms, "HPO term of the patient; repeatable")->required();
  contact
      ->add_option("--message", o->message,
                   "What you would like to know; nothing that names the patient")
      ->required();
  contact->add_option("--reply-to", o->reply_to, "How you can be reached")->required();
  contact->footer(
      "Example: genofed case contact GOE-FI-DATASET-1 --term HP:0001250 "
      "--message 'Which therapy helped?' --reply-to ward@hospital.example");
  contact->callback([o, &target, &action] {
    action = [o, &target] {
      Session session(target);
      return Show(session,
                  session.Post("/api/v1/contact-requests", {{"dataset", o->dataset},
                                                            {"terms", o->terms},
                                                            {"message", o->message},
                                                            {"reply_to", o->reply_to}}),
                  [](const Json& answer) { PrintContact(Member(answer, "contact")); });
    };
  });

  auto* requests = group->add_subcommand(
      "requests", "Requests at a node: your own; all for holders and the access committee");
  requests->callback([&target, &action] {
    action = [&target] {
      Session session(target);
      return Show(session,
                  GetAllPages(session, "/api/v1/contact-requests?page_size=200", "contacts"),
                  [](const Json& answer) {
                    for (const Json& one : answer.value("contacts", Json::array()))
                      PrintContact(one);
                  });
    };
  });

  for (const char* verb : {"accept", "decline"}) {
    const bool accept = std::string(verb) == "accept";
    auto* answer = group->add_subcommand(
        verb, accept ? "Accept a request, and say whom to talk to (roles holder, dac)"
                     : "Decline a request, and say why (roles holder, dac)");
    answer->add_option("request", o->id)->required();
    answer->add_option("--reply", o->reply, "Given to the clinician")->required();
    answer->callback([o, accept, &target, &action] {
      action = [o, accept, &target] {
        Session session(target);
        return Show(session,
                    session.Post("/api/v1/contact-requests/" + Escape(o->id) + "/answer",
                                 {{"accept", accept}, {"reply", o->reply}}),
                    [](const Json& done) { PrintContact(Member(done, "contact")); });
      };
    });
  }
}

}  // namespace genofed::cli
