// SPDX-License-Identifier: Apache-2.0
//
// `genofed index` and `genofed privacy` as operators use them: the built program on files, without
// any site.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "libs/core/file.h"
#include "libs/disclosure/policy.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int code = -1;
  std::string out, err;
};

class LocalCommand : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& content) {
    ASSERT_TRUE(WriteFileAtomically(dir_ / name, content).ok());
  }
  std::string Read(const std::string& name) { return ReadFile(dir_ / name).value(); }
  // Runs in the directory of the test, through a shell.
  Outcome Run(const std::string& arguments) {
    const std::string script = fmt::format("cd '{}' && {} {} > out 2> err", dir_.path().string(),
                                           GENOFED_PROGRAM, arguments);
    const int status = std::system(script.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, Read("out"), Read("err")};
  }
  Json RunJson(const std::string& arguments) {
    const Outcome outcome = Run(arguments + " --json");
    EXPECT_EQ(outcome.code, 0) << outcome.err;
    return Json::parse(outcome.out, nullptr, false);
  }

  testing::TemporaryDirectory dir_;
};

// A segment of two tiles, as `genofed synth` makes it.
class IndexCommand : public LocalCommand {
 protected:
  void SetUp() override {
    const Outcome made = Run("synth --people 120 --bases 1000000 --seed 3 --out population");
    ASSERT_EQ(made.code, 0) << made.err;
    // The last line of its progress: "30042 sites, 90315 carrier entries".
    const std::size_t last = made.out.rfind('\n', made.out.size() - 2) + 1;
    sites_ = std::stoul(made.out.substr(last));
    ASSERT_GT(sites_, 1'000U);
  }
  void Flip(const std::string& name, std::size_t at) {
    std::string bytes = Read(name);
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    Write(name, bytes);
  }

  static constexpr const char* kSegment = "population/one";
  static constexpr const char* kTile = "population/one/20.0002.tile";
  std::size_t sites_ = 0;
};

TEST_F(IndexCommand, InspectSaysWhatASegmentHas) {
  const Json json = RunJson(fmt::format("index inspect {}", kSegment));
  std::uintmax_t bytes = 0;
  for (const auto& file : fs::directory_iterator(dir_ / kSegment)) {
    if (file.path().extension() == ".tile") bytes += file.file_size();
  }
  EXPECT_EQ(json["people"], 120);
  EXPECT_EQ(json["sites"], sites_);
  EXPECT_EQ(json["tiles"], 2);
  EXPECT_EQ(json["bytes"], bytes);
  EXPECT_LT(json["bytes_in_memory"], bytes);
  EXPECT_EQ(json["bytes_per_person"], bytes / 120);
  EXPECT_EQ(json["assembly"], "GRCh38");
  EXPECT_EQ(json["frequencies"], "population-3");
  EXPECT_EQ(json["unlisted_alleles"], "are reference");
  EXPECT_GE(json["genes"], 10);
  EXPECT_GE(json["format_version"], 1);

  // The same for people.
  const Outcome table = Run(fmt::format("index inspect {}", kSegment));
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, StartsWith("WHAT"));
  for (const auto& [name, value] : json.items()) {
    EXPECT_THAT(table.out, HasSubstr(name));
    EXPECT_THAT(table.out, HasSubstr(value.is_string() ? value.get<std::string>() : value.dump()));
  }
}

TEST_F(IndexCommand, VerifySaysThatAllIsWhole) {
  EXPECT_EQ(RunJson(fmt::format("index verify {}", kSegment)),
            (Json{{"whole", true}, {"sites", sites_}}));
  const Outcome table = Run(fmt::format("index verify {}", kSegment));
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, HasSubstr(std::to_string(sites_)));
  EXPECT_THAT(table.out, HasSubstr("whole: every digest and every row is right"));
}

