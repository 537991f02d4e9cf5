// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/people.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <fstream>
#include <random>
#include <set>

#include "libs/core/file.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::cohort {
namespace {

using genomics::Bitmap;
using genomics::Sex;

struct Person {
  Sex sex = Sex::kUnknown;
  int age = -1;
  std::uint32_t purposes = 0;
  std::set<std::uint32_t> terms;
};

bool Is(const Ontology& ontology, std::uint32_t term, std::uint32_t wanted) {
  if (term == wanted) return true;
  for (const std::uint32_t parent : ontology.parents[term]) {
    if (Is(ontology, parent, wanted)) return true;
  }
  return false;
}

RC_GTEST_PROP(PeopleProperty, SelectionsEqualTheirDefinition, (std::uint64_t seed)) {
  std::mt19937_64 rng(seed);
  auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(rng() % n); };
  Ontology ontology;
  for (std::uint32_t term = 0; term < 40; ++term) {
    ontology.terms.push_back("HP:" + std::to_string(term));
    std::vector<std::uint32_t>& parents = ontology.parents.emplace_back();
    for (std::uint32_t i = 0; term > 0 && i < 1 + below(2); ++i) parents.push_back(below(term));
  }
  const std::uint32_t n = 1 + below(900);
  std::vector<Person> persons(n);
  PeopleBuilder builder(n);
  for (std::uint32_t row = 0; row < n; ++row) {
    Person& person = persons[row];
    person.sex = static_cast<Sex>(below(3));
    builder.SetSex(row, person.sex);
    if (below(10) > 0) {
      person.age = static_cast<int>(below(kMaxAge + 1));
      builder.SetAge(row, static_cast<std::uint32_t>(person.age));
    }
    person.purposes = below(256);
    builder.SetPurposes(row, person.purposes);
    for (std::uint32_t i = below(4); i > 0; --i) {
      const std::uint32_t term = below(40);
      person.terms.insert(term);
      builder.AddTerm(row, term);
    }
  }
  testing::TemporaryDirectory dir;
  RC_ASSERT(builder.Finish(ontology).Write(dir / "people").ok());
  const auto people = People::Read(dir / "people");
  RC_ASSERT(people.ok());
  for (int i = 0; i < 20; ++i) {
    Bitmap live(n);
    for (std::uint32_t row = 0; row < n; ++row) {
      if (below(10) > 0) live.Set(row);
    }
    Selection selection;
    std::vector<std::uint32_t> terms;
    for (std::uint32_t j = below(3); j > 0; --j) {
      terms.push_back(below(40));
      selection.terms.push_back(ontology.terms[terms.back()]);
    }
    if (below(2) == 0) selection.sex = static_cast<Sex>(below(3));
    if (below(2) == 0) selection.ages = {below(130), below(130)};
    if (below(2) == 0) selection.purposes = 1U << below(8);
    Bitmap expected(n);
    for (std::uint32_t row = 0; row < n; ++row) {
      const Person& person = persons[row];
      bool is = live.Test(row) && (!selection.sex || person.sex == *selection.sex) &&
                (person.purposes & selection.purposes) == selection.purposes;
      if (selection.ages) {
        is = is && person.age >= static_cast<int>(selection.ages->first) &&
             person.age <= static_cast<int>(selection.ages->second);
      }
      for (const std::uint32_t wanted : terms) {
        bool has = false;
        for (const std::uint32_t term : person.terms) has = has || Is(ontology, term, wanted);
        is = is && has;
      }
      if (is) expected.Set(row);
    }
    RC_ASSERT(people->Select(selection, live) == expected);
    const std::uint32_t bounds[] = {0, 18, 40, 120};
    const auto table = people->CrossTable(expected, bounds);
    for (std::size_t band = 0; band < 3; ++band) {
      for (std::size_t sex = 0; sex < 3; ++sex) {
        std::uint64_t count = 0;
        expected.ForEach([&](std::uint32_t row) {
          count += persons[row].sex == static_cast<Sex>(sex) &&
                   persons[row].age >= static_cast<int>(bounds[band]) &&
                   persons[row].age < static_cast<int>(bounds[band + 1]);
        });
        RC_ASSERT(table[band][sex] == count);
      }
    }
  }
}

TEST(PeopleTest, RefusesDamage) {
  testing::TemporaryDirectory dir;
  PeopleBuilder builder(5);
  builder.AddTerm(3, 0);
  ASSERT_TRUE(builder.Finish({{"HP:1"}, {{}}}).Write(dir / "people").ok());
  EXPECT_EQ(People::Read(dir / "people")->CountOf("HP:1"), 1U);
  std::string bytes = *ReadFile(dir / "people");
  bytes[20] = static_cast<char>(bytes[20] ^ 1);
  std::ofstream(dir / "people", std::ios::binary) << bytes;
  EXPECT_EQ(Reason(People::Read(dir / "people").status()), "PEOPLE_CORRUPT");
}

}  // namespace
}  // namespace genofed::cohort
