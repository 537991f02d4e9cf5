// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "libs/core/file.h"
#include "services/cli/commands/session.h"

namespace genofed::cli {
namespace {

struct RunOptions {
  std::string id, application, workflow, output, file, reason, digest;
  std::vector<std::string> datasets, sets;
};

bool Ended(const std::string& state) {
  return state == "STATE_COMPLETE" || state == "STATE_EXECUTOR_ERROR" ||
         state == "STATE_SYSTEM_ERROR" || state == "STATE_CANCELED";
}

void PrintRun(const Json& run) {
  std::printf("%s  %s  %s\n", TextOf(run, "id").c_str(), TextOf(run, "state").c_str(),
              TextOf(run, "message").c_str());
  for (const Json& part : run.value("parts", Json::array())) {
    std::printf("  %-4s %-22s %s %s\n", TextOf(part, "site").c_str(), TextOf(part, "state").c_str(),
                TextOf(part, "reason").c_str(), TextOf(part, "message").c_str());
  }
  for (const Json& output : run.value("outputs", Json::array()))
    std::printf("  output %s\n", Printable(output.get<std::string>()).c_str());
}

int Submit(const Target& target, const RunOptions& o) {
  auto workflow = ReadFile(o.workflow, 256U << 10);
  if (!workflow.ok()) return Fail(workflow.status()), kUsage;
  Json parameters = Json::object();
  for (const std::string& set : o.sets) {
    auto equals = set.find('=');
    if (equals == std::string::npos) {
      std::fprintf(stderr, "genofed: --set %s: expected NAME=VALUE\n", set.c_str());
      return kUsage;
    }
    parameters[set.substr(0, equals)] = set.substr(equals + 1);
  }
  const Json params = {
      {"application", o.application}, {"datasets", o.datasets}, {"parameters", parameters}};
  Session session(target);
  const std::string name = std::filesystem::path(o.workflow).filename();
  auto answer = session.PostForm("/ga4gh/wes/v1/runs",
                                 {{"workflow_type", "OCI"},
                                  {"workflow_type_version", "1.0"},
                                  {"workflow_url", name},
                                  {"workflow_params", params.dump()}},
                                 name, *workflow);
  return Show(session, answer,
              [](const Json& json) { std::printf("%s\n", TextOf(json, "run_id").c_str()); });
}

int WaitFor(const Target& target, const std::string& id) {
  Session session(target);
  std::string last;
  for (;;) {
    auto answer = session.Get("/api/v1/runs/" + Escape(id));
    if (!answer.ok()) return Fail(answer.status());
    const Json& run = Member(*answer, "run");
    std::string now = TextOf(run, "state") + run.value("parts", Json::array()).dump();
    if (now != last && !session.json()) PrintRun(run);
    last = now;
    if (Ended(TextOf(run, "state"))) {
      if (session.json()) std::printf("%s\n", answer->dump(2).c_str());
      return TextOf(run, "state") == "STATE_COMPLETE" ? kOk : kRejected;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
}

void PrintAirlock(const Json& answer) {
  for (const Json& review : answer.value("reviews", Json::array())) {
    std::printf("%s  project %s\n  digest %s\n", TextOf(review, "task").c_str(),
                TextOf(review, "project").c_str(), TextOf(review, "digest").c_str());
    for (const Json& file : review.value("files", Json::array())) {
      std::printf("  file %s: %s rows, %s left out\n", TextOf(file, "name").c_str(),
                  TextOf(file, "rows").c_str(), TextOf(file, "rows_left_out").c_str());
    }
    for (const Json& check : review.value("checks", Json::array())) {
      std::printf("  %s %s %s\n", check.value("passed", false) ? "passed" : "FAILED",
                  TextOf(check, "check").c_str(), TextOf(check, "detail").c_str());
    }
  }
}

// What waits for a decision about a task now.
Result<Json> Waiting(Session& session, const std::string& task) {
  GF_ASSIGN(const Json answer, session.Get("/api/v1/airlock"));
  for (const Json& review : answer.value("reviews", Json::array())) {
    if (TextOf(review, "task") == task) return review;
  }
  return Error(StatusCode::kNotFound, "TASK_UNKNOWN", "no output of task {} waits here", task);
}

int ShowFile(const Target& target, const RunOptions& o) {
  Session session(target);
  // Asked for before the file, so that a decision with this digest holds for nothing newer.
  const auto review = Waiting(session, o.id);
  const auto content =
      session.GetBytes("/api/v1/airlock/" + Escape(o.id) + "/files/" + Escape(o.output));
  if (!content.ok()) return Fail(content.status());
  if (::isatty(STDOUT_FILENO) == 1) {
    // Of what controls a terminal, only line breaks and tabs.
    for (std::string_view rest = *content; !rest.empty();) {
      const std::size_t end = std::min(rest.find_first_of("\n\t"), rest.size());
      std::printf("%s%.*s", Printable(rest.substr(0, end)).c_str(), end < rest.size() ? 1 : 0,
                  rest.data() + end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  } else {
    std::fwrite(content->data(), 1, content->size(), stdout);
  }
  if (review.ok()) std::fprintf(stderr, "  digest %s\n", TextOf(*review, "digest").c_str());
  return kOk;
}

int DecideAirlock(const Target& target, const RunOptions& o, bool release) {
  Session session(target);
  const auto review = Waiting(session, o.id);
  if (!review.ok()) return Fail(review.status());
  const std::string digest = TextOf(*review, "digest");
  if (!o.digest.empty() && o.digest != digest) {
    return Fail(Error(StatusCode::kFailedPrecondition, "REVIEW_CHANGED",
                      "what waits of task {} has another digest, {}: look at it again", o.id,
                      digest));
  }
  return Show(session,
              session.Post("/api/v1/airlock/" + Escape(o.id) + "/decision",
                           {{"digest", digest}, {"release", release}, {"reason", o.reason}}),
              [release](const Json&) { std::printf("%s\n", release ? "released" : "refused"); });
}

}  // namespace

void AddRunCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto o = std::make_shared<RunOptions>();

  auto* run = commands.app.add_subcommand("run", "Analyses that travel to the data (WES)")
                  ->require_subcommand(1);
  run->footer(
      "Examples:\n"
      "  genofed run submit app-… --workflow allele-counts.workflow.json --set "
      "CASE_TERM=HP:0001250 "
      "--as researcher\n"
      "  genofed run wait run-… --as researcher               until data holders released the "
      "outputs\n"
      "  genofed run download run-… case_control.tsv --as researcher");
  auto* submit =
      run->add_subcommand("submit", "Offer a workflow to every approved node (role researcher)");
  submit->add_option("application", o->application)->required();
  submit->add_option("--workflow", o->workflow, "Workflow descriptor (JSON)")->required();
  submit->add_option("--dataset", o->datasets, "Only these datasets; default: all approved");
  submit->add_option("--set", o->sets, "Parameter of the workflow: NAME=VALUE; repeatable");
  submit->callback([o, &target, &action] { action = [o, &target] { return Submit(target, *o); }; });

  auto with_id = [&](CLI::App* parent, const char* name, const char* help,
                     std::function<int(const Target&, const RunOptions&)> act) {
    auto* command = parent->add_subcommand(name, help);
    command->add_option("id", o->id)->required();
    command->callback(
        [o, act, &target, &action] { action = [o, act, &target] { return act(target, *o); }; });
    return command;
  };
  with_id(run, "show", "State of the run and of each country's part",
          [](const Target& at, const RunOptions& options) {
            Session session(at);
            return Show(session, session.Get("/api/v1/runs/" + Escape(options.id)),
                        [](const Json& answer) { PrintRun(Member(answer, "run")); });
          });
  with_id(run, "wait", "Show progress until it ends; exit code 3 if it did not complete",
          [](const Target& at, const RunOptions& options) { return WaitFor(at, options.id); });
  with_id(run, "cancel", "Ask every node to stop", [](const Target& at, const RunOptions& options) {
    Session session(at);
    return Show(session, session.Post("/ga4gh/wes/v1/runs/" + Escape(options.id) + "/cancel"),
                [](const Json&) { std::printf("cancelling\n"); });
  });
  auto* download = with_id(
      run, "download", "Save one merged output", [](const Target& at, const RunOptions& options) {
        Session session(at);
        auto content = session.GetBytes("/api/v1/runs/" + Escape(options.id) + "/outputs/" +
                                        Escape(options.output));
        if (!content.ok()) return Fail(content.status());
        std::string file = options.file.empty()
                               ? std::filesystem::path(options.output).filename().string()
                               : options.file;
        Status status = WriteFileAtomically(file, *content);
        if (!status.ok()) return Fail(status);
        std::printf("%s: %zu bytes\n", file.c_str(), content->size());
        return kOk;
      });
  download->add_option("output", o->output, "Name of the output")->required();
  download->add_option("--out", o->file, "File to write; default: its name, here");
  run->add_subcommand("list", "Your runs")->callback([&target, &action] {
    action = [&target] {
      Session session(target);
      return Show(
          session, GetAllPages(session, "/ga4gh/wes/v1/runs", "runs"), [](const Json& answer) {
            for (const Json& one : answer.value("runs", Json::array())) {
              std::printf("%s  %s\n", TextOf(one, "run_id").c_str(), TextOf(one, "state").c_str());
            }
          });
    };
  });

  auto* airlock =
      commands.app.add_subcommand("airlock", "What wants to leave a node (role holder)")
          ->require_subcommand(1);
  airlock->footer(
      "Examples:\n"
      "  genofed airlock list --as holder_fi                  what waits: project, files, checks\n"
      "  genofed airlock show run-…-fi-… case_control.tsv --as holder_fi\n"
      "  genofed airlock release run-…-fi-… --digest DIGEST --as holder_fi      what you looked "
      "at, and nothing else\n"
      "  genofed airlock refuse run-…-fi-… --reason \"Rows look like single people\" --as "
      "holder_fi");
  airlock->add_subcommand("list", "Outputs that wait for a decision")->callback([&target, &action] {
    action = [&target] {
      Session session(target);
      return Show(session, session.Get("/api/v1/airlock"), PrintAirlock);
    };
  });
  auto* show =
      with_id(airlock, "show", "Print one file as it would leave, and to standard error the digest",
              [](const Target& at, const RunOptions& options) { return ShowFile(at, options); });
  show->add_option("file", o->output)->required();
  for (const char* verb : {"release", "refuse"}) {
    bool release = std::string(verb) == "release";
    auto* decide = with_id(airlock, verb,
                           release ? "Let the outputs of a task leave"
                                   : "Keep them; the requester gets a coded reason only",
                           [release](const Target& at, const RunOptions& options) {
                             return DecideAirlock(at, options, release);
                           });
    decide->add_option("--digest", o->digest,
                       "Digest that was looked at; default: of what waits now");
    decide->add_option("--reason", o->reason)->required(!release);
  }
}

}  // namespace genofed::cli