TEST_F(IndexCommand, VerifyNamesTheObjectThatIsDamaged) {
  const std::string good = Read(kTile);
  const auto damaged = [&](const std::string& object) {
    for (const char* json : {"", " --json"}) {
      const Outcome outcome = Run(fmt::format("index verify {}{}", kSegment, json));
      EXPECT_EQ(outcome.code, 3) << outcome.err;
      EXPECT_THAT(outcome.out, IsEmpty()) << "nothing says that it is whole";
      EXPECT_THAT(outcome.err, HasSubstr(object));
      EXPECT_THAT(outcome.err, HasSubstr("(INDEX_CORRUPT)"));
      EXPECT_THAT(outcome.err, Not(HasSubstr("20.0001.tile"))) << "the other tile is whole";
    }
  };
  // One bit each: rows at the end, which opening does not read; rows behind the metadata; metadata;
  // the header.
  const auto metadata =
      Json::parse(Read("population/one/segment.json"))["tiles"][1]["metadata_size"]
          .get<std::size_t>();
  for (const std::size_t at : {good.size() - 1, metadata, metadata - 1, std::size_t{0}}) {
    Flip(kTile, at);
    damaged("20.0002.tile");
    Write(kTile, good);
  }
  Write(kTile, good.substr(0, good.size() - 64));
  damaged("20.0002.tile");
  Write(kTile, good + "x");
  damaged("20.0002.tile");
  fs::remove(dir_ / kTile);
  damaged("20.0002.tile");
  Write(kTile, good);
  EXPECT_EQ(Run(fmt::format("index verify {}", kSegment)).code, 0);

  const std::string manifest = "population/one/segment.json";
  const std::string text = Read(manifest);
  Write(manifest, text.substr(0, text.size() / 2));
  damaged("segment.json");
  Json edited = Json::parse(text);
  edited["n_people"] = 0;
  Write(manifest, edited.dump());
  damaged("segment.json");
}

// Damage that opening notices is noticed by all; and what is not there is no damage.
TEST_F(IndexCommand, NothingIsSaidOfWhatCannotBeOpened) {
  ASSERT_TRUE(fs::create_directory(dir_ / "empty"));
  for (const char* what : {"inspect", "verify", "bench"}) {
    for (const char* where : {"empty", "nowhere", "population", "population/one/20.0001.tile"}) {
      SCOPED_TRACE(fmt::format("{} {}", what, where));
      const Outcome outcome = Run(fmt::format("index {} {}", what, where));
      EXPECT_EQ(outcome.code, 1);
      EXPECT_THAT(outcome.out, IsEmpty());
      EXPECT_THAT(outcome.err, HasSubstr(where));
      EXPECT_THAT(outcome.err, HasSubstr("(INDEX_MISSING)"));
    }
    EXPECT_EQ(Run(fmt::format("index {}", what)).code, 2) << "no directory";
  }
  Flip(kTile, 0);
  for (const char* what : {"inspect", "bench"}) {
    const Outcome outcome = Run(fmt::format("index {} {} --json", what, kSegment));
    EXPECT_EQ(outcome.code, 1) << what;
    EXPECT_THAT(outcome.out, IsEmpty());
    EXPECT_THAT(outcome.err, HasSubstr("20.0002.tile"));
  }
  EXPECT_EQ(Run("index").code, 2);
}

TEST_F(IndexCommand, BenchTimesEachKindOfQuestion) {
  const auto right = [](const Json& json, const std::string& question) {
    ASSERT_TRUE(json.contains(question)) << json.dump();
    const Json& times = json[question];
    EXPECT_GT(times["n"], 0);
    EXPECT_GT(times["median_us"], 0);
    EXPECT_GE(times["p99_us"], times["median_us"]);
  };
  const std::vector<std::string> questions = {
      "exact allele", "carriers of rare loss of function in a gene", "the same from a stored set",
      "carriers of any rare variant in a gene"};
  const Json json = RunJson(fmt::format("index bench {}", kSegment));
  const Json genes = RunJson(fmt::format("index inspect {}", kSegment))["genes"];
  for (const std::string& question : questions) {
    right(json, question);
    if (question != questions[0]) {
      EXPECT_EQ(json[question]["n"], genes) << question;
    }
  }
  EXPECT_EQ(json.size(), questions.size());

  const Json one = RunJson(fmt::format("index bench {} --gene GENE03", kSegment));
  for (const std::string& question : questions) {
    right(one, question);
    if (question != questions[0]) {
      EXPECT_EQ(one[question]["n"], 1) << question;
    }
  }
  const Outcome table = Run(fmt::format("index bench {}", kSegment));
  EXPECT_EQ(table.code, 0) << table.err;
  EXPECT_THAT(table.out, StartsWith("QUESTION"));
  for (const std::string& question : questions) EXPECT_THAT(table.out, HasSubstr(question));
}

