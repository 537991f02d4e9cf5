// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <thread>

#include "libs/core/file.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/cli/commands/onboard_beacon.h"
#include "services/cli/commands/onboard_check.h"
#include "services/cli/commands/onboard_description.h"
#include "services/cli/commands/onboard_files.h"
#include "services/cli/commands/session.h"
#include "services/cli/commands/submission_report.h"
#include "services/cli/commands/upload.h"

namespace genofed::cli {
namespace {

struct OnboardOptions {
  GivenFiles given;
  bool intake_key = false;
  DescriptionOptions dataset;
  bool add = false, follow_up = false;
  bool wait = true;
};

void PrintFindings(const Json& submission) {
  for (const Json& finding : submission.value("findings", Json::array())) {
    std::string severity = ToLower(TextOf(finding, "severity"));
    if (auto dash = severity.rfind('_'); dash != std::string::npos)
      severity = severity.substr(dash + 1);
    std::string where = TextOf(finding, "file");
    if (std::string line = TextOf(finding, "line"); !line.empty() && line != "0")
      where += ":" + TextOf(finding, "line");
    if (!TextOf(finding, "field").empty()) where += " " + TextOf(finding, "field");
    std::printf("  %-7s %s  %s  %s\n", severity.c_str(), TextOf(finding, "code").c_str(),
                where.c_str(), TextOf(finding, "message").c_str());
  }
}

// How the version differs from the one it went on from.
void PrintDifference(const Json& submission) {
  if (TextOf(submission, "base_version").empty() || TextOf(submission, "base_version") == "0")
    return;
  const Json difference = submission.value("difference", Json::object());
  auto number = [&](const char* name) {
    return difference.contains(name) ? TextOf(difference, name) : std::string("0");
  };
  std::printf("  goes on from version %s: %s people kept, %s added, %s with changed data\n",
              TextOf(submission, "base_version").c_str(), number("people_kept").c_str(),
              number("people_added").c_str(), number("people_changed").c_str());
}

}  // namespace

int Report(const Session& session, const Json& submission) {
  const std::string state = TextOf(submission, "state");
  if (session.json()) {
    std::printf("%s\n", submission.dump(2).c_str());
  } else {
    const Json counts = submission.value("counts", Json::object());
    auto count = [&](const char* name) {
      return counts.contains(name) ? TextOf(counts, name) : std::string("0");
    };
    const std::string mode = TextOf(submission, "mode"),
                      dataset = TextOf(Member(submission, "dataset"), "id");
    const bool makes_version = mode != "MODE_ROLLBACK" && mode != "MODE_DECOMMISSION";
    if (makes_version) {
      std::printf("%s version %s: %s\n", dataset.c_str(), TextOf(submission, "version").c_str(),
                  state.c_str());
    } else if (state != "STATE_PUBLISHED") {
      std::printf("%s: %s\n", dataset.c_str(), state.c_str());
    } else if (mode == "MODE_ROLLBACK") {
      std::printf("%s version %s is listed again\n", dataset.c_str(),
                  TextOf(submission, "target_version").c_str());
    } else {
      std::printf("%s is out of use: keys, objects and indices are destroyed\n", dataset.c_str());
    }
    if (makes_version && counts.contains("subjects")) {
      std::printf("  %s of %s subjects included, %s without consent; %s records, %s sites\n",
                  count("subjects_included").c_str(), count("subjects").c_str(),
                  count("subjects_without_consent").c_str(), count("records").c_str(),
                  count("sites").c_str());
    }
    PrintDifference(submission);
    PrintFindings(submission);
    if (!TextOf(submission, "message").empty())
      std::printf("  %s\n", TextOf(submission, "message").c_str());
  }
  if (state == "STATE_PUBLISHED" || state == "STATE_OPEN" || state == "STATE_QUEUED" ||
      state == "STATE_RUNNING")
    return kOk;
  return state == "STATE_REJECTED" ? kRejected : kFailed;
}

Result<Json> Wait(Session& session, const std::string& id, bool show) {
  std::string last;
  for (;;) {
    GF_ASSIGN(Json answer, session.Get("/api/v1/submissions/" + Escape(id)));
    const Json& submission = Member(answer, "submission");
    const std::string state = TextOf(submission, "state");
    if (state != "STATE_QUEUED" && state != "STATE_RUNNING") return submission;
    std::string now = TextOf(submission, "stage") + " " + TextOf(submission, "percent") + " %";
    if (show && now != last) std::fprintf(stderr, "  %s\n", now.c_str());
    last = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

namespace {

// The layout that `genofed synth` writes has more in it than what is handed over.
void ExpandCohort(OnboardOptions& o) {
  if (o.given.paths.size() != 1) return;
  const std::filesystem::path folder = o.given.paths.front();
  std::error_code ignored;  // what cannot be looked at is noticed when it is read
  const auto has = [&](const char* name) {
    return std::filesystem::exists(folder / name, ignored);
  };
  if (!std::filesystem::is_directory(folder / "phenopackets", ignored) ||
      !has("consents.fhir-r4.json") || !(has("cohort.vcf.gz") || o.follow_up)) {
    return;
  }
  o.given.paths.clear();
  if (has("dataset.json")) o.given.paths.push_back(folder / "dataset.json");
  if (o.given.variants.empty() && !o.follow_up) o.given.variants = {folder / "cohort.vcf.gz"};
  if (o.given.clinical.empty()) o.given.clinical = {folder / "phenopackets"};
  if (o.given.consents.empty()) o.given.consents = {folder / "consents.fhir-r4.json"};
}

Status Upload(Session& session, const std::string& id, const std::vector<HandedFile>& files) {
  GF_ASSIGN(const Json answer, session.Get("/api/v1/submissions/" + Escape(id)));
  std::map<std::string, std::uint64_t> held;
  for (const Json& file : answer.value("files", Json::array())) {
    const auto size =
        file.contains("size") ? ParseInt(TextOf(file, "size")) : Result<std::int64_t>(0);
    if (size.ok()) held[TextOf(file, "name")] = static_cast<std::uint64_t>(*size);
  }
  for (const HandedFile& file : files) {
    const UploadTarget to{id, file.kind, file.name, held[file.name]};
    GF_TRY(file.packed ? UploadText(session, to, *file.packed)
                       : UploadFile(session, to, file.path));
  }
  return absl::OkStatus();
}

int Onboard(const Target& target, OnboardOptions o) {
  ExpandCohort(o);
  auto collected = CollectFiles(o.given);
  if (!collected.ok()) return Fail(collected.status()), kUsage;
  for (const std::string& file : collected->left_out)
    std::fprintf(stderr, "  left out: %s\n", file.c_str());
  auto has = [&](std::string_view kind) {
    return std::any_of(collected->files.begin(), collected->files.end(),
                       [&](const HandedFile& file) { return file.kind == kind; });
  };
  if (!has("clinical") || !has("consents") || has("variants") == o.follow_up) {
    std::fprintf(
        stderr,
        o.follow_up
            ? "genofed: follow-up takes clinical data and consents, and no variants\n"
            : "genofed: name variants, clinical data and consents (files, a folder, or --vcf, "
              "--clinical and --consents)\n");
    return kUsage;
  }
  Session session(target);
  auto described = DescribeDataset(o.dataset, collected->description);
  if (!described.ok()) return Fail(described.status());
  // The same files and description under the same identifier are the same submission, so an
  // interrupted command can be repeated.
  const char* mode = o.add ? "MODE_ADD" : o.follow_up ? "MODE_FOLLOW_UP" : "MODE_UNSPECIFIED";
  const std::string key =
      fmt::format("{}.{}.{}", o.dataset.id, mode, Fingerprint(collected->files, described->dump()));
  auto created = session.Post("/api/v1/submissions",
                              {{"dataset", *described}, {"idempotency_key", key}, {"mode", mode}});
  if (!created.ok()) return Fail(created.status());
  const std::string id = TextOf(Member(*created, "submission"), "id");
  if (TextOf(Member(*created, "submission"), "state") == "STATE_OPEN") {
    Status status = Upload(session, id, collected->files);
    if (status.ok()) status = session.Post("/api/v1/submissions/" + Escape(id) + "/start").status();
    if (!status.ok()) return Fail(status);
  }
  if (!o.wait) {
    std::printf("%s\n", id.c_str());
    return kOk;
  }
  auto done = Wait(session, id, !session.json());
  if (!done.ok()) return Fail(done.status());
  return Report(session, *done);
}

int ShowIntakeKey(const Target& target) {
  Session session(target);
  auto answer = session.Get("/api/v1/intake-key");
  if (!answer.ok()) return Fail(answer.status());
  std::printf("%s", session.json() ? (answer->dump(2) + "\n").c_str()
                                   : ContentOf(*answer, "public_key").c_str());
  return kOk;
}

void PrintRecords(const Json& answer) {
  std::vector<std::vector<std::string>> rows = {
      {"DATASET", "VERSION", "COUNTRY", "PEOPLE", "STATE", "TITLE"}};
  for (const Json& record : answer.value("records", Json::array())) {
    rows.push_back({TextOf(record, "id"), TextOf(record, "version"), TextOf(record, "country"),
                    TextOf(record, "individuals"), TextOf(record, "state"),
                    TextOf(record, "title")});
  }
  PrintTable(rows);
}

// Starts a submission that needs no files, and waits for its end.
int CarryOut(const Target& target, Json request) {
  Session session(target);
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  request["idempotency_key"] = fmt::format("{}.{}", TextOf(request, "mode"), now);
  auto created = session.Post("/api/v1/submissions", request);
  if (!created.ok()) return Fail(created.status());
  const std::string id = TextOf(Member(*created, "submission"), "id");
  Status started = session.Post("/api/v1/submissions/" + Escape(id) + "/start").status();
  if (!started.ok()) return Fail(started);
  auto done = Wait(session, id, !session.json());
  return done.ok() ? Report(session, *done) : Fail(done.status());
}

int ShowReport(const Target& target, const std::string& id, const std::string& html_file) {
  Session session(target);
  auto answer = session.Get("/api/v1/submissions/" + Escape(id) + "/report");
  if (!answer.ok()) return Fail(answer.status());
  if (!html_file.empty()) {
    if (Status status = WriteFileAtomically(html_file, ContentOf(*answer, "html"), 0600);
        !status.ok())
      return Fail(status);
    std::fprintf(stderr, "%s\n", html_file.c_str());
    return kOk;
  }
  std::printf("%s\n",
              session.json() ? answer->dump(2).c_str() : ContentOf(*answer, "json").c_str());
  return kOk;
}

// 3 when something is damaged, so that a script can act on it.
int ShowIntegrity(const Target& target) {
  Session session(target);
  auto answer = session.Get("/api/v1/integrity");
  if (!answer.ok()) return Fail(answer.status());
  const Json damaged = answer->value("damaged", Json::array());
  if (session.json()) {
    std::printf("%s\n", answer->dump(2).c_str());
  } else {
    const std::string since = TextOf(*answer, "oldest_check");
    std::printf("%s objects, %s not looked at yet%s\n", TextOf(*answer, "objects").c_str(),
                TextOf(*answer, "never_checked").c_str(),
                since.empty() ? "" : ("; all looked at since " + since).c_str());
    for (const Json& object : damaged) {
      std::printf(
          "%-18s %-12s %s  %s\n", TextOf(object, "reason").c_str(), TextOf(object, "role").c_str(),
          TextOf(Member(object, "dataset"), "dataset").c_str(), TextOf(object, "object").c_str());
    }
    if (!damaged.empty())
      std::printf("Restore these bodies from the backup; a later look clears them.\n");
  }
  return damaged.empty() ? kOk : kRejected;
}

// The Crypt4GH file of what a submission set aside, for a key of the caller.
int SaveQuarantine(const Target& target, const std::string& id, const std::string& key_file,
                   const std::string& out) {
  auto recipient = ReadFile(key_file, 64U << 10);
  if (!recipient.ok()) return Fail(recipient.status()), kUsage;
  Session session(target);
  std::string content;
  std::size_t header = 0, body_size = 0;
  do {
    const std::size_t offset = content.size() - header;
    auto piece = session.Post(
        "/api/v1/submissions/" + Escape(id) + "/quarantine",
        {{"recipient", *recipient}, {"offset", std::to_string(offset)}, {"size", 1U << 20}});
    if (!piece.ok()) return Fail(piece.status());
    const auto opened = Base64Decode(TextOf(*piece, "header"));
    const auto data = Base64Decode(TextOf(*piece, "data"));
    const auto size = ParseInt(TextOf(*piece, "body_size"));
    if (!data.ok() || data->empty() || !size.ok()) {
      return Fail(Error(StatusCode::kDataLoss, "ANSWER_INVALID",
                        "the site's answer is not what was asked for"));
    }
    if (offset == 0 && opened.ok()) {
      content = *opened;
      header = content.size();
    }
    content += *data;
    body_size = static_cast<std::size_t>(*size);
  } while (content.size() - header < body_size);
  if (Status status = WriteFileAtomically(out, content, 0600); !status.ok()) return Fail(status);
  std::fprintf(stderr, "%s\n", out.c_str());
  return kOk;
}

struct ReviewOptions {
  std::string id, comment;
  std::optional<std::int64_t> version;
  std::vector<std::string> evidence;
};

// The national coordinator's answer to the newest version.
int ReviewRecord(const Target& target, const ReviewOptions& o, bool approve) {
  Json seen = Json::object();
  if (Status status = AddEvidence(o.evidence, seen); !status.ok()) return Fail(status), kUsage;
  Session session(target);
  const auto all = GetAllPages(session, "/api/v1/datasets?all=true&page_size=500", "records");
  if (!all.ok()) return Fail(all.status());
  for (const Json& record : all->value("records", Json::array())) {
    if (TextOf(record, "id") != o.id) continue;
    const std::string version = TextOf(record, "version");
    if (o.version && std::to_string(*o.version) != version) {
      return Fail(Error(StatusCode::kFailedPrecondition, "VERSION_CHANGED",
                        "the newest version of {} is {}: look at it again", o.id, version));
    }
    return Show(session,
                session.Post("/api/v1/datasets/" + Escape(o.id) + "/review",
                             {{"version", Member(record, "version")},
                              {"approve", approve},
                              {"comment", o.comment},
                              {"evidence", seen}}),
                [](const Json& answer) {
                  const Json& reviewed = Member(answer, "record");
                  std::printf("%s version %s: %s\n", TextOf(reviewed, "id").c_str(),
                              TextOf(reviewed, "version").c_str(),
                              TextOf(reviewed, "state").c_str());
                });
  }
  return Fail(
      Error(StatusCode::kNotFound, "DATASET_UNKNOWN", "there is no dataset {} at this site", o.id));
}

void AddLifecycleCommands(Commands commands, CLI::App& dataset) {
  Action& action = commands.action;
  Target& target = commands.target;
  auto id = std::make_shared<std::string>();
  auto reason = std::make_shared<std::string>();
  auto version = std::make_shared<int>(0);
  auto* rollback = dataset.add_subcommand(
      "rollback", "List an earlier version again; the present one stays, unlisted (role holder)");
  rollback->add_option("id", *id)->required();
  rollback->add_option("--to", *version, "Version that was listed before")->required();
  rollback->add_option("--reason", *reason, "Shown to everybody")->required();
  rollback->callback([=, &target, &action] {
    action = [=, &target] {
      return CarryOut(target, {{"dataset", {{"id", *id}}},
                               {"mode", "MODE_ROLLBACK"},
                               {"target_version", *version},
                               {"reason", *reason}});
    };
  });
  auto* decommission = dataset.add_subcommand(
      "decommission",
      "Take a dataset out of use for good: keys, objects and indices are destroyed, a "
      "tombstone stays (role holder)");
  decommission->add_option("id", *id)->required();
  decommission->add_option("--reason", *reason, "Shown to everybody")->required();
  decommission->add_flag("--yes")->required()->description("I know that this cannot be undone");
  decommission->callback([=, &target, &action] {
    action = [=, &target] {
      return CarryOut(
          target, {{"dataset", {{"id", *id}}}, {"mode", "MODE_DECOMMISSION"}, {"reason", *reason}});
    };
  });
  auto html = std::make_shared<std::string>();
  auto* report = commands.app.add_subcommand(
      "report", "Conformity report of a submission (roles holder, ncp, operator)");
  report->add_option("submission", *id)->required();
  report->add_option("--html", *html, "Write the page for people to this file");
  auto quarantine = std::make_shared<std::string>();
  auto key = std::make_shared<std::string>();
  auto* to_key = report->add_option("--recipient-key", *key, "Your Crypt4GH public key");
  report
      ->add_option("--quarantine", *quarantine,
                   "Write the records that were set aside to this file, encrypted for that key "
                   "(role holder)")
      ->needs(to_key);
  report->footer(
      "Examples:\n"
      "  genofed report sub-… --html report.html --as holder_fi\n"
      "  genofed report sub-… --quarantine aside.c4gh --recipient-key me.pub --as holder_fi\n"
      "  genofed crypt4gh decrypt --secret-key me.key < aside.c4gh");
  report->callback([=, &target, &action] {
    action = [=, &target] {
      return quarantine->empty() ? ShowReport(target, *id, *html)
                                 : SaveQuarantine(target, *id, *key, *quarantine);
    };
  });
  auto* integrity = commands.app.add_subcommand(
      "integrity",
      "Whether stored objects are still what was written (roles holder, ncp, operator)");
  integrity->footer(
      "Exit code 3: something is damaged.\nExample: genofed integrity --as holder_fi");
  integrity->callback([&target, &action] { action = [&target] { return ShowIntegrity(target); }; });
}

}  // namespace

void AddDataCommands(Commands commands) {
  Action& action = commands.action;
  Target& target = commands.target;

  auto o = std::make_shared<OnboardOptions>();
  auto* onboard = commands.app.add_subcommand(
      "onboard", "Check, pseudonymise, encrypt, index and publish a cohort (role holder)");
  onboard->add_option(
      "files", o->given.paths,
      "Files and folders, recognised by content; dataset.json describes the dataset");
  onboard->add_option("--vcf", o->given.variants, "VCF or BCF; repeatable")
      ->allow_extra_args(false);
  onboard
      ->add_option(
          "--clinical,--phenopackets", o->given.clinical,
          "Phenopackets v2, FHIR R4/R5, OMOP CDM 5.4 tables or CSV: a file or folder; repeatable")
      ->allow_extra_args(false);
  onboard->add_option("--consents", o->given.consents, "FHIR Consent resources; repeatable")
      ->allow_extra_args(false);
  onboard->add_option("--mapping", o->given.mapping,
                      "What the columns of CSV files mean (JSON; docs/guides/data-holder.md)");
  onboard->add_flag("--intake-key", o->intake_key,
                    "Print the Crypt4GH key for which files may be encrypted, and do nothing else");
  onboard->add_option("--id", o->dataset.id, "Dataset identifier: GOE-FI-DATASET-1");
  AddDescriptionOptions(*onboard, o->dataset);
  auto* add = onboard->add_flag("--add", o->add,
                                "Add these people to the listed version; nothing of it is rebuilt");
  onboard
      ->add_flag("--follow-up", o->follow_up,
                 "New clinical data and consents of people who are in the listed version; no VCF")
      ->excludes(add);
  onboard->add_flag("!--no-wait", o->wait, "Return as soon as the work is accepted");
  onboard->footer(
      "Examples:\n"
      "  genofed onboard check --json cohorts/fi/cohort.vcf.gz            without storing "
      "anything\n"
      "  genofed onboard cohorts/fi --id GOE-FI-DATASET-1 --as holder_fi\n"
      "  genofed onboard cohort.bcf omop/ consents.ndjson dataset.json --id GOE-FI-DATASET-1 --as "
      "holder_fi\n"
      "  genofed onboard cohort.bcf redcap.csv consents.json --mapping mapping.json --id "
      "GOE-FI-DATASET-1\n"
      "  genofed onboard --intake-key > node.pub; genofed crypt4gh encrypt --recipient-key "
      "node.pub < a.vcf > a.vcf.c4gh\n"
      "  genofed onboard batch-2 --id GOE-FI-DATASET-1 --add --as holder_fi\n"
      "  genofed onboard visits --id GOE-FI-DATASET-1 --follow-up --as holder_fi\n"
      "The file dataset.json (title, description, publisher, contact_email, keywords, data_use, "
      "evidence, assembly)\n"
      "describes the dataset; options win over it, and what neither says stays as it was in the "
      "version before. A first\n"
      "version needs it all but keywords, data_use and evidence. Exit code 3: rejected, the "
      "findings say why.");
  AddOnboardCheck(*onboard, commands);
  AddOnboardBeacon(*onboard, commands);
  // The command acts by itself unless its subcommand was named.
  onboard->require_subcommand(0, 1);
  onboard->callback([o, onboard, &target, &action] {
    if (!onboard->get_subcommands().empty()) return;
    if (o->intake_key) {
      action = [&target] { return ShowIntakeKey(target); };
      return;
    }
    if (o->dataset.id.empty()) throw CLI::RequiredError("--id");
    action = [o, &target] { return Onboard(target, *o); };
  });

  auto id = std::make_shared<std::string>();
  auto* submission = commands.app.add_subcommand(
      "submission", "One submission, with everything that was found (role holder, ncp)");
  submission->footer("Example: genofed submission sub-… --as holder_fi");
  submission->add_option("id", *id)->required();
  submission->callback([id, &target, &action] {
    action = [id, &target] {
      Session session(target);
      auto answer = session.Get("/api/v1/submissions/" + Escape(*id));
      return answer.ok() ? Report(session, Member(*answer, "submission")) : Fail(answer.status());
    };
  });

  auto* dataset = commands.app.add_subcommand("dataset", "The catalogue")->require_subcommand(1);
  dataset->footer(
      "Examples:\n"
      "  genofed dataset list epilepsy                        what is listed of all countries\n"
      "  genofed dataset list --all --as ncp_fi               what waits for review, too\n"
      "  genofed dataset approve GOE-FI-DATASET-1 --version 2 --evidence consent_form=V3 --as "
      "ncp_fi\n"
      "  genofed dataset rollback GOE-FI-DATASET-1 --to 1 --reason \"Wrong visit\" --as holder_fi\n"
      "  genofed dataset decommission GOE-FI-DATASET-1 --reason \"The study ended\" --yes --as "
      "holder_fi");
  auto text = std::make_shared<std::string>();
  auto all = std::make_shared<bool>(false);
  auto* list = dataset->add_subcommand("list", "Listed datasets");
  list->add_option("text", *text, "Words that must occur");
  list->add_flag("--all", *all, "Also those that wait for review (role ncp, holder, operator)");
  list->callback([text, all, &target, &action] {
    action = [text, all, &target] {
      Session session(target);
      return Show(session,
                  GetAllPages(session,
                              "/api/v1/datasets?page_size=500&text=" + Escape(*text) +
                                  (*all ? "&all=true" : ""),
                              "records"),
                  PrintRecords);
    };
  });
  auto* show = dataset->add_subcommand("show", "One dataset");
  show->add_option("id", *id)->required();
  show->callback([id, &target, &action] {
    action = [id, &target] {
      Session session(target);
      return Show(session, session.Get("/api/v1/datasets/" + Escape(*id)), [](const Json& answer) {
        std::printf("%s\n", Member(answer, "record").dump(2).c_str());
      });
    };
  });
  auto r = std::make_shared<ReviewOptions>();
  for (const char* verb : {"approve", "return"}) {
    bool approve = std::string(verb) == "approve";
    auto* review =
        dataset->add_subcommand(verb, approve ? "List a waiting dataset (role ncp)"
                                              : "Send a record back with a reason (role ncp)");
    review->add_option("id", r->id)->required();
    review->add_option("--version", r->version, "Version that was looked at; default: the newest");
    review->add_option("--comment", r->comment, "Shown to the holder")->required(!approve);
    if (approve) {
      review->add_option("--evidence", r->evidence,
                         "CRITERION=REFERENCE of a document you have seen; repeatable");
    }
    review->callback([r, approve, &target, &action] {
      action = [r, approve, &target] { return ReviewRecord(target, *r, approve); };
    });
  }

  AddLifecycleCommands(commands, *dataset);
}

}  // namespace genofed::cli
