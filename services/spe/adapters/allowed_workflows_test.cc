// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/allowed_workflows.h"

#include <gtest/gtest.h>

#include <vector>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::spe {
namespace {

const std::string kImage = "sha256:" + std::string(64, 'a');

std::string Descriptor(const std::string& extra = "") {
  return R"({"name":"n","version":"1","title":"t","image":")" + kImage +
         R"(","command":["/bin/x"],"inputs":["genotypes"],"environment":["CASE_TERM"],)"
         R"("outputs":[{"path":"a.tsv","format":"tsv","keys":["chrom"],"counts":["ac","an"],)"
         R"("derived":{"af":"ac/an"}}],"limits":{"cpus":0.5,"memory_mb":64,"minutes":2})" +
         extra + "}";
}

TEST(AllowedWorkflows, ReadsADescriptor) {
  const auto workflow = ParseWorkflow(Descriptor());
  ASSERT_TRUE(workflow.ok()) << Describe(workflow.status());
  EXPECT_EQ(workflow->image, kImage);
  EXPECT_TRUE(workflow->reads_genotypes);
  EXPECT_FALSE(workflow->reads_phenotypes);
  EXPECT_EQ(workflow->limits.cpu_millis, 500);
  EXPECT_EQ(workflow->limits.memory_bytes, 64LL << 20);
  EXPECT_EQ(workflow->limits.wall_time.count(), 120);
  EXPECT_EQ(workflow->outputs[0].counts[0].part_of, "an");
  EXPECT_EQ(workflow->outputs[0].counts[1].part_of, "");
}

// The airlock counts people: three of them can have six alleles.
TEST(AllowedWorkflows, CountsOfGenotypesAreAllelesUnlessTheySayPeople) {
  const auto per_person = [](const std::string& from, const std::string& to) {
    std::string text = Descriptor();
    text.replace(text.find(from), from.size(), to);
    const auto workflow = ParseWorkflow(text);
    std::vector<std::int64_t> numbers;
    if (!workflow.ok()) return numbers;
    for (const CountColumn& column : workflow->outputs[0].counts)
      numbers.push_back(column.per_person);
    return numbers;
  };
  using Numbers = std::vector<std::int64_t>;
  const std::string counts = R"("counts":["ac","an"])";
  EXPECT_EQ(per_person(counts, counts), (Numbers{2, 2}));
  EXPECT_EQ(per_person(counts, counts + R"(,"people":["an"])"), (Numbers{2, 1}));
  EXPECT_EQ(per_person(R"("inputs":["genotypes"])", R"("inputs":["phenotypes"])"), (Numbers{1, 1}));
  EXPECT_EQ(per_person(counts, counts + R"(,"people":["af"])"), Numbers());
}

TEST(AllowedWorkflows, RefusesWhatItDoesNotUnderstand) {
  EXPECT_EQ(Reason(ParseWorkflow(Descriptor(R"(,"network":true)")).status()), "WORKFLOW_INVALID");
  EXPECT_FALSE(ParseWorkflow("[]").ok());
  EXPECT_FALSE(ParseWorkflow("").ok());
  const auto change = [](std::string from, std::string to) {
    std::string text = Descriptor();
    text.replace(text.find(from), from.size(), to);
    return ParseWorkflow(text).ok();
  };
  EXPECT_TRUE(change("0.5", "1"));
  EXPECT_FALSE(change(R"("/bin/x")", R"("x")"));
  EXPECT_FALSE(change("a.tsv", "../a.tsv"));
  EXPECT_FALSE(change("ac/an", "ac/none"));
  EXPECT_FALSE(change("ac/an", "ac"));
  EXPECT_FALSE(change("sha256:", "md5:"));
  EXPECT_FALSE(change("\"memory_mb\":64", "\"memory_mb\":1"));
  EXPECT_FALSE(change("CASE_TERM", "A=B"));
}

TEST(AllowedWorkflows, OpensListedDescriptorsOnlyAndAllowsTheirImages) {
  std::string allowed_image;
  AllowedWorkflows list({HexEncode(crypto::Sha256(Descriptor()))},
                        [&](const std::string& image) { allowed_image = image; });
  EXPECT_EQ(Reason(list.Open(Descriptor() + " ").status()), "WORKFLOW_NOT_ALLOWED");
  EXPECT_EQ(allowed_image, "");
  EXPECT_TRUE(list.Open(Descriptor()).ok());
  EXPECT_EQ(allowed_image, kImage);
}

}  // namespace
}  // namespace genofed::spe