TEST_F(LocalCommand, ThePolicyToStartFromIsTheProductsAndExplainsItself) {
  const Outcome written = Run("privacy default");
  ASSERT_EQ(written.code, 0) << written.err;
  const auto policy = disclosure::ParsePolicy(written.out);
  ASSERT_TRUE(policy.ok()) << policy.status();
  EXPECT_EQ(*policy, disclosure::Policy());

  Write("national.json", written.out);
  const Outcome own = Run("privacy explain"), file = Run("privacy explain national.json");
  EXPECT_EQ(own.code, 0) << own.err;
  EXPECT_EQ(file.code, 0) << file.err;
  EXPECT_EQ(own.out, file.out);
  EXPECT_THAT(own.out, HasSubstr("nothing is said of fewer than 5 people"));
  EXPECT_THAT(own.out, HasSubstr("within 365 days"));
  EXPECT_THAT(own.out, HasSubstr("area under the ROC curve of 0.55"));
}

TEST_F(LocalCommand, AFileIsExplainedInWordsAndInFigures) {
  Write("national.json",
        R"({"format": "genofed-privacy-policy", "version": 1, "name": "Of a country",
    "floor": 20, "budget": {"auc": 0.6, "days": 30}})");
  const Outcome words = Run("privacy explain national.json");
  EXPECT_EQ(words.code, 0) << words.err;
  EXPECT_THAT(words.out, StartsWith("Of a country"));
  EXPECT_THAT(words.out, HasSubstr("nothing is said of fewer than 20 people"));
  EXPECT_THAT(words.out, HasSubstr("within 30 days"));

  const Json figures = RunJson("privacy explain national.json");
  EXPECT_EQ(figures["policy"]["name"], "Of a country");
  EXPECT_EQ(figures["policy"]["floor"], 20);
  EXPECT_EQ(figures["shownFrom"], 50) << "the floor and the noise's bound";
  // The square of the normal distribution's quantile of 0.6, which is 0.253347.
  EXPECT_NEAR(figures["budgetNats"].get<double>(), 0.064185, 1e-6);
  EXPECT_LT(figures["worstAnswerNats"].get<double>(), figures["budgetNats"].get<double>());
  ASSERT_FALSE(figures["answersInOneBudget"].empty());
  for (const Json& example : figures["answersInOneBudget"]) {
    EXPECT_GT(example["answers"], 0);
    EXPECT_THAT(words.out,
                HasSubstr(fmt::format("{} questions like {}", example["answers"].get<int>(),
                                      example["question"].get<std::string>())));
  }
}

TEST_F(LocalCommand, AFileThatIsNoPolicyIsRefusedByWhatIsWrong) {
  const std::string head = R"({"format": "genofed-privacy-policy", "version": 1, )";
  const std::vector<std::pair<std::string, std::string>> files = {
      {head + R"("flor": 5})", "flor"},
      {head + R"("floor": 0})", "floor"},
      {head + R"("counts": {"epsilon": "much"}})", "counts.epsilon"},
      {head + R"("budget": {"auc": 0.5}})", "budget.auc"},
      {head + R"("counts": {"epsilon": 1, "noise_bound": 5}})",
       "budget.auc"},  // it could not keep its promise
      {R"({"floor": 5})", "format"},
      {head + R"("floor": 5, "floor": 6})", "JSON_DUPLICATE_NAME"},
      {"floor: 5", "JSON_"}};
  for (const auto& [text, wrong] : files) {
    Write("national.json", text);
    for (const char* json : {"", " --json"}) {
      const Outcome outcome = Run(fmt::format("privacy explain national.json{}", json));
      EXPECT_EQ(outcome.code, 1) << text;
      EXPECT_THAT(outcome.out, IsEmpty()) << text;
      EXPECT_THAT(outcome.err, HasSubstr(wrong)) << text;
    }
  }
  const Outcome missing = Run("privacy explain nowhere.json");
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.err, HasSubstr("nowhere.json"));
  EXPECT_EQ(Run("privacy").code, 2);
  EXPECT_EQ(Run("privacy explain one two").code, 2);
}

}  // namespace
}  // namespace genofed::cli
