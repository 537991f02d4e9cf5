// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/node_discovery.h"

#include <fmt/ranges.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <atomic>
#include <numeric>
#include <random>
#include <stop_token>
#include <thread>

#include "libs/core/retry_after.h"
#include "libs/disclosure/budget.h"
#include "libs/testing/fakes.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"
#include "services/discovery/adapters/file_cohort_opener.h"
#include "services/discovery/test_support.h"

namespace genofed::discovery {
namespace {

using genomics::Sex;
using testing::HasReason;

constexpr std::uint32_t kRows = 60;
const std::vector<std::string> kTerms = {"HP:0000001",  "HP:0000002",  "ORPHA:1",
                                         "NCIT:C16576", "NCIT:C20197", "OMIM:9"};

// What the annotations say of a site.
struct Note {
  std::string gene;
  cohort::Consequence consequence = cohort::Consequence::kUnknown;
  double frequency = 0;
  std::string change;
};

struct World {
  std::vector<TestSite> sites;
  std::vector<Note> notes;  // by site
  std::vector<genomics::Individual> people;

  // As bcftools +split-vep writes it.
  std::string Table() const {
    std::string text;
    for (std::size_t i = 0; i < sites.size(); ++i) {
      const genomics::Variant& variant = sites[i].variant;
      text += fmt::format("chr20\t{}\t{}\t{}\t{}\t{}\t{}\t{}\n", variant.pos + 1, variant.ref,
                          variant.alt, notes[i].frequency,
                          notes[i].gene.empty() ? "." : notes[i].gene,
                          cohort::Name(notes[i].consequence),
                          notes[i].change.empty() ? "." : "ENSP01.2:p." + notes[i].change);
    }
    return text;
  }
};

// Sixty people and forty sites of all frequencies, each 10 bases apart.
World MakeWorld() {
  World world;
  std::mt19937 random(7);
  for (std::uint32_t row = 0; row < kRows; ++row) {
    genomics::Individual person;
    person.sex = row % 3 == 0 ? Sex::kMale : Sex::kFemale;
    if (row >= 2) person.terms.push_back("HP:0000001");  // all but two
    if (row % 2 == 0) person.terms.push_back("HP:0000002");
    if (row < 3) person.terms.push_back("ORPHA:1");  // three people
    person.age_months = 12 * row + 6;
    world.people.push_back(person);
  }
  for (int i = 0; i < 40; ++i) {
    constexpr cohort::Consequence kEffects[] = {
        cohort::Consequence::kStopGained, cohort::Consequence::kMissense,
        cohort::Consequence::kMissense, cohort::Consequence::kIntron};
    const char* genes[] = {"ABC1", "DEF2", ""};
    const auto effect = genes[i % 3][0] == 0 ? cohort::Consequence::kUnknown : kEffects[i % 4];
    world.notes.push_back({genes[i % 3], effect, 0.005 * (i % 7),
                           effect == cohort::Consequence::kMissense ? i % 5 == 0 ? "Gly12Asp" : "Arg5Lys" : ""});
    TestSite site;
    site.variant = {"20", 1000 + 10 * i, "A", i % 2 == 0 ? "T" : "ACC"};
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const auto draw = random() % 40;
      if (draw < static_cast<unsigned>(i) / 2)
        site.sets.het.push_back(row);
      else if (draw < static_cast<unsigned>(i))
        site.sets.hom.push_back(row);
      else if (draw == 39)
        site.sets.nocall.push_back(row);
    }
    world.sites.push_back(site);
  }
  return world;
}

// Written once; RapidCheck makes its fixtures itself, without the suite's set-up.
struct Shared {
  testing::TemporaryDirectory directory;
  World world = MakeWorld();
  std::shared_ptr<const Cohort> cohort;
  std::filesystem::path segment;        // that was made of it
  std::shared_ptr<const Cohort> other;  // of another assembly, without individuals

  Shared() {
    GF_CHECK(WriteFileAtomically(directory / "table", world.Table()).ok());
    FileCohortOpener opener(directory.path(), directory / "derived",
                            *AnnotationTable::Find(directory / "table"));
    const Publication publication =
        WriteCohort(directory.path(), "GOE-FI-A-1", 1, kRows, world.sites, world.people);
    cohort = *opener.Open(publication);
    segment = std::filesystem::directory_iterator(directory / "derived")->path();
    other =
        *opener.Open(WriteCohort(directory.path(), "GOE-FI-B-1", 1, 20,
                                 {{{"20", 1000, "A", "T"}, {}}}, {}, genomics::Assembly::kGrch37));
  }
  static const Shared& Get() {
    static const Shared shared;
    return shared;
  }
};

class NodeTest : public ::testing::Test {
 protected:
  NodeTest() {
    consent_.rows = {{"GOE-FI-A-1", kRows}, {"GOE-FI-B-1", 20}};
    view_.Put(Shared::Get().cohort);
  }
  Result<Answer> Run(const Query& query) {
    GF_TRY(view_.Refresh(ctx_));
    GF_ASSIGN(Answer answer, Node().Run(ctx_, query));
    GF_TRY(CheckTold(answer));
    return answer;
  }
  NodeDiscovery Node() { return {view_, "FI", mechanism_, &budgets_, audit_, clock_}; }
  // At which passports open datasets.
  NodeDiscovery Reading() {
    return {view_,  "FI",    mechanism_,          &budgets_, audit_,
            clock_, nullptr, OwnGenotypes::Get(), nullptr,   &record_access_};
  }
  static Context AsAnn() {
    Principal principal;
    principal.user.emplace();
    principal.user->subject = "ann";
    return Context::Background().WithPrincipal(std::move(principal));
  }
  static Query Individuals(const std::vector<std::string>& filters) {
    Query query;
    query.entity = Entity::kIndividual;
    for (const std::string& filter : filters) query.filters.push_back({{filter}});
    query.granularity = Granularity::kCount;
    return query;
  }
  static Query Exact(const genomics::Variant& variant, Granularity granularity) {
    Query query;
    query.variant = VariantPattern{VariantPattern::Form::kExact,
                                   std::nullopt,
                                   variant.contig,
                                   variant.pos,
                                   variant.end(),
                                   variant.ref,
                                   variant.alt};
    query.granularity = granularity;
    return query;
  }

