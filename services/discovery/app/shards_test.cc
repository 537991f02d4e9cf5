// SPDX-License-Identifier: Apache-2.0
// A node whose genome three processes share, beside one that has it all.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <random>

#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/adapters/shard_mapping.h"
#include "services/discovery/adapters/worker_pool.h"
#include "services/discovery/app/node_discovery.h"
#include "services/discovery/app/shard_answers.h"
#include "services/discovery/app/shared_genotypes.h"
#include "services/discovery/frequency_test_support.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using testing::HasReason;
using testing::IsOk;

constexpr std::uint32_t kRows = 80;
constexpr std::uint32_t kShards = 3;
constexpr auto kKeep = std::chrono::hours(2);
const std::string kDataset = "GOE-FI-A-1";
constexpr std::int64_t kBorder = 8'000'000;  // of two blocks

// Sites on both sides of a border of blocks, in one that three megabases share, and on X.
// Chromosome 20 begins with block 349, which is the second shard's; then the third has 8 to 16 Mb;
// X begins with block 372, which is the first shard's.
struct World {
  std::vector<TestSite> sites;
  std::string table;

  World() {
    std::mt19937 random(11);
    const std::pair<const char*, std::int64_t> places[] = {
        {"20", 1'000'000 - 150}, {"20", kBorder - 150}, {"20", 12'000'000}, {"X", 5'000'000}};
    int i = 0;
    for (const auto& [contig, start] : places) {
      for (int j = 0; j < 30; ++j, ++i) {
        TestSite site;
        const bool deletion = j % 10 == 4;
        site.variant = {contig, start + 10 * j, deletion ? "ATTTTTTTTTTTT" : "A",
                        deletion     ? "A"
                        : j % 2 == 0 ? "T"
                                     : "ACC"};
        for (std::uint32_t row = 0; row < kRows; ++row) {
          const auto draw = random() % 60;
          if (draw < static_cast<unsigned>(j) / 3)
            site.sets.het.push_back(row);
          else if (draw < static_cast<unsigned>(j) / 2)
            site.sets.hom.push_back(row);
          else if (draw == 59)
            site.sets.nocall.push_back(row);
        }
        // One gene lies in two shards, one on X, and one change is everywhere.
        const char* gene = contig[0] == 'X' ? "XIST" : start == kBorder - 150 ? "BORDER" : "REST";
        table += fmt::format("chr{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", contig, site.variant.pos + 1,
                             site.variant.ref, site.variant.alt, 0.01 * (j % 5), gene,
                             j % 3 == 0 ? "stop_gained" : "missense_variant",
                             j % 7 == 0 ? "ENSP01.2:p.Gly12Asp" : ".");
        sites.push_back(std::move(site));
      }
    }
  }
};

// Answers another one's questions as over the wire, from its own process's view.
class WiredClient final : public ShardClient {
 public:
  WiredClient(cohort::Shard shard, const ShardAnswers& answers)
      : asked_(shard), answers_(answers) {}

  Result<std::uint64_t> Count(const Context& ctx, const ShardQuestion& question) override {
    GF_ASSIGN(const std::uint64_t count, Over(question, [&](const ShardQuestion& q) {
                return answers_.Count(ctx, asked_, q);
              }));
    return lies ? kRows + 1 : count;
  }
  Result<genomics::Bitmap> Carriers(const Context& ctx, const ShardQuestion& question) override {
    GF_ASSIGN(const genomics::Bitmap found, Over(question, [&](const ShardQuestion& q) {
                return answers_.Carriers(ctx, asked_, q);
              }));
    return FromProto(ToProto(lies ? genomics::Bitmap(kRows, true) : found));
  }
  Result<std::vector<FoundAllele>> Alleles(const Context& ctx,
                                           const ShardQuestion& question) override {
    GF_ASSIGN(std::vector<FoundAllele> found, Over(question, [&](const ShardQuestion& q) {
                return answers_.Alleles(ctx, asked_, q);
              }));
    for (FoundAllele& allele : found) {
      allele.counts.an += lies ? 2 * kRows : 0;
      allele.variant.pos += strays;
    }
    return FromProto(ToProto(found), question.pattern->contig);
  }
  Result<SitePiece> Sites(const Context& ctx, const ShardQuestion& question,
                          const std::string& contig, std::int64_t start,
                          std::int64_t end) override {
    GF_ASSIGN(SitePiece found, Over(question, [&](const ShardQuestion& q) {
                return answers_.Sites(ctx, asked_, q, contig, start, end);
              }));
    for (SitePiece::Site& site : found.sites) {
      site.missing += lies ? 2 * kRows + 1 : 0;
      site.position += static_cast<std::uint32_t>(1'000'000 * strays);
    }
    return FromProto(ToProto(found));
  }

