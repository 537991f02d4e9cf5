// SPDX-License-Identifier: Apache-2.0
#include "services/cli/commands/onboard_beacon.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

#include "libs/beacon/folder.h"
#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "services/cli/commands/submission_report.h"
#include "services/cli/commands/upload.h"

namespace genofed::cli {
namespace {

namespace fs = std::filesystem;

constexpr auto kAnswersWithin = std::chrono::seconds(60);

struct FolderFiles {
  std::vector<fs::path> used;
  std::string digest;  // of names and content, SHA-256
};

Result<FolderFiles> FilesOf(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) {
    return Error(StatusCode::kNotFound, "FOLDER_MISSING", "there is no folder '{}'", folder.string());
  }
  FolderFiles files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_regular_file(error) && beacon::IsFolderFile(it->path().filename().string()))
      files.used.push_back(it->path());
  }
  std::sort(files.used.begin(), files.used.end());
  if (files.used.empty()) {
    return Error(StatusCode::kInvalidArgument, "FOLDER_EMPTY",
                 "'{}' has none of the files of a Beacon data folder (individuals.json, genomicVariations.json, ...)",
                 folder.string());
  }
  crypto::Sha256Stream hash;
  std::string piece(1U << 20U, '\0');
  for (const fs::path& file : files.used) {
    hash.Update(file.filename().string() + "\n");
    std::ifstream in(file, std::ios::binary);
    while (in.read(piece.data(), static_cast<std::streamsize>(piece.size())), in.gcount() > 0)
      hash.Update(std::string_view(piece.data(), static_cast<std::size_t>(in.gcount())));
    if (!in.eof())
      return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read {}", file.string());
  }
  files.digest = hash.Finish();
  return files;
}

// "GDI-FI-BEACON-1" where nothing else was said.
Result<std::string> DefaultId(Session& session) {
  GF_ASSIGN(const Json site, session.Get("/api/v1/site"));
  return "GDI-" + TextOf(site, "country") + "-BEACON-1";
}

Result<Json> Submit(Session& session, BeaconFolderOptions o) {
  GF_ASSIGN(const FolderFiles files, FilesOf(o.folder));
  if (o.dataset.id.empty()) {
    GF_ASSIGN(o.dataset.id, DefaultId(session));
  }
  GF_ASSIGN(const Json dataset, DescribeDataset(o.dataset, {}));
  const std::string said = HexEncode(crypto::Sha256(files.digest + dataset.dump())).substr(0, 32);
  const std::string key =
      fmt::format("{}.beacon.{}{}", o.dataset.id, said, o.test_data ? ".test" : "");
  GF_ASSIGN(const Json created,
            session.Post(
                "/api/v1/submissions",
                {{"dataset", dataset}, {"idempotency_key", key}, {"mode", "MODE_BEACON"}, {"test_data", o.test_data}}));
  const std::string submission = TextOf(Member(created, "submission"), "id");
  if (TextOf(Member(created, "submission"), "state") == "STATE_OPEN") {
    for (const fs::path& file : files.used)
      GF_TRY(UploadFile(session, {submission, "beacon", file.filename().string(), 0}, file));
    GF_TRY(session.Post("/api/v1/submissions/" + Escape(submission) + "/start"));
  }
  return Wait(session, submission, !session.json());
}

// The country's coordinator lists what a holder handed in; for a private federation, where both are this command.
Status List(const Target& target, const std::string& site, const Json& submission) {
  Target coordinator = target;
  coordinator.persona = "ncp_" + site;
  Session session(coordinator);
  const std::string id = TextOf(Member(submission, "dataset"), "id");
  GF_ASSIGN(const Json all,
            GetAllPages(session, "/api/v1/datasets?all=true&page_size=500", "records"));
  Json record;
  for (const Json& one : all.value("records", Json::array())) {
    if (TextOf(one, "id") == id && TextOf(one, "version") == TextOf(submission, "version")) record = one;
  }
  if (TextOf(record, "state") == "STATE_LISTED") return absl::OkStatus();
  Json review = {{"version", Member(submission, "version")},
                 {"approve", true},
                 {"comment", "Served by genofed up"}};
  review["evidence"] = Json::object();
  for (const Json& criterion : record.value("inclusion", Json::array())) {
    if (criterion.value("required", false) && !criterion.value("automatic", false) && !criterion.value("met", false))
      review["evidence"][TextOf(criterion, "id")] = "private federation, no real data";
  }
  return session.Post("/api/v1/datasets/" + Escape(id) + "/review", review).status();
}