  const World& world_ = Shared::Get().world;
  FakeConsent consent_;
  FakeProjectConsent project_consent_{consent_};
  FakeListing listing_;
  testing::FakeClock clock_;
  RecordAccess record_access_{project_consent_, clock_};
  FakeBudgetStore budget_store_;
  Budgets budgets_{budget_store_, clock_};
  FakeAuditStore audit_store_;
  DisclosureAudit audit_{audit_store_};
  const disclosure::Mechanism mechanism_{FloorOfFive(), ""};
  ConsentView view_{consent_, listing_, mechanism_, std::chrono::seconds(60)};
  Context ctx_ = Context::Background();
};

// Who matches, from the people themselves.
bool HasTerm(const genomics::Individual& person, const std::string& term) {
  if (term == "NCIT:C16576") return person.sex == Sex::kFemale;
  if (term == "NCIT:C20197") return person.sex == Sex::kMale;
  // HP:0000002 (body height) is a kind of HP:0000001 (all).
  return std::any_of(person.terms.begin(), person.terms.end(), [&](const std::string& own) {
    return own == term || (term == "HP:0000001" && own == "HP:0000002");
  });
}

bool Holds(const Filter& filter, const genomics::Individual& person) {
  if (filter.ages) {
    const auto years = static_cast<std::int32_t>(*person.age_months / 12);
    return years >= filter.ages->first && years <= filter.ages->second;
  }
  if (filter.descendants || filter.term.starts_with("NCIT:")) return HasTerm(person, filter.term);
  return std::find(person.terms.begin(), person.terms.end(), filter.term) != person.terms.end();
}
bool Holds(const FilterGroup& group, const genomics::Individual& person) {
  return std::any_of(group.begin(), group.end(),
                     [&](const Filter& filter) { return Holds(filter, person); });
}

bool Carries(const TestSite& site, std::uint32_t row) {
  auto in = [row](const std::vector<std::uint32_t>& rows) {
    return std::find(rows.begin(), rows.end(), row) != rows.end();
  };
  return in(site.sets.het) || in(site.sets.hom);
}

bool Matches(const TestSite& site, const Note& note, const VariantPattern& pattern) {
  const auto& variant = site.variant;
  if ((pattern.consequences & cohort::Of(note.consequence)) == 0 ||
      !(note.frequency < pattern.below_frequency))
    return false;
  if (pattern.form == VariantPattern::Form::kSearch) {
    const auto& search = pattern.search;
    const bool bracket = search.start.size() != 2 ||
                         (variant.pos >= search.start[0] && variant.pos < search.start[1] &&
                          variant.end() >= search.end[0] && variant.end() < search.end[1]);
    if (search.start.size() == 1 &&
        !(variant.pos < search.end[0] && variant.end() > search.start[0]))
      return false;
    const auto length = static_cast<std::int64_t>(std::max(variant.ref.size(), variant.alt.size()));
    return bracket && (search.contig.empty() || search.contig == variant.contig) &&
           (search.gene.empty() || search.gene == ToLower(note.gene)) &&
           (search.amino_acid_change.empty() ||
            (search.amino_acid_change == "G12D" ? "Gly12Asp" : "Arg5Lys") == note.change) &&
           (search.type.empty() || search.type == (variant.alt == "T" ? "SNP" : "INS")) &&
           length >= search.min_length.value_or(0) && length <= search.max_length.value_or(99);
  }
  if (pattern.form == VariantPattern::Form::kRange) {
    return variant.pos < pattern.end && variant.end() > pattern.start &&
           (pattern.alt.empty() || variant.alt == pattern.alt);
  }
  return variant.pos == pattern.start && variant.alt == pattern.alt &&
         (pattern.form == VariantPattern::Form::kAtStart || variant.ref == pattern.ref);
}

bool Meets(const World& world, const Query& query, std::uint32_t row) {
  bool carries = !query.variant;
  for (std::size_t i = 0; !carries && i < world.sites.size(); ++i)
    carries = Matches(world.sites[i], world.notes[i], *query.variant) &&
              Carries(world.sites[i], row);
  return carries && std::all_of(query.filters.begin(), query.filters.end(),
                                [&](const FilterGroup& group) {
                                  return Holds(group, world.people[row]);
                                });
}

// By what variants do, how rare they are, or their shape.
VariantPattern AnySearch() {
  RawVariant raw;
  if (*rc::gen::arbitrary<bool>()) raw.gene = *rc::gen::element("ABC1", "def2", "NONE");
  if (*rc::gen::inRange(0, 3) == 0) raw.amino_acid_change = *rc::gen::element("p.Gly12Asp", "R5K");
  if (*rc::gen::inRange(0, 3) == 0) raw.type = *rc::gen::element("SNV", "INS");
  if (*rc::gen::inRange(0, 3) == 0) raw.min_length = 2;
  if (*rc::gen::inRange(0, 3) == 0) raw.max_length = 2;
  if (*rc::gen::arbitrary<bool>())
    raw.consequences = {*rc::gen::element<std::string>("stop_gained", "intron_variant"),
                        "missense_variant"};
  if (*rc::gen::arbitrary<bool>()) raw.below_frequency = *rc::gen::element(0.005, 0.02, 0.9);
  if (raw.gene.empty() && raw.amino_acid_change.empty()) {
    raw.contig = "20";
    const std::int64_t start = 1000 + *rc::gen::inRange(0, 300);
    if (*rc::gen::arbitrary<bool>()) {
      raw.start_bracket = {start, start + 100};
      raw.end_bracket = {start + 5, start + 80};
    } else {
      raw.start = start;
      raw.end = start + 77;
    }
  }
  RawQuery query;
  query.entity = Entity::kVariant;
  query.variant = raw;
  auto valid = Validate(query);
  RC_ASSERT(valid.ok());
  return *valid->variant;
}

Query AnyQuery() {
  Query query;
  query.entity = *rc::gen::element(Entity::kVariant, Entity::kIndividual);
  query.granularity =
      *rc::gen::element(Granularity::kBoolean, Granularity::kCount, Granularity::kRecord);
  const int filters = *rc::gen::inRange(0, 4);
  for (int i = 0; i < filters; ++i) {
    FilterGroup& group = query.filters.emplace_back();
    const int alternatives = *rc::gen::element(1, 1, 2);
    for (int j = 0; j < alternatives; ++j) {
      Filter filter{*rc::gen::elementOf(kTerms), *rc::gen::element(true, true, false)};
      if (*rc::gen::inRange(0, 5) == 0) {
        const int from = *rc::gen::inRange(0, 50);
        filter = Filter{"", true, std::pair(from, from + *rc::gen::element(0, 10, 500))};
      }
      group.push_back(filter);
    }
  }
  if (query.entity == Entity::kVariant || *rc::gen::arbitrary<bool>()) {
    VariantPattern pattern;
    pattern.form = *rc::gen::element(VariantPattern::Form::kExact, VariantPattern::Form::kAtStart,
                                     VariantPattern::Form::kRange);
    pattern.contig = "20";
    pattern.start = 1000 + 10 * *rc::gen::inRange(0, 42);
    pattern.alt = *rc::gen::element("T", "ACC");
    pattern.ref = pattern.form == VariantPattern::Form::kExact ? "A" : "";
    pattern.end = pattern.start + 1;
    if (pattern.form == VariantPattern::Form::kRange) {
      pattern.end = pattern.start + *rc::gen::inRange(1, 60);
      if (*rc::gen::arbitrary<bool>()) pattern.alt.clear();
    }
    query.variant = *rc::gen::element(true, false) ? pattern : AnySearch();
  }
  return query;
}

RC_GTEST_FIXTURE_PROP(NodeTest, CountsAsBruteForceAndThenAppliesTheFloor, ()) {
  for (Permission permission : {Permission::kAlleleFrequency, Permission::kSubjectLevelQuery}) {
    // From nobody to nearly everybody, so that every bound of the floor is met.
    const int share = *rc::gen::inRange(0, 100);
    const auto draws = *rc::gen::container<std::vector<int>>(kRows, rc::gen::inRange(0, 100));
    for (std::uint32_t row = 0; row < kRows; ++row) {
      if (draws[row] < share) consent_.withdrawn[permission].push_back(row);
    }
  }
  const Query query = AnyQuery();
  const bool subject_level = query.entity == Entity::kIndividual || !query.filters.empty();
  const auto& away =
      consent_
          .withdrawn[subject_level ? Permission::kSubjectLevelQuery : Permission::kAlleleFrequency];
  std::int64_t population = 0, matching = 0, selected = 0;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    if (std::find(away.begin(), away.end(), row) != away.end()) continue;
    ++population;
    bool all =
        std::all_of(query.filters.begin(), query.filters.end(),
                    [&](const FilterGroup& group) { return Holds(group, world_.people[row]); });
    selected += all ? 1 : 0;
    matching += Meets(world_, query, row) ? 1 : 0;
  }
  // Few are said to be none; of people, nearly all are said to be all.
  const std::int64_t expected = matching < 5                                 ? 0
                                : subject_level && population - matching < 5 ? population
                                                                             : matching;
  auto answer = Run(query);
  RC_ASSERT(answer.ok());
  RC_ASSERT(answer->datasets.size() == 1u);
  RC_ASSERT(answer->exists == (expected > 0));
  RC_ASSERT(answer->count == (query.granularity == Granularity::kBoolean ? 0 : expected));
  RC_ASSERT(answer->datasets[0].exists == answer->exists);
  bool frequencies = query.granularity == Granularity::kRecord &&
                     query.entity == Entity::kVariant && answer->exists &&
                     query.variant->form != VariantPattern::Form::kRange &&
                     query.variant->form != VariantPattern::Form::kSearch;
  // Of a group that leaves few others nothing more is said.
  if (!query.filters.empty()) frequencies = frequencies && population - selected >= 5;
  RC_ASSERT(answer->datasets[0].alleles.size() == (frequencies ? 1u : 0u));
}