  cohort::Shard asked_;
  bool up = true, lies = false;
  int strays = 0;  // so far: its alleles by bases, its sites by megabases
  std::atomic<int> asked = 0;

 private:
  template <typename Answer>
  auto Over(const ShardQuestion& question, Answer answer) -> decltype(answer(question)) {
    ++asked;
    if (!up) return Error(StatusCode::kUnavailable, "SHARD_UNAVAILABLE", "down");
    const v1::ShardCohort sent = ToProto(asked_, question);
    const auto rows = FromProto(sent.rows());
    GF_CHECK(rows.ok());
    VariantPattern pattern;
    if (question.pattern != nullptr) {
      auto read = VariantFromProto(VariantToProto(*question.pattern));
      GF_CHECK(read.ok());
      pattern = *read;
    }
    return answer({sent.dataset(), sent.version(), sent.files(), *rows,
                   question.pattern != nullptr ? &pattern : nullptr, sent.frequency_table()});
  }

  const ShardAnswers& answers_;
};

// One process. `of` one has everything.
struct NodeProcess {
  NodeProcess(cohort::Shard own, const testing::TemporaryDirectory& directory,
              const Publication& publication, FrequencyDesk& desk, FakeConsent& shared_consent)
      : shard(own),
        hub(desk, "fi"),
        consent(shared_consent),
        opener(directory.path(), directory / "derived", *AnnotationTable::Find(directory / "table"),
               nullptr, own) {
    versions.all = {publication};
    auto cohort = opener.Open(publication);
    GF_CHECK(cohort.ok());
    view.Put(*cohort);
    GF_CHECK(view.Refresh(ctx).ok());
  }
  // After all processes are there.
  void Connect(const std::vector<std::unique_ptr<NodeProcess>>& all) {
    std::vector<std::unique_ptr<ShardClient>> others;
    for (const auto& other : all) {
      if (other.get() == this) {
        others.push_back(nullptr);
        clients.push_back(nullptr);
        continue;
      }
      auto client = std::make_unique<WiredClient>(other->shard, other->answers);
      clients.push_back(client.get());
      others.push_back(std::move(client));
    }
    genotypes = std::make_unique<SharedGenotypes>(shard, std::move(others), MakeWorkerPool(2, 1));
  }
  void MakeNode() {
    const Genotypes& from =
        genotypes != nullptr ? *genotypes : static_cast<const Genotypes&>(OwnGenotypes::Get());
    own_frequencies =
        std::make_unique<NodeFrequencies>(view, versions, listing, mechanism, publications, tables,
                                          hub, clock, "fi", std::chrono::seconds(0), from, kKeep);
    node = std::make_unique<NodeDiscovery>(view, "FI", mechanism, nullptr, audit, clock,
                                           own_frequencies.get(), from, nullptr, &record_access);
  }
  // Rows of those whose records a project is shown.
  Result<std::vector<std::string>> Read(Query query) const {
    query.entity = Entity::kIndividual;
    query.granularity = Granularity::kRecord;
    Principal reader;
    reader.user.emplace();
    GF_ASSIGN(const Answer answer, node->Run(ctx.WithPrincipal(std::move(reader)), query,
                                             {{{kDataset, {}}}, "", 0, kRows}));
    std::vector<std::string> ids;
    for (const auto& dataset : answer.datasets) {
      for (const IndividualRecord& record : dataset.individuals) ids.push_back(record.id);
    }
    return ids;
  }
  Result<Answer> Ask(const Query& query) const { return node->Run(ctx, query); }