// Permissions and the listing are polled. Until they have arrived the folder itself is named among the datasets, as any
// listed dataset is; from then on those that are in it.
Status WaitForAnswer(const Target& target, const std::string& site, const std::string& id) {
  Target anybody = target;
  anybody.site = site;
  anybody.persona.clear();
  anybody.anonymous = true;
  Session session(anybody);
  const auto until = std::chrono::steady_clock::now() + kAnswersWithin;
  while (std::chrono::steady_clock::now() < until) {
    const auto answer = session.Get("/beacon/v2/datasets?limit=0");
    if (answer.ok()) {
      const Json datasets = answer->value("response", Json::object()).value("collections", Json::array());
      const bool itself =
          std::any_of(datasets.begin(), datasets.end(), [&](const Json& one) { return TextOf(one, "id") == id; });
      if (!datasets.empty() && !itself) return absl::OkStatus();
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
  return Error(StatusCode::kDeadlineExceeded, "BEACON_SILENT", "the node does not answer from the folder");
}

}  // namespace

int OnboardBeacon(const Target& target, const BeaconFolderOptions& options) {
  Session session(target);
  const auto done = Submit(session, options);
  return done.ok() ? Report(session, *done) : Fail(done.status());
}

int ServeBeaconFolder(const Target& target, const std::string& site, const fs::path& folder) {
  Target holder = target;
  holder.persona = "holder_" + site;
  Session session(holder);
  BeaconFolderOptions options;
  options.folder = folder;
  options.dataset.title = "Beacon data folder";
  options.dataset.description = "Served by genofed up";
  options.dataset.publisher = "A private federation";
  options.dataset.contact = "nobody@1mg.example";
  options.dataset.data_use = {"DUO:0000042"};
  options.dataset.assembly = "GRCh38";
  const auto done = Submit(session, options);
  if (!done.ok()) return Fail(done.status());
  if (const int code = Report(session, *done); code != kOk) return code;
  Status listed = List(target, site, *done);
  if (listed.ok()) listed = WaitForAnswer(target, site, TextOf(Member(*done, "dataset"), "id"));
  return listed.ok() ? kOk : Fail(listed);
}

void AddOnboardBeacon(CLI::App& onboard, Commands commands) {
  auto o = std::make_shared<BeaconFolderOptions>();
  Action& action = commands.action;
  Target& target = commands.target;
  auto* beacon = onboard.add_subcommand(
      "beacon", "Take in a Beacon data folder, so that a running Beacon can move here (role holder)");
  beacon
      ->add_option("folder", o->folder,
                   "Folder with individuals.json, genomicVariations.json, ... and perhaps ontology.json")
      ->required();
  beacon->add_option("--id", o->dataset.id,
                     "Name in the catalogue; default: GDI-<country>-BEACON-1");
  AddDescriptionOptions(*beacon, o->dataset);
  beacon->add_flag("--test", o->test_data,
                   "The data are of nobody: everybody may see the records, and they answer testMode");
  beacon->footer(
      "You state that the people of the folder permitted to be counted, found and used for "
      "approved purposes (AF, SLQ, "
      "SEC);\n"
      "whoever withdraws here is left out. Records that are not of Beacon's model are set aside, "
      "with file, index and "
      "rule. Exit code 3: rejected. What is not said stays as it was in the version before; a "
      "first version needs title,\n"
      "description, publisher, contact and assembly.\n"
      "Example: genofed onboard beacon beacon-data --id GDI-FI-BEACON-1 --title \"Our Beacon\" "
      "--description \"Rare diseases\" \\\n"
      "    --publisher \"University hospital\" --contact data@hospital.example --assembly GRCh38 "
      "--as holder_fi");
  beacon->callback([o, &target, &action] { action = [o, &target] { return OnboardBeacon(target, *o); }; });
}

}  // namespace genofed::cli