// In pages, by brute force: of those who may be found and permit what the project is for.
RC_GTEST_FIXTURE_PROP(NodeTest, AProjectIsShownTheRecordsOfJustThoseWhoMatch, ()) {
  for (Permission permission : {Permission::kSecondaryUse, Permission::kSubjectLevelQuery}) {
    const int share = *rc::gen::inRange(0, 60);
    const auto draws = *rc::gen::container<std::vector<int>>(kRows, rc::gen::inRange(0, 100));
    for (std::uint32_t row = 0; row < kRows; ++row) {
      if (draws[row] < share) consent_.withdrawn[permission].push_back(row);
    }
  }
  Query query = AnyQuery();
  query.entity = Entity::kIndividual;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t row = 0; row < kRows; ++row) {
    const bool away = std::any_of(
        consent_.withdrawn.begin(), consent_.withdrawn.end(), [row](const auto& rows) {
          return std::find(rows.second.begin(), rows.second.end(), row) != rows.second.end();
        });
    if (!away && Meets(world_, query, row)) expected.push_back(row);
  }
  RC_ASSERT(view_.Refresh(ctx_).ok());
  const NodeDiscovery node = Reading();
  RecordsAsked asked{{{"GOE-FI-A-1", {}}}, "", 0, *rc::gen::inRange(1, 70)};
  const auto pages = static_cast<std::int64_t>(kRows) / asked.limit + 1;
  std::vector<std::uint32_t> shown;
  for (; asked.skip < pages; ++asked.skip) {
    const auto answer = node.Run(AsAnn(), query, asked);
    RC_ASSERT(answer.ok());
    const DatasetAnswer& dataset = answer->datasets.at(0);
    RC_ASSERT(dataset.opened);
    RC_ASSERT(answer->exists == !expected.empty());
    RC_ASSERT(dataset.precision == disclosure::Precision::kExact);
    RC_ASSERT(answer->count == (query.granularity == Granularity::kBoolean
                                    ? 0
                                    : static_cast<std::int64_t>(expected.size())));
    RC_ASSERT(dataset.individuals.size() <= static_cast<std::size_t>(asked.limit));
    for (const IndividualRecord& record : dataset.individuals) {
      shown.push_back(RowOfIndividual("GOE-FI-A-1", record.id).value());
      const genomics::Individual& person = world_.people[shown.back()];
      RC_ASSERT(record.sex == person.sex);
      RC_ASSERT(record.age_years == static_cast<std::int32_t>(*person.age_months / 12));
      std::vector<std::string> terms;
      for (const FilteringTerm& term : record.terms) terms.push_back(term.id);
      RC_ASSERT(terms == person.terms);
    }
  }
  RC_ASSERT(shown ==
            (query.granularity == Granularity::kRecord ? expected : std::vector<std::uint32_t>()));
  RC_ASSERT(project_consent_.entries.size() == 1U);
  RC_ASSERT(budget_store_.charged.empty());
}

