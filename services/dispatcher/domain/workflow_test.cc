// SPDX-License-Identifier: Apache-2.0
#include "services/dispatcher/domain/workflow.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>

#include "libs/core/file.h"
#include "libs/testing/matchers.h"
#include "services/dispatcher/test_workflow.h"

namespace genofed::dispatcher {
namespace {

using testing::HasReason;
using testing::IsOk;

std::string With(std::string_view from, std::string_view to) {
  std::string text = TestWorkflow();
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(ParseWorkflow, ReadsParametersAndTables) {
  GF_ASSERT_OK_AND_ASSIGN(const Workflow workflow, ParseWorkflow(TestWorkflow()));
  EXPECT_EQ(workflow.parameters, (std::set<std::string>{"CASE_TERM", "REGION"}));
  const TableOutput* output = workflow.FindOutput("allele_counts.tsv");
  ASSERT_NE(output, nullptr);
  EXPECT_EQ(output->keys.size(), 4u);
  ASSERT_EQ(output->derived.size(), 1u);
  EXPECT_EQ(output->derived[0].numerator, 0u);
  EXPECT_EQ(output->derived[0].denominator, 1u);
  EXPECT_EQ(workflow.FindOutput("other.tsv"), nullptr);
  EXPECT_THAT(CheckParameters(workflow, {{"REGION", "chr1"}}), IsOk());
  EXPECT_THAT(CheckParameters(workflow, {{"LD_PRELOAD", "x"}}), HasReason("PARAMETER_UNKNOWN"));
}

TEST(ParseWorkflow, ReadsTheDescriptorThatIsShipped) {
  const char* source = std::getenv("GENOFED_SOURCE_DIR");
  ASSERT_NE(source, nullptr);
  GF_ASSERT_OK_AND_ASSIGN(std::string text, ReadFile(std::string(source) +
                                                     "/deploy/images/allele-counts/workflow.json"));
  const std::string placeholder = "@IMAGE_DIGEST@";
  text.replace(text.find(placeholder), placeholder.size(), "sha256:" + std::string(64, '0'));
  GF_ASSERT_OK_AND_ASSIGN(const Workflow workflow, ParseWorkflow(text));
  EXPECT_EQ(workflow.outputs.size(), 2u);
}

TEST(ParseWorkflow, RefusesWhatItDoesNotUnderstand) {
  for (const std::string& bad : {std::string("{}"),
                                 std::string("[]"),
                                 std::string(""),
                                 TestWorkflow() + "x",
                                 With("\"title\"", "\"network\""),
                                 With("\"name\"", "\"title\""),
                                 With("sha256:", "latest:"),
                                 With("\"phenotypes\"", "\"reads\""),
                                 With("allele_counts.tsv", "../x.tsv"),
                                 With("\"tsv\"", "\"vcf\""),
                                 With("ac/an", "ac*an"),
                                 With("ac/an", "ac/xx"),
                                 With("ac/an", "ac/an/an"),
                                 With("\"af\"", "\"ac\""),
                                 With("\"af\"", "\"nodes\""),
                                 With("\"alt\"]", "\"nodes\"]"),
                                 With("\"ref\"", "\"a\\tb\""),
                                 With("\"memory_mb\": 512", "\"memory_mb\": -1"),
                                 With("\"counts\": [\"ac\", \"an\"]", "\"counts\": []"),
                                 With("[\"/usr/local/bin/allele-counts\"]", "[]")}) {
    EXPECT_THAT(ParseWorkflow(bad), HasReason("WORKFLOW_INVALID")) << bad;
  }
  const std::string large = With("\"Counts\"", "\"" + std::string(kMaxWorkflowBytes, 'x') + "\"");
  EXPECT_THAT(ParseWorkflow(large), HasReason("WORKFLOW_INVALID"));
}

TEST(ParseWorkflow, NeverBreaks) {
  EXPECT_TRUE(rc::check([](std::size_t at, char byte) {
    std::string text = TestWorkflow();
    text[at % text.size()] = byte;
    (void)ParseWorkflow(text);
  }));
}

TEST(WorkflowDigest, IsOverTheExactBytes) {
  EXPECT_EQ(WorkflowDigest("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
  EXPECT_NE(WorkflowDigest("abc\n"), WorkflowDigest("abc"));
}

}  // namespace
}  // namespace genofed::dispatcher
