// SPDX-License-Identifier: Apache-2.0
#include "libs/qc/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "libs/core/file.h"
#include "libs/qc/testing_report.h"

namespace genofed::qc {
namespace {

const ConformityReport& Sample() {
  static const ConformityReport report = SampleReport();
  return report;
}

// GENOFED_KEEP_REPORT=/tmp/report bin/qc_test --gtest_filter='*KeepsAPage*' writes report.html and
// report.json for looking at.
TEST(ReportPage, KeepsAPageForLookingAtWhenAsked) {
  const char* keep = std::getenv("GENOFED_KEEP_REPORT");
  if (keep == nullptr) GTEST_SKIP() << "GENOFED_KEEP_REPORT names no path";
  std::ofstream(std::string(keep) + ".html") << RenderHtml(Sample());
  std::ofstream(std::string(keep) + ".json") << CanonicalJson(Sample());
}

}  // namespace
}  // namespace genofed::qc