  const Context ctx = Context::Background();
  const cohort::Shard shard;
  MemoryTables tables;
  MemoryPublications publications;
  DeskHub hub;
  testing::FakeClock clock;
  const disclosure::Mechanism mechanism{FloorOfFive(), std::string(32, 'k')};
  FakeConsent& consent;
  FakeListing listing;
  FakePublicationStore versions;
  ConsentView view{consent, listing, mechanism, std::chrono::hours(1)};
  FileCohortOpener opener;
  // What others ask by; as in the module, the same that this one goes by.
  NodeFrequencies frequencies{view,
                              versions,
                              listing,
                              mechanism,
                              publications,
                              tables,
                              hub,
                              clock,
                              "fi",
                              std::chrono::seconds(0),
                              OwnGenotypes::Get(),
                              kKeep};
  int behind = 0;
  ShardAnswers answers{shard, view, frequencies, [this] { ++behind; }};
  FakeAuditStore audit_store;
  DisclosureAudit audit{audit_store};
  FakeProjectConsent project_consent{consent};
  RecordAccess record_access{project_consent, clock};
  std::vector<WiredClient*> clients;
  std::unique_ptr<SharedGenotypes> genotypes;
  std::unique_ptr<NodeFrequencies> own_frequencies;
  std::unique_ptr<NodeDiscovery> node;
};

class ShardsTest : public ::testing::Test {
 protected:
  ShardsTest() {
    GF_CHECK(WriteFileAtomically(directory_ / "table", world_.table).ok());
    std::vector<genomics::Individual> people(kRows);
    for (std::uint32_t row = 0; row < kRows; ++row) {
      people[row].sex = row % 3 == 0 ? genomics::Sex::kMale : genomics::Sex::kFemale;
      if (row % 4 != 0) people[row].terms = {"ORPHA:1"};
    }
    publication_ = WriteCohort(directory_.path(), kDataset, 1, kRows, world_.sites, people);
    consent_.rows = {{kDataset, kRows}};
    for (std::uint32_t row = 0; row < kRows; row += 9) {
      consent_.withdrawn[Permission::kAlleleFrequency].push_back(row);
      consent_.withdrawn[Permission::kSubjectLevelQuery].push_back(row + 1);
    }
    plain_ = Make({});
    plain_->MakeNode();
    for (std::uint32_t number = 0; number < kShards; ++number)
      shards_.push_back(Make({number, kShards}));
    for (const auto& shard : shards_) shard->Connect(shards_);
    for (const auto& shard : shards_) shard->MakeNode();
  }
  std::unique_ptr<NodeProcess> Make(cohort::Shard shard) {
    return std::make_unique<NodeProcess>(shard, directory_, publication_, desk_, consent_);
  }

  static Query Variants(RawVariant variant, Granularity granularity = Granularity::kCount,
                        std::vector<FilterGroup> filters = {}) {
    RawQuery raw;
    raw.entity = Entity::kVariant;
    raw.granularity = granularity;
    raw.variant = std::move(variant);
    raw.filters = std::move(filters);
    auto query = Validate(raw);
    GF_CHECK(query.ok());
    return *query;
  }
  static RawVariant Range(const std::string& contig, std::int64_t start, std::int64_t end) {
    return {.contig = contig, .start = start, .end = end};
  }
  // At each process the same as at the plain one, and something is told.
  void ExpectTheSame(const Query& query, bool something = true) {
    const auto expected = plain_->Ask(query);
    ASSERT_THAT(expected, IsOk());
    EXPECT_EQ(expected->exists, something) << Canonical(query);
    for (const auto& shard : shards_) {
      const auto answer = shard->Ask(query);
      ASSERT_THAT(answer, IsOk());
      EXPECT_EQ(answer->count, expected->count) << Canonical(query);
      EXPECT_EQ(answer->exists, expected->exists);
      ASSERT_EQ(answer->datasets.size(), 1U);
      const auto &got = answer->datasets[0].alleles, &wanted = expected->datasets[0].alleles;
      ASSERT_EQ(got.size(), wanted.size());
      for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(std::tie(got[i].contig, got[i].start, got[i].ref, got[i].alt),
                  std::tie(wanted[i].contig, wanted[i].start, wanted[i].ref, wanted[i].alt));
        EXPECT_EQ(std::tie(got[i].allele_count, got[i].allele_number, got[i].homozygotes,
                           got[i].heterozygotes),
                  std::tie(wanted[i].allele_count, wanted[i].allele_number, wanted[i].homozygotes,
                           wanted[i].heterozygotes));
      }
    }
  }
  int Asked(const NodeProcess& process) {
    int asked = 0;
    for (const WiredClient* client : process.clients)
      asked += client != nullptr ? client->asked.load() : 0;
    return asked;
  }

  const World world_;
  testing::TemporaryDirectory directory_;
  Publication publication_;
  MemoryTables at_hub_;
  FrequencyDesk desk_{at_hub_, {"fi"}};
  FakeConsent consent_;
  std::unique_ptr<NodeProcess> plain_;
  std::vector<std::unique_ptr<NodeProcess>> shards_;
};