TEST_F(NodeTest, OnePersonsRecordIsThereForWhoeverMayReadIt) {
  consent_.withdrawn[Permission::kSecondaryUse] = {7};
  ASSERT_THAT(view_.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node = Reading();
  Query query = Individuals({});
  query.granularity = Granularity::kRecord;
  const OpenedDatasets opened = {{"GOE-FI-A-1", {}}};
  const auto read = [&](const std::string& id, const OpenedDatasets& by) {
    return node.Run(AsAnn(), query, {by, id, 0, 10});
  };
  const auto there = read("GOE-FI-A-1.i4", opened);
  ASSERT_THAT(there, testing::IsOk());
  ASSERT_EQ(there->datasets.at(0).individuals.size(), 1U);
  const IndividualRecord& record = there->datasets[0].individuals[0];
  EXPECT_EQ(record.id, "GOE-FI-A-1.i4");
  ASSERT_EQ(record.terms.size(), 2U);
  EXPECT_EQ(record.terms[1], (FilteringTerm{"HP:0000002", "Abnormality of body height"}));
  for (const char* id : {"GOE-FI-A-1.i7", "GOE-FI-A-1.i60", "GOE-FI-A-1.i04", "GOE-FI-A-1.i-1",
                         "GOE-FI-A-1.i", "GOE-FI-A-2.i4", "GOE-FI-A-1.i4294967300", "x"}) {
    const auto nobody = read(id, opened);
    ASSERT_THAT(nobody, testing::IsOk()) << id;
    EXPECT_FALSE(nobody->exists) << id;
  }
  EXPECT_THAT(read("GOE-FI-A-1.i4", {}), HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(read("GOE-FI-A-1.i4", {{"GOE-FI-OTHER-1", {}}}), HasReason("QUERY_UNSUPPORTED"));
}

TEST_F(NodeTest, RecordsOfCarriersAreThoseOfOneAllele) {
  ASSERT_THAT(view_.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node = Reading();
  genomics::Variant variant = world_.sites[30].variant;
  for (const char* ref : {"A", "G"}) {
    variant.ref = ref;
    Query query = Exact(variant, Granularity::kRecord);
    query.entity = Entity::kIndividual;
    const auto read = node.Run(AsAnn(), query, {{{"GOE-FI-A-1", {}}}, "", 0, 100});
    ASSERT_THAT(read, testing::IsOk());
    EXPECT_EQ(read->exists, *ref == 'A') << "another reference is another allele";
  }
}

// Of variants and of tables a project is told what everybody is.
TEST_F(NodeTest, APassportOpensIndividualsAlone) {
  ASSERT_THAT(view_.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node = Reading();
  const RecordsAsked asked{{{"GOE-FI-A-1", {}}}, ""};
  const auto allele = node.Run(AsAnn(), Exact(world_.sites[3].variant, Granularity::kRecord), asked);
  ASSERT_THAT(allele, testing::IsOk());
  EXPECT_FALSE(allele->datasets.at(0).opened);
  Query table = Individuals({});
  table.distributions = {By::kSex};
  EXPECT_FALSE(node.Run(AsAnn(), table, asked)->datasets.at(0).opened);
  EXPECT_TRUE(project_consent_.entries.empty());
  project_consent_.logs = false;
  EXPECT_THAT(node.Run(AsAnn(), Individuals({}), asked), HasReason("LEDGER_FROZEN"));
}

TEST_F(NodeTest, GivesFrequenciesOfEnoughCarriersOnly) {
  for (const TestSite& site : world_.sites) {
    auto answer = Run(Exact(site.variant, Granularity::kRecord));
    ASSERT_TRUE(answer.ok());
    const auto het = static_cast<std::int64_t>(site.sets.het.size()),
               hom = static_cast<std::int64_t>(site.sets.hom.size());
    const auto& alleles = answer->datasets[0].alleles;
    ASSERT_EQ(alleles.size(), het + hom >= 5 ? 1u : 0u);
    if (alleles.empty()) continue;
    EXPECT_EQ(alleles[0].allele_count, het + 2 * hom);
    EXPECT_EQ(alleles[0].allele_number,
              2 * (kRows - static_cast<std::int64_t>(site.sets.nocall.size())));
    EXPECT_EQ(alleles[0].homozygotes, (het == 0 || het >= 5) && (hom == 0 || hom >= 5) ? hom : 0);
    EXPECT_EQ(alleles[0].assembly, "GRCh38");
  }
}

TEST_F(NodeTest, GivesFrequenciesAmongThoseWhomFiltersSelect) {
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {4, 10, 21};
  consent_.withdrawn[Permission::kAlleleFrequency] = {2, 3};
  const auto& away = consent_.withdrawn[Permission::kSubjectLevelQuery];
  int told = 0;
  for (const TestSite& site : world_.sites) {
    Query query = Exact(site.variant, Granularity::kRecord);
    query.filters = {{Filter{"HP:0000002"}}, {Filter{"", true, std::pair(10, 200)}}};
    const auto among = [&](const std::vector<std::uint32_t>& rows) {
      return std::count_if(rows.begin(), rows.end(), [&](std::uint32_t row) {
        return row % 2 == 0 && row >= 10 && std::find(away.begin(), away.end(), row) == away.end();
      });
    };
    std::vector<std::uint32_t> everybody(kRows);
    std::iota(everybody.begin(), everybody.end(), 0U);
    auto answer = Run(query);
    ASSERT_TRUE(answer.ok());
    const std::int64_t het = among(site.sets.het), hom = among(site.sets.hom);
    const auto& alleles = answer->datasets[0].alleles;
    ASSERT_EQ(alleles.size(), het + hom >= 5 ? 1u : 0u);
    if (alleles.empty()) continue;
    ++told;
    EXPECT_EQ(alleles[0].allele_count, het + 2 * hom);
    EXPECT_EQ(alleles[0].allele_number, 2 * (among(everybody) - among(site.sets.nocall)));
    EXPECT_EQ(alleles[0].homozygotes + alleles[0].heterozygotes, 0);
    EXPECT_EQ(alleles[0].population, "HP:0000002 AND age >= 10");
    // Of individuals only how many there are is asked.
    query.entity = Entity::kIndividual;
    EXPECT_TRUE(Run(query)->datasets[0].alleles.empty());
  }
  EXPECT_GT(told, 20);
}

// What was told of the group and the carriers in it, and the frequency; nothing twice.
TEST_F(NodeTest, AFrequencyInAGroupIsChargedWithTheGroupsNumber) {
  disclosure::Policy policy;
  policy.floor = 2;
  policy.epsilon = policy.frequency_epsilon = 2;
  policy.noise_bound = 2;
  policy.auc = 0.999;
  const disclosure::Mechanism mechanism(policy, std::string(32, 's'));
  ConsentView view(consent_, listing_, mechanism, std::chrono::seconds(60));
  view.Put(Shared::Get().cohort);
  ASSERT_THAT(view.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node(view, "FI", mechanism, &budgets_, audit_, clock_);
  const auto& charged = budget_store_.charged["finder"];
  Query query = Exact(world_.sites[30].variant, Granularity::kRecord);
  query.account = "finder";
  query.filters = {{Filter{"HP:0000002"}}};
  const auto answer = node.Run(ctx_, query);
  ASSERT_THAT(answer, testing::IsOk());
  ASSERT_EQ(answer->datasets[0].alleles.size(), 1u);
  ASSERT_EQ(charged.size(), 3u);
  for (const Spending& spending : charged) {
    EXPECT_GT(spending.nats, 0);
    EXPECT_DOUBLE_EQ(spending.worst, disclosure::WorstGroupCharge(policy));
  }
  // The number of copies is one of twice as many people as it was told that there are.
  Query group = Individuals({"HP:0000002"});
  group.account = "finder";
  EXPECT_EQ(answer->datasets[0].alleles[0].allele_number, 2 * node.Run(ctx_, group)->count);
  EXPECT_EQ(charged.size(), 3u);
  // Of another allele in the same group, the group is known.
  query.variant = Exact(world_.sites[32].variant, Granularity::kRecord).variant;
  ASSERT_EQ(node.Run(ctx_, query)->datasets[0].alleles.size(), 1u);
  EXPECT_EQ(charged.size(), 5u);
}

// What must be left to ask at all does not tell whether something was found.
TEST_F(NodeTest, WhatAQuestionMayCostDoesNotDependOnTheAnswer) {
  for (const bool filtered : {false, true}) {
    std::set<double> worst;
    for (const std::size_t site : {std::size_t{0}, std::size_t{30}}) {  // of nobody, of many
      Query query = Exact(world_.sites[site].variant, Granularity::kRecord);
      if (filtered) query.filters = {{Filter{"HP:0000002"}}};
      query.account = fmt::format("{} {}", filtered, site);
      const auto answer = Run(query);
      ASSERT_THAT(answer, testing::IsOk());
      EXPECT_EQ(answer->exists, site != 0);
      double most = 0;
      for (const Spending& spending : budget_store_.charged[query.account])
        most = std::max(most, spending.worst);
      worst.insert(most);
    }
    EXPECT_EQ(worst.size(), 1u);
  }
}

TEST_F(NodeTest, WhereOneAnswerOfAGroupWouldBeTooMuchOnlyItsCountIsTold) {
  disclosure::Policy policy = FloorOfFive();
  policy.auc = 0.97;  // exact numbers: each may tell more than that
  const disclosure::Mechanism mechanism(policy, "");
  ASSERT_FALSE(disclosure::AllowsGroups(policy));
  ConsentView view(consent_, listing_, mechanism, std::chrono::seconds(60));
  view.Put(Shared::Get().cohort);
  ASSERT_THAT(view.Refresh(ctx_), testing::IsOk());
  Query query = Exact(world_.sites[30].variant, Granularity::kRecord);
  query.filters = {{Filter{"HP:0000002"}}};
  const auto answer =
      NodeDiscovery(view, "FI", mechanism, nullptr, audit_, clock_).Run(ctx_, query);
  ASSERT_THAT(answer, testing::IsOk());
  EXPECT_GT(answer->count, 5);
  EXPECT_TRUE(answer->datasets[0].alleles.empty());
}

// {"NCIT:C16576 P0Y-P17Y": people}
std::map<std::string, std::int64_t> CellsIn(const DatasetAnswer& dataset, By by) {
  std::map<std::string, std::int64_t> cells;
  for (const Distribution& one : dataset.distributions) {
    if (one.by != by) continue;
    for (const auto& cell : one.cells)
      cells[fmt::format("{}", fmt::join(cell.values, " "))] = cell.count;
  }
  return cells;
}

// The ages are 0 to 59, each once; every third is a man.
TEST_F(NodeTest, DistributesThoseWhoMatchOverSexAndAge) {
  using Cells = std::map<std::string, std::int64_t>;
  Query query = Individuals({});
  query.distributions = {By::kSex, By::kAge, By::kSexByAge};
  auto answer = Run(query);
  ASSERT_THAT(answer, testing::IsOk());
  const DatasetAnswer& dataset = answer->datasets[0];
  EXPECT_EQ(dataset.distributions.size(), 3u);
  EXPECT_EQ(CellsIn(dataset, By::kSex), (Cells{{"NCIT:C16576", 40}, {"NCIT:C20197", 20}}));
  EXPECT_EQ(CellsIn(dataset, By::kAge),
            (Cells{{"P0Y-P17Y", 18}, {"P18Y-P39Y", 22}, {"P40Y-P64Y", 20}}));
  EXPECT_EQ(CellsIn(dataset, By::kSexByAge), (Cells{{"NCIT:C16576 P0Y-P17Y", 12},
                                                    {"NCIT:C16576 P18Y-P39Y", 14},
                                                    {"NCIT:C16576 P40Y-P64Y", 14},
                                                    {"NCIT:C20197 P0Y-P17Y", 6},
                                                    {"NCIT:C20197 P18Y-P39Y", 8},
                                                    {"NCIT:C20197 P40Y-P64Y", 6}}));
  // Four boys are too few to tell: with them go the 12 girls, with these the 13 younger women, and
  // with these the men of that age.
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {0, 3, 19};
  ++consent_.epoch;
  query.distributions = {By::kSexByAge};
  answer = Run(query);
  EXPECT_EQ(CellsIn(answer->datasets[0], By::kSexByAge),
            (Cells{{"NCIT:C16576 P40Y-P64Y", 14}, {"NCIT:C20197 P40Y-P64Y", 6}}));
  // Of those who match: women and girls of even rows.
  query = Individuals({"HP:0000002", "NCIT:C16576"});
  query.distributions = {By::kSexByAge};
  EXPECT_EQ(CellsIn(Run(query)->datasets[0], By::kSexByAge), (Cells{{"NCIT:C16576 P0Y-P17Y", 6},
                                                                    {"NCIT:C16576 P18Y-P39Y", 7},
                                                                    {"NCIT:C16576 P40Y-P64Y", 7}}));
  // Of whom nothing is known, nobody is in any cell.
  view_.Put(Shared::Get().other);
  EXPECT_TRUE(CellsIn(Run(query)->datasets[1], By::kSexByAge).empty());
}

TEST_F(NodeTest, ACellIsToldAndChargedAsTheSameQuestion) {
  disclosure::Policy policy;
  policy.floor = 2;
  policy.epsilon = policy.frequency_epsilon = 2;
  policy.noise_bound = 2;
  policy.step = 1;
  policy.relative_step = 0;
  policy.auc = 0.99999;
  const disclosure::Mechanism mechanism(policy, std::string(32, 's'));
  ConsentView view(consent_, listing_, mechanism, std::chrono::seconds(60));
  view.Put(Shared::Get().cohort);
  ASSERT_THAT(view.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node(view, "FI", mechanism, &budgets_, audit_, clock_);
  const auto& charged = budget_store_.charged["finder"];
  Query query = Individuals({});
  query.account = "finder";
  query.distributions = {By::kSex, By::kSexByAge};
  ASSERT_TRUE(disclosure::FitsAtOnce(policy, 18));
  const auto answer = node.Run(ctx_, query);
  ASSERT_THAT(answer, testing::IsOk());
  EXPECT_EQ(charged.size(), 18u);  // 3 sexes, 15 cells
  for (const Spending& spending : charged)
    EXPECT_DOUBLE_EQ(spending.worst, 18 * disclosure::WorstCharge(policy));
  std::int64_t sum = 0;
  for (const auto& [sex, count] : CellsIn(answer->datasets[0], By::kSex)) sum += count;
  EXPECT_EQ(answer->count, sum) << "no number of all beside them";
  Query women = Individuals({"NCIT:C16576"});
  women.account = "finder";
  EXPECT_EQ(node.Run(ctx_, women)->count, CellsIn(answer->datasets[0], By::kSex)["NCIT:C16576"]);
  EXPECT_EQ(charged.size(), 18u);
}

TEST_F(NodeTest, WhereNoBudgetAllowsAllCellsNoneIsTold) {
  disclosure::Policy policy = FloorOfFive();
  policy.auc = 0.95;
  const disclosure::Mechanism mechanism(policy, "");
  ASSERT_EQ(disclosure::MostAtOnce(policy), 5);
  ASSERT_TRUE(disclosure::FitsAtOnce(policy, 4)) << "a quarter is the catalogue's";
  ASSERT_FALSE(disclosure::FitsAtOnce(policy, 5));
  ConsentView view(consent_, listing_, mechanism, std::chrono::seconds(60));
  view.Put(Shared::Get().cohort);
  ASSERT_THAT(view.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node(view, "FI", mechanism, nullptr, audit_, clock_);
  Query query = Individuals({});
  query.distributions = {By::kSex};  // with the number of all, which is exact: 4
  EXPECT_EQ(CellsIn(node.Run(ctx_, query)->datasets[0], By::kSex).size(), 2u);
  query.distributions = {By::kAge};  // 6
  const auto answer = node.Run(ctx_, query);
  EXPECT_TRUE(answer->datasets[0].distributions.empty());
  EXPECT_EQ(answer->count, 60);
}

TEST_F(NodeTest, AllelesHaveTheirNames) {
  ASSERT_THAT(view_.Refresh(ctx_), testing::IsOk());
  const AlleleNames names;
  const NodeDiscovery node(view_, "FI", mechanism_, &budgets_, audit_, clock_, nullptr,
                           OwnGenotypes::Get(), &names);
  const auto substitution = node.Run(ctx_, Exact(world_.sites[30].variant, Granularity::kRecord));
  ASSERT_THAT(substitution, testing::IsOk());
  const AlleleAnswer& allele = substitution->datasets[0].alleles[0];
  EXPECT_EQ(allele.names.hgvs, "NC_000020.11:g.1301A>T");
  EXPECT_EQ(allele.names.vrs_2_0,
            names.Of(genomics::Assembly::kGrch38, world_.sites[30].variant).vrs_2_0);
  EXPECT_TRUE(allele.names.vrs_1_3.starts_with("ga4gh:VA."));
  const auto insertion = node.Run(ctx_, Exact(world_.sites[31].variant, Granularity::kRecord));
  EXPECT_EQ(insertion->datasets[0].alleles[0].names.vrs_2_0, "");
}

TEST_F(NodeTest, ASmallNumberLooksLikeNone) {
  auto few = Run(Individuals({"ORPHA:1"})), none = Run(Individuals({"OMIM:9"}));
  for (auto* answer : {&few, &none}) {
    ASSERT_TRUE(answer->ok());
    EXPECT_FALSE((*answer)->exists);
    EXPECT_EQ((*answer)->count, 0);
    EXPECT_EQ((*answer)->datasets.size(), 1u);
  }
  EXPECT_TRUE(few->suppressed);
  EXPECT_FALSE(none->suppressed);
  EXPECT_EQ(Run(Individuals({"HP:0000001"}))->count, 60);  // 58 of 60: said of all
  EXPECT_EQ(Run(Individuals({"HP:0000002"}))->count, 30);
}

// Not "none": that would be an answer.
TEST_F(NodeTest, SaysThatDuplicationsCannotBeLookedFor) {
  const auto run = [&](const char* hgvs) {
    RawQuery raw;
    raw.entity = Entity::kIndividual;
    raw.granularity = Granularity::kCount;
    raw.variant.emplace().hgvs = hgvs;
    return Run(Validate(raw).value());
  };
  EXPECT_THAT(run("NC_000020.11:g.1000227_1000229dup"), HasReason("QUERY_UNSUPPORTED"));
  EXPECT_THAT(run("NC_000020.11:g.1000227_1000229del"), testing::IsOk());
  EXPECT_THAT(run("NC_000020.11:g.1000227_1000229inv"), testing::IsOk());
}

TEST_F(NodeTest, ASubstitutionHasOneAnswerHoweverItIsDescribed) {
  const genomics::Variant& variant = world_.sites[30].variant;
  const Query exact = Exact(variant, Granularity::kRecord);
  const auto told = Run(exact);
  ASSERT_THAT(told, testing::IsOk());
  ASSERT_EQ(told->datasets.at(0).alleles.size(), 1u);
  const auto charged = budget_store_.charged[""].size();
  RawQuery raw;
  raw.entity = Entity::kVariant;
  raw.granularity = Granularity::kRecord;
  raw.variant.emplace().hgvs = fmt::format("NC_000020.11:g.{}A>T", variant.pos + 1);
  const auto described = Run(Validate(raw).value());
  ASSERT_THAT(described, testing::IsOk());
  EXPECT_EQ(described->count, told->count);
  ASSERT_EQ(described->datasets.at(0).alleles.size(), 1u);
  EXPECT_EQ(budget_store_.charged[""].size(), charged) << "is the same question";
  // With a condition of another kind it is another one.
  raw.variant->type = "INS";
  EXPECT_EQ(Run(Validate(raw).value())->count, 0);
  EXPECT_GT(budget_store_.charged[""].size(), charged);
}

TEST_F(NodeTest, NeverMixesAssemblies) {
  view_.Put(Shared::Get().other);
  Query query = Exact(world_.sites[30].variant, Granularity::kCount);
  EXPECT_THAT(Run(query), HasReason("ASSEMBLY_MISSING"));
  query.variant->assembly = genomics::Assembly::kGrch37;
  auto answer = Run(query);
  ASSERT_TRUE(answer.ok());
  ASSERT_EQ(answer->datasets.size(), 1u);
  EXPECT_EQ(answer->datasets[0].dataset, "GOE-FI-B-1");
}

TEST_F(NodeTest, ADatasetWithoutIndividualsIsFoundByNoTerm) {
  view_.Put(Shared::Get().other);
  auto answer = Run(Individuals({"NCIT:C16576"}));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->count, 40);  // of the other dataset
  EXPECT_FALSE(answer->datasets[1].exists);
  EXPECT_EQ(Run(Individuals({}))->count, 80);
}

TEST_F(NodeTest, ChargesTheAccountOnceForEachQuestion) {
  Query query = Individuals({"HP:0000002"});
  query.account = "finder";
  ASSERT_THAT(Run(query), testing::IsOk());
  query.granularity = Granularity::kRecord;
  ASSERT_THAT(Run(query), testing::IsOk());
  EXPECT_EQ(budget_store_.charged["finder"].size(), 1u);
  EXPECT_EQ(budget_store_.charged["finder"][0].dataset, "GOE-FI-A-1");
  Query other = Individuals({"HP:0000001"});
  other.account = "finder";
  ASSERT_THAT(Run(other), testing::IsOk());
  EXPECT_EQ(budget_store_.charged["finder"].size(), 2u);
  query.account = "another";
  ASSERT_THAT(Run(query), testing::IsOk());
  EXPECT_EQ(budget_store_.charged["another"].size(), 1u);
  // A withdrawal makes every answer a new one.
  consent_.withdrawn[Permission::kSubjectLevelQuery] = {59};
  consent_.epoch = 2;
  ASSERT_THAT(Run(query), testing::IsOk());
  EXPECT_EQ(budget_store_.charged["another"].size(), 2u);
}

// HP:0000002 (body height) is three steps below HP:0000001 (all), by HP:0001507 and HP:0000118, which
// nobody has: steps go along the ontology, not along the data. All but rows 0 and 1 have HP:0000001,
// the even ones HP:0000002; women are those whose row is no multiple of three.
TEST_F(NodeTest, SimilarTermsAreSoManyStepsAway) {
  using beacon::Similarity;
  const auto women = [&](const char* term, bool descendants, Similarity similarity) {
    Query query = Individuals({"NCIT:C16576"});
    query.filters.push_back({Filter{term, descendants, {}, similarity}});
    return Run(query)->count;
  };
  EXPECT_EQ(women("HP:0000002", false, Similarity::kExact), 20);
  EXPECT_EQ(women("HP:0000002", false, Similarity::kHigh), 20);
  EXPECT_EQ(women("HP:0000002", true, Similarity::kMedium), 20);
  EXPECT_EQ(women("HP:0000002", true, Similarity::kLow), 39) << "all but row 1";
  EXPECT_EQ(women("HP:0000002", false, Similarity::kLow), 39);
  // Nobody has just one of the terms between them.
  EXPECT_EQ(women("HP:0000118", false, Similarity::kExact), 0);
  EXPECT_EQ(women("HP:0000118", false, Similarity::kHigh), 39) << "all but row 1";
  EXPECT_EQ(women("HP:0001507", false, Similarity::kHigh), 20);
  EXPECT_EQ(women("HP:0001507", false, Similarity::kMedium), 39);
  // Terms of no hierarchy are near themselves.
  EXPECT_EQ(women("ORPHA:1", true, Similarity::kLow), 0);
  Query either = Individuals({"NCIT:C16576"});
  either.filters.push_back({Filter{"OMIM:9"}, Filter{"HP:0001507", false, {}, Similarity::kHigh}});
  EXPECT_EQ(Run(either)->count, 20);
}

TEST_F(NodeTest, ALevelOfSimilarityIsAQuestionOfItsOwn) {
  for (const auto similarity : {beacon::Similarity::kExact, beacon::Similarity::kHigh,
                                beacon::Similarity::kHigh, beacon::Similarity::kMedium}) {
    Query query = Individuals({"HP:0000002"});
    query.account = "finder";
    query.filters[0][0].similarity = similarity;
    ASSERT_THAT(Run(query), testing::IsOk());
  }
  std::set<std::string> questions;
  const double whole = disclosure::WorstCharge(mechanism_.policy());
  for (const Spending& spending : budget_store_.charged["finder"]) {
    questions.insert(spending.question);
    EXPECT_EQ(spending.worst, whole) << "as of one count";
  }
  EXPECT_EQ(questions.size(), 3u);
}

TEST_F(NodeTest, ASpentBudgetIsSaidWithTheTimeToComeBack) {
  view_.Put(Shared::Get().other);
  budget_store_.spent_out = {"GOE-FI-A-1"};
  auto some = Run(Individuals({}));
  ASSERT_THAT(some, testing::IsOk());
  ASSERT_EQ(some->datasets.size(), 1u);
  EXPECT_EQ(some->datasets[0].dataset, "GOE-FI-B-1");
  EXPECT_EQ(some->count, 20);
  ASSERT_EQ(some->withheld.size(), 1u);
  EXPECT_EQ(some->withheld[0].retry_after_seconds, 7);
  Query query = Individuals({});
  query.datasets = {"GOE-FI-A-1"};
  auto none = Run(query);
  EXPECT_THAT(none, HasReason("BUDGET_SPENT"));
  EXPECT_EQ(none.status().code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryAfter(none.status()), std::chrono::seconds(7));
}

TEST_F(NodeTest, WhatCannotBeChargedIsNotTold) {
  ASSERT_THAT(Run(Individuals({"HP:0000002"})), testing::IsOk());
  budget_store_.up = false;
  EXPECT_THAT(Run(Individuals({"HP:0000001"})), HasReason("BUDGET_UNKNOWN"));
  EXPECT_THAT(Run(Individuals({"HP:0000002"})), testing::IsOk());  // was told before
}

TEST_F(NodeTest, EveryAnswerIsAuditedWithoutWhatWasAsked) {
  for (const char* term : {"HP:0000002", "ORPHA:1"}) {
    Query query = Individuals({term});
    query.account = "finder";
    ASSERT_THAT(Run(query), testing::IsOk());
  }
  budget_store_.spent_out = {"GOE-FI-A-1"};
  Query query = Individuals({"HP:0000001"});
  query.account = "finder";
  EXPECT_FALSE(Run(query).ok());
  audit_store_.up = false;
  EXPECT_FALSE(audit_.Flush(ctx_).ok());
  audit_store_.up = true;
  ASSERT_THAT(audit_.Flush(ctx_), testing::IsOk());
  const auto& entries = audit_store_.entries;
  ASSERT_EQ(entries.size(), 3u);
  EXPECT_EQ(entries[0].outcome, "told");
  EXPECT_EQ(entries[1].outcome, "held_back");
  EXPECT_EQ(entries[2].outcome, "refused");
  for (const AuditEntry& entry : entries) {
    EXPECT_EQ(entry.account, "finder");
    EXPECT_EQ(entry.question.size(), 32u);
    EXPECT_EQ(entry.question.find("HP:"), std::string::npos);
  }
}

TEST_F(NodeTest, PeopleAreCountedOnceABatchOfThemHasCome) {
  const Shared& shared = Shared::Get();
  disclosure::Policy policy = FloorOfFive();
  policy.batch = 10;
  const disclosure::Mechanism mechanism(policy, "");
  // Forty people, then three, then seven, then ten more who are short of nobody.
  const std::pair<std::vector<std::uint32_t>, std::int64_t> cases[] = {
      {{60}, 60}, {{40, 20}, 60}, {{57, 3}, 57}, {{50, 7, 3}, 60}, {{9, 42, 9}, 51}};
  for (const auto& [batches, counted] : cases) {
    std::vector<std::unique_ptr<cohort::Segment>> segments;
    segments.push_back(*cohort::Segment::Open(shared.segment));
    ConsentView view(consent_, listing_, mechanism, std::chrono::seconds(60));
    view.Put(std::make_shared<const Cohort>("GOE-FI-A-1", 1,
                                            *cohort::Cohort::Create(std::move(segments)),
                                            shared.world.people, batches));
    ASSERT_THAT(view.Refresh(ctx_), testing::IsOk());
    const NodeDiscovery node(view, "FI", mechanism, nullptr, audit_, clock_);
    // Ten of them are not counted, so that nobody leaves alone.
    EXPECT_EQ(node.Run(ctx_, Individuals({}))->count, counted - 10) << batches.size();
  }
}

// Queries share buffers and views, and nothing of one may be found in another.
TEST_F(NodeTest, ManyAtOnceAnswerAsOneAlone) {
  ASSERT_THAT(view_.Refresh(ctx_), testing::IsOk());
  const NodeDiscovery node = {view_, "FI", mechanism_, nullptr, audit_, clock_};
  std::vector<Query> queries;
  for (std::size_t i = 0; i < world_.sites.size(); i += 3) {
    queries.push_back(Exact(world_.sites[i].variant, Granularity::kRecord));
    for (const char* gene : {"ABC1", "DEF2"}) {
      RawQuery raw;
      raw.entity = i % 2 == 0 ? Entity::kVariant : Entity::kIndividual;
      raw.granularity = Granularity::kCount;
      raw.variant = RawVariant();
      raw.variant->gene = gene;
      raw.variant->below_frequency = 0.001 * static_cast<double>(i + 1);
      if (i % 2 != 0) raw.filters = {{Filter{"NCIT:C16576"}}, {Filter{"HP:0000002"}}};
      queries.push_back(*Validate(raw));
    }
  }
  std::vector<std::int64_t> expected;
  for (const Query& query : queries) expected.push_back(node.Run(ctx_, query)->count);
  EXPECT_GT(std::count_if(expected.begin(), expected.end(), [](auto count) { return count > 0; }), 10);
  std::atomic<int> wrong = 0;
  std::vector<std::jthread> threads;
  for (std::size_t thread = 0; thread < 8; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::size_t turn = 0; turn < 300; ++turn) {
        const std::size_t i = (turn * 7 + thread * 3) % queries.size();
        const auto answer = node.Run(ctx_, queries[i]);
        if (!answer.ok() || answer->count != expected[i]) ++wrong;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_F(NodeTest, ListsTermsThatAQueryWouldFind) {
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  auto terms = Node().Terms(ctx_);
  ASSERT_TRUE(terms.ok());
  // Nobody has HP:0000118 or HP:0001507 but by HP:0000002, which is a kind of them.
  const std::vector<FilteringTerm> expected = {{"HP:0000001", "All"},
                                               {"HP:0000002", "Abnormality of body height"},
                                               {"HP:0000118", "Phenotypic abnormality"},
                                               {"HP:0001507", "Growth abnormality"},
                                               {"NCIT:C16576", "Female"},
                                               {"NCIT:C20197", "Male"}};
  EXPECT_EQ(*terms, expected);
}

// Anybody may ask for them, page after page.
TEST_F(NodeTest, TermsAreCountedOnceForEachView) {
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  const NodeDiscovery node = Node();
  const auto terms = node.Terms(ctx_);
  ASSERT_TRUE(terms.ok());
  std::stop_source stop;
  stop.request_stop();
  const Context stopped = Context::Background().WithStop(stop.get_token());
  const auto again = node.Terms(stopped);
  ASSERT_TRUE(again.ok()) << "nothing is counted";
  EXPECT_EQ(*again, *terms);
  // Everybody but three withdraws.
  for (std::uint32_t row = 3; row < kRows; ++row)
    consent_.withdrawn[Permission::kSubjectLevelQuery].push_back(row);
  consent_.epoch = 2;
  ASSERT_TRUE(view_.Refresh(ctx_).ok());
  EXPECT_FALSE(node.Terms(stopped).ok());
  EXPECT_EQ(node.Terms(ctx_)->size(), 2u) << "the sexes";
}

}  // namespace
}  // namespace genofed::discovery