TEST_F(ShardsTest, EachHoldsAPartOfTheTiles) {
  std::vector<std::size_t> tiles;
  for (const auto& shard : shards_)
    tiles.push_back(shard->view.Held()[0]->genotypes().segment(0).n_tiles());
  // X:5; 20:0, 20:1 and 20:7; 20:8 and 20:12.
  EXPECT_EQ(tiles, (std::vector<std::size_t>{1, 3, 2}));
  EXPECT_EQ(plain_->view.Held()[0]->genotypes().segment(0).n_tiles(), 6U);
}

TEST_F(ShardsTest, ExactAllelesAndThoseThatBeginInAPlaceAreCountedWhereTheyLie) {
  int told = 0;
  for (const TestSite& site : world_.sites) {
    const auto& v = site.variant;
    const Query exact = Variants({.contig = v.contig, .start = v.pos, .ref = v.ref, .alt = v.alt},
                                 Granularity::kRecord);
    const bool something = plain_->Ask(exact)->exists;
    told += something ? 1 : 0;
    ExpectTheSame(exact, something);
    if (v.ref == "A")
      ExpectTheSame(
          Variants({.contig = v.contig, .start = v.pos, .alt = v.alt}, Granularity::kRecord),
          something);
  }
  EXPECT_GT(told, 40);
  ExpectTheSame(Variants({.contig = "7", .start = 5, .ref = "A", .alt = "C"}, Granularity::kRecord),
                false);
}

TEST_F(ShardsTest, AProjectReadsTheSamePeopleOfWhicheverProcess) {
  std::vector<Query> queries = {Variants(Range("20", kBorder - 100, kBorder + 100)),
                                Variants(Range("X", 5'000'000, 5'000'100)),
                                Variants(Range("7", 5, 9))};
  for (const std::size_t site : {12U, 44U, 75U, 111U}) {
    const auto& v = world_.sites[site].variant;
    queries.push_back(Variants({.contig = v.contig, .start = v.pos, .ref = v.ref, .alt = v.alt}));
  }
  std::size_t somebody = 0;
  for (const Query& query : queries) {
    const auto expected = plain_->Read(query);
    ASSERT_THAT(expected, IsOk());
    if (!expected->empty()) ++somebody;
    for (const auto& shard : shards_) {
      const auto read = shard->Read(query);
      ASSERT_THAT(read, IsOk()) << Canonical(query);
      EXPECT_EQ(*read, *expected) << Canonical(query);
    }
  }
  EXPECT_GE(somebody, 4U);
}

TEST_F(ShardsTest, NobodyCountsTwiceAcrossABorder) {
  ExpectTheSame(Variants(Range("20", kBorder - 100, kBorder + 100)));
  ExpectTheSame(Variants(Range("20", kBorder, kBorder + 100)));
  // A deletion that begins before the border reaches over it, and its tile is another shard's.
  const TestSite& deletion = world_.sites[30 + 14];
  ASSERT_EQ(deletion.variant.pos, kBorder - 10);
  ASSERT_EQ(deletion.variant.end(), kBorder + 3);
  const Query reaching = Variants(Range("20", kBorder + 1, kBorder + 2));
  ExpectTheSame(reaching);
  EXPECT_EQ(plain_->Ask(reaching)->count > 0, true);
  ExpectTheSame(Variants(Range("20", 999'900, 1'000'100)));
  ExpectTheSame(Variants(Range("20", 30'000'000, 30'000'100)), false);
  ExpectTheSame(Variants({.contig = "20",
                          .start_bracket = {kBorder - 80, kBorder},
                          .end_bracket = {kBorder - 50, kBorder + 50}}));
}

TEST_F(ShardsTest, GenesAndChangesAreAskedWhereTheyAre) {
  for (const char* gene : {"BORDER", "xist", "REST"}) {
    ExpectTheSame(Variants({.gene = gene}));
    ExpectTheSame(
        Variants({.gene = gene, .consequences = {"stop_gained"}, .below_frequency = 0.015}));
    ExpectTheSame(Variants({.gene = gene, .amino_acid_change = "G12D"}));
    ExpectTheSame(Variants({.gene = gene}, Granularity::kCount,
                           {{Filter{"ORPHA:1"}}, {Filter{"NCIT:C16576"}}}));
  }
  ExpectTheSame(Variants({.amino_acid_change = "Gly12Asp"}));
  ExpectTheSame(Variants({.contig = "20", .amino_acid_change = "Gly12Asp"}));
  ExpectTheSame(Variants({.gene = "NOWHERE"}), false);
}

TEST_F(ShardsTest, OnlyThoseAreAskedWhoHaveSomething) {
  const NodeProcess& second = *shards_[1];
  ASSERT_THAT(second.Ask(Variants(Range("20", 999'900, 1'000'100))), IsOk());
  EXPECT_EQ(Asked(second), 0);
  ASSERT_THAT(second.Ask(Variants({.gene = "XIST"})), IsOk());
  EXPECT_EQ(second.clients[0]->asked, 1);
  EXPECT_EQ(second.clients[2]->asked, 0);
  ASSERT_THAT(second.Ask(Variants({.gene = "BORDER"})), IsOk());
  EXPECT_EQ(second.clients[0]->asked, 1);
  EXPECT_EQ(second.clients[2]->asked, 1);
  ASSERT_THAT(second.Ask(Variants({.gene = "NOWHERE"})), IsOk());
  EXPECT_EQ(Asked(second), 2);
}

// Who is counted goes with the question: a shard that has not heard of a withdrawal counts nobody
// who left, and one that has heard more does not contradict another.
TEST_F(ShardsTest, AllShardsCountAmongThosePeopleWhomTheFirstOneKnows) {
  const Query query = Variants({.gene = "BORDER"});
  const std::int64_t before = shards_[0]->Ask(query)->count;
  for (std::uint32_t row = 0; row < 40; ++row)
    consent_.withdrawn[Permission::kAlleleFrequency].push_back(row);
  ++consent_.epoch;
  EXPECT_THAT(shards_[0]->view.Refresh(shards_[0]->ctx), IsOk());
  EXPECT_THAT(plain_->view.Refresh(plain_->ctx), IsOk());
  const std::int64_t after = plain_->Ask(query)->count;
  EXPECT_LT(after, before);
  EXPECT_EQ(shards_[0]->Ask(query)->count, after);
  EXPECT_EQ(shards_[1]->Ask(query)->count, before);
}

TEST_F(ShardsTest, AShardThatIsDownFailsOnlyWhatNeedsIt) {
  NodeProcess& first = *shards_[0];
  first.clients[2]->up = false;
  EXPECT_THAT(first.Ask(Variants({.gene = "BORDER"})), HasReason("SHARD_UNAVAILABLE"));
  EXPECT_THAT(first.Ask(Variants(Range("20", kBorder + 50, kBorder + 60))),
              HasReason("SHARD_UNAVAILABLE"));
  EXPECT_THAT(first.Ask(Variants({.amino_acid_change = "G12D"})), HasReason("SHARD_UNAVAILABLE"));
  EXPECT_THAT(first.Ask(Variants({.gene = "XIST"})), IsOk());
  EXPECT_THAT(first.Ask(Variants(Range("20", kBorder - 60, kBorder - 50))), IsOk());
}

TEST_F(ShardsTest, OtherFilesAreNotAnsweredFrom) {
  // The third shard has another version alone, then none, then one made with another table.
  NodeProcess& first = *shards_[0];
  NodeProcess& third = *shards_[2];
  const Query query = Variants(Range("20", kBorder + 50, kBorder + 90));
  ASSERT_THAT(first.Ask(query), IsOk());
  third.view.Keep({});
  EXPECT_THAT(first.Ask(query), HasReason("SHARD_BEHIND"));
  EXPECT_EQ(third.behind, 1);
  Publication other = WriteCohort(directory_.path(), kDataset, 2, kRows, world_.sites);
  other.version = 2;
  third.view.Put(*third.opener.Open(other));
  EXPECT_THAT(first.Ask(query), HasReason("SHARD_BEHIND"));
  EXPECT_TRUE(WriteFileAtomically(directory_ / "other", "20\t5\tA\tC\t0.1\tG\tstop_gained\n").ok());
  FileCohortOpener annotated(directory_.path(), directory_ / "derived",
                             *AnnotationTable::Find(directory_ / "other"), nullptr, third.shard);
  third.view.Put(*annotated.Open(publication_));
  EXPECT_THAT(first.Ask(query), HasReason("SHARD_BEHIND"));
  third.view.Put(*third.opener.Open(publication_));
  EXPECT_THAT(first.Ask(query), IsOk());
  EXPECT_EQ(third.behind, 3);
}

TEST_F(ShardsTest, NumbersThatCannotBeAreNotToldAndEndNothing) {
  NodeProcess& first = *shards_[0];
  first.clients[2]->lies = true;
  const auto& v = world_.sites[30 + 28].variant;
  ASSERT_GT(v.pos, kBorder);
  const RawVariant exact = {.contig = v.contig, .start = v.pos, .ref = v.ref, .alt = v.alt};
  EXPECT_THAT(first.Ask(Variants(exact)), HasReason("SHARD_CONFUSED"));
  EXPECT_THAT(first.Ask(Variants({.gene = "BORDER"})), HasReason("SHARD_CONFUSED"));
  EXPECT_THAT(first.own_frequencies->Publish(first.ctx), HasReason("SHARD_CONFUSED"));
  const VariantPattern pattern = *Variants(exact).variant;
  const genomics::Bitmap rows(kRows, true);
  const auto cohort = first.view.Held()[0];
  EXPECT_THAT(first.genotypes->FindAlleles(first.ctx, *cohort, pattern, rows, nullptr),
              HasReason("SHARD_CONFUSED"));
  first.clients[2]->lies = false;
  for (const int strays : {-1, 1}) {
    first.clients[2]->strays = strays;
    EXPECT_THAT(first.own_frequencies->Publish(first.ctx), HasReason("SHARD_CONFUSED"));
    EXPECT_THAT(first.genotypes->FindAlleles(first.ctx, *cohort, pattern, rows, nullptr),
                HasReason("SHARD_CONFUSED"));
  }
  first.clients[2]->strays = 0;
  EXPECT_EQ(first.genotypes->FindAlleles(first.ctx, *cohort, pattern, rows, nullptr)->size(), 1U);
}

TEST_F(ShardsTest, WhoDividesTheGenomeOtherwiseIsRefused) {
  NodeProcess& first = *shards_[0];
  for (const cohort::Shard& wrong : {cohort::Shard{1, 3}, {2, 4}, {2, 2}}) {
    first.clients[2]->asked_ = wrong;
    EXPECT_THAT(first.Ask(Variants(Range("20", kBorder + 50, kBorder + 60))),
                HasReason("SHARD_MISMATCH"));
  }
}

TEST_F(ShardsTest, ATableOfFrequenciesIsOfAllShards) {
  ASSERT_THAT(plain_->own_frequencies->Publish(plain_->ctx), IsOk());
  ASSERT_EQ(plain_->publications.published.size(), 1U);
  for (const auto& shard : shards_) {
    ASSERT_THAT(shard->own_frequencies->Publish(shard->ctx), IsOk());
    ASSERT_EQ(shard->publications.published.size(), 1U);
    EXPECT_EQ(shard->publications.published[0].digest, plain_->publications.published[0].digest);
  }
  // Without one of them there is none, rather than one that says its alleles are rare.
  consent_.withdrawn[Permission::kAlleleFrequency].push_back(44);
  ++consent_.epoch;
  NodeProcess& first = *shards_[0];
  first.clients[1]->up = false;
  ASSERT_THAT(first.view.Refresh(first.ctx), IsOk());
  EXPECT_THAT(first.own_frequencies->Publish(first.ctx), HasReason("SHARD_UNAVAILABLE"));
  first.clock.Advance(std::chrono::seconds(1));
  EXPECT_THAT(first.own_frequencies->Publish(first.ctx), HasReason("SHARD_UNAVAILABLE"));
  EXPECT_EQ(first.publications.published.size(), 1U);
  first.clients[1]->up = true;
  ASSERT_THAT(first.own_frequencies->Publish(first.ctx), IsOk());
  EXPECT_EQ(first.publications.published.size(), 2U);
}

TEST_F(ShardsTest, RarerThanGoesByTheSameTableEverywhere) {
  // The first process publishes, the hub adds up, all fetch.
  NodeProcess& first = *shards_[0];
  ASSERT_THAT(first.own_frequencies->Publish(first.ctx), IsOk());
  ASSERT_THAT(first.own_frequencies->Exchange(first.ctx), IsOk());
  ASSERT_THAT(desk_.MergeAll(first.ctx), IsOk());
  const auto fetch = [&](NodeProcess& process) {
    process.publications.published = first.publications.published;
    for (NodeFrequencies* frequencies : {process.own_frequencies.get(), &process.frequencies}) {
      EXPECT_THAT(frequencies->Exchange(process.ctx), IsOk());
      EXPECT_THAT(frequencies->Apply(process.ctx), IsOk());
    }
  };
  fetch(*plain_);
  fetch(*shards_[0]);
  fetch(*shards_[1]);
  const Query rare = Variants({.gene = "BORDER", .below_frequency = 0.2});
  EXPECT_THAT(first.Ask(rare), HasReason("SHARD_BEHIND")) << "the third one does not have it yet";
  EXPECT_EQ(shards_[2]->behind, 1);
  fetch(*shards_[2]);
  ASSERT_NE(plain_->Ask(rare)->table, std::nullopt);
  ExpectTheSame(rare);
  ExpectTheSame(Variants({.amino_acid_change = "G12D", .below_frequency = 0.2}));
  // Where the newest is not everywhere yet, the one before is gone by, whoever has the newest.
  const TableName old = *plain_->Ask(rare)->table;
  consent_.withdrawn[Permission::kAlleleFrequency].push_back(44);
  consent_.withdrawn[Permission::kAlleleFrequency].push_back(43);
  ++consent_.epoch;
  ASSERT_THAT(plain_->view.Refresh(plain_->ctx), IsOk());
  for (const auto& shard : shards_) ASSERT_THAT(shard->view.Refresh(shard->ctx), IsOk());
  ASSERT_THAT(first.own_frequencies->Publish(first.ctx), IsOk());
  first.clock.Advance(std::chrono::seconds(1));
  ASSERT_THAT(first.own_frequencies->Publish(first.ctx), IsOk());
  ASSERT_EQ(first.publications.published.size(), 2U);
  ASSERT_THAT(first.own_frequencies->Exchange(first.ctx), IsOk());
  ASSERT_THAT(desk_.MergeAll(first.ctx), IsOk());
  fetch(*shards_[2]);
  ExpectTheSame(rare);
  EXPECT_EQ(shards_[1]->Ask(rare)->table, old);
  EXPECT_EQ(shards_[2]->Ask(rare)->table, old);
  fetch(*shards_[1]);
  EXPECT_EQ(shards_[2]->Ask(rare)->table->number, old.number + 1);
  EXPECT_EQ(shards_[1]->Ask(rare)->table->number, old.number + 1);
  EXPECT_EQ(first.Ask(rare)->table, old);
  // Not for ever.
  for (const auto& shard : {shards_[1].get(), shards_[2].get()}) {
    shard->clock.Advance(kKeep);
    fetch(*shard);
  }
  EXPECT_THAT(first.Ask(rare), HasReason("SHARD_BEHIND"));
}

// A piece ends between two positions, however much there is.
TEST_F(ShardsTest, SitesComeInPieces) {
  const auto cohort = plain_->view.Held()[0];
  const genomics::Bitmap rows(kRows, true);
  const ShardQuestion question{cohort->dataset(), 1, cohort->files(), rows};
  std::vector<std::uint32_t> positions;
  int pieces = 0;
  for (std::int64_t start = 7'000'000; start < kBorder; ++pieces) {
    const auto piece =
        shards_[1]->answers.Sites(plain_->ctx, {1, 3}, question, "20", start, kBorder);
    ASSERT_THAT(piece, IsOk());
    for (const auto& site : piece->sites) positions.push_back(site.position);
    ASSERT_GT(piece->next, start);
    start = piece->next;
  }
  EXPECT_EQ(pieces, 10);
  std::vector<std::uint32_t> expected;
  for (std::uint32_t i = 0; i < 15; ++i) expected.push_back(7'999'850 + 10 * i);
  EXPECT_EQ(positions, expected);
}

}  // namespace
}  // namespace genofed::discovery
