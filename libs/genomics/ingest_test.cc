// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/ingest.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <functional>
#include <random>

#include "libs/genomics/check_vcf.h"
#include "libs/genomics/slow_cohort.h"
#include "libs/genomics/test_support.h"
#include "libs/genomics/vcf_writer.h"

namespace genofed::genomics {
namespace {

using ::testing::ElementsAre;

IndexInfo Info(std::uint32_t n_people, std::uint32_t batch_size = kDefaultBatchSize) {
  return IndexInfo{"ds", "1", Assembly::kGrch38, n_people, batch_size};
}

// A record of every kind, wrong ones included.
std::string DrawRecord(std::size_t n_samples, int pos, std::mt19937& random) {
  auto below = [&](std::size_t n) { return random() % n; };
  auto one_of = [&](std::vector<std::string> choices) { return choices[below(choices.size())]; };
  auto alt = one_of({"C", "C,G", "AT", "G,*", "<DEL>", "C,<NON_REF>", "c", "AACC,AC"});
  auto contig = pos < 600'000 ? "chr20" : "chrX";
  auto format = one_of({"GT", "GT", "GT:DP", "DP"});
  auto shape = below(4);
  std::string line = fmt::format("{} {} . A {} . . . {}", contig, pos, alt, format);
  for (std::size_t i = 0; i < n_samples; ++i) {
    auto dice = below(40);
    std::string genotype = shape == 0 ? "0|0" : "0/0";
    if (dice < 12 && shape != 3) {
      genotype = one_of({"0|1", "1/1", "1|0", "./.", "0/2", "1/2", ".|1"});
    } else if (dice < 12) {
      genotype = one_of({"0", "1", ".", "2", "./1", "0/1"});
    } else if (dice == 12 && below(20) == 0) {
      genotype = one_of({"0/9", "0/0/1", "x"});
    }
    line += " " + genotype + (format == "GT:DP" ? ":7" : "");
  }
  return line;
}

// Every site with its rows, as text.
std::vector<std::string> Sites(const std::filesystem::path& dir) {
  auto index = CohortIndex::Open(dir);
  EXPECT_TRUE(index.ok()) << Describe(index.status());
  std::vector<std::string> out;
  for (const char* contig : {"20", "X"}) {
    auto hits = (*index)->FindRange({contig, 0, kMaxPosition, {}, {}});
    for (const SiteHit& hit : *hits) {
      std::string line = FormatVariant(hit.variant);
      for (const RowSet* rows : {&hit.het, &hit.hom, &hit.hemi, &hit.single, &hit.nocall}) {
        line += " /";
        for (std::uint32_t row : rows->ToRows()) line += fmt::format(" {}", row);
      }
      out.push_back(line);
    }
  }
  return out;
}

using Feed = std::function<Status(SegmentBuilder&)>;
std::vector<std::string> SitesOf(const std::filesystem::path& dir, const IndexInfo& info,
                                 const Feed& feed) {
  auto builder = *SegmentBuilder::Create(dir, info);
  Status status = feed(*builder);
  EXPECT_TRUE(status.ok()) << Describe(status);
  EXPECT_TRUE(builder->Finish().ok());
  return Sites(dir);
}

Status FastIndex(const std::filesystem::path& vcf, std::span<const std::string> rows, bool text,
                 SegmentBuilder& builder, Reference* reference = nullptr) {
  // A stage that wants text sends a BCF the other way.
  class TextStage final : public SiteConsumer {
   public:
    bool NeedsText() const override { return true; }
    Status Take(const SiteCall& site) override {
      return site.record.samples.empty() ? absl::InternalError("no text") : absl::OkStatus();
    }
  } wants_text;
  IndexStage index(builder);
  std::vector<SiteConsumer*> stages = {&index};
  if (text) stages.push_back(&wants_text);
  return RunPass(vcf, rows, {.reference = reference}, stages).status();
}

// The records that the reader takes, as BCF.
std::filesystem::path ToBcf(const std::filesystem::path& vcf, const std::filesystem::path& out) {
  std::string text = ReadText(vcf);
  std::size_t body = text.find('\n', text.find("#CHROM")) + 1;
  std::string header = text.substr(0, body);
  // Declared, as BCF needs it.
  header.insert(header.find("##contig"), "##ALT=<ID=DEL,Description=\"d\">\n");
  auto writer = *VcfWriter::Create(out, header);
  auto reader = *VcfReader::Open(vcf);
  VcfRecord record;
  for (auto next = reader->Next(record); *next != VcfReader::Outcome::kEnd;
       next = reader->Next(record)) {
    std::string line(reader->line());
    if (*next == VcfReader::Outcome::kRecord) GF_CHECK(writer->Write(line).ok());
  }
  GF_CHECK(writer->Commit().ok());
  return out;
}

// What the fast pass makes of text and of BCF, read either way, is what the definition makes.
RC_GTEST_PROP(IngestProperty, EqualsTheDefinition, ()) {
  auto n = *rc::gen::inRange<std::size_t>(1, 150);
  std::string samples;
  std::vector<std::string> rows;
  for (std::size_t i = 0; i < n; ++i) {
    rows.push_back(fmt::format("s{}", i));
    samples += (i > 0 ? " " : "") + rows.back();
  }
  std::mt19937 random(*rc::gen::arbitrary<std::uint32_t>());
  if (*rc::gen::arbitrary<bool>()) std::shuffle(rows.begin(), rows.end(), random);
  if (*rc::gen::inRange(0, 4) == 0) rows[0] = "absent";
  std::vector<std::string> records;
  for (unsigned pos = 100; pos < 1'200'000; pos += 1 + static_cast<unsigned>(random()) % 300'000)
    records.push_back(DrawRecord(n, static_cast<int>(pos), random));
  TempDir dir;
  auto vcf = WriteText(dir / "in.vcf", MakeVcf(samples, records));
  auto bcf = ToBcf(vcf, dir / "in.bcf");
  auto info = Info(static_cast<std::uint32_t>(n), *rc::gen::element<std::uint32_t>(64, 65536));
  auto expected = SitesOf(dir / "slow", info,
                          [&](SegmentBuilder& builder) { return SlowIndex(vcf, rows, builder); });
  RC_ASSERT(SitesOf(dir / "text", info, [&](SegmentBuilder& builder) {
              return FastIndex(vcf, rows, false, builder);
            }) == expected);
  RC_ASSERT(SitesOf(dir / "bcf", info, [&](SegmentBuilder& builder) {
              return FastIndex(bcf, rows, false, builder);
            }) == expected);
  RC_ASSERT(SitesOf(dir / "bcf_text", info, [&](SegmentBuilder& builder) {
              return FastIndex(bcf, rows, true, builder);
            }) == expected);
}

class IngestTest : public ::testing::Test {
 protected:
  TempDir dir_;
};

// What the pass sets aside is what CheckVcf reports; read as text and, of BCF, both ways.
TEST_F(IngestTest, SetsAsideWhatCheckVcfSetsAside) {
  std::string nul = "chr20 700 . A C . . . GT 0/1 0/";
  nul.push_back('\0');
  auto vcf = WriteText(
      dir_ / "in.vcf",
      MakeVcf("a b", {"chr20 100 . A C . . . GT 0/1 0/0", "chr20 x . A C . . . GT 0/1 0/0",
                      "chr20 200 . Z C . . . GT 0/1 0/0", "chr20 300 . A C,C . . . GT 0/1 0/0",
                      "chr20 300 . A A . . . GT 0/1 0/0", "chr20 350 . A C . . . DP 1 2",
                      "chr20 140 . A C . . . GT 0/1 0/0", "chr20 400 . A C q . . GT 0/1 0/0",
                      "chr20 500 . A C . . . GT 0/1", "chr20 510 . A C . . . GT 0/1 0/1 0/1",
                      "chr20 520 . A C . . . GT 0/1/1 0/1", "chr20 530 . A C . . . GT 0/5 0/1",
                      "chr20 540 . A C . . . GT 0/y 0/1", "chr20 550 . A C . . . GT:DP 0/1:x 0/1:2",
                      "chr20 560 . A C . . . GT:DP 0/1:3 0/1:2", "chr20 600 . A", nul,
                      "chr20 64444900 . A C . . . GT 0/1 0/1"}));
  VcfReport expected = CheckVcf(vcf);
  std::map<std::string, std::uint64_t> warnings;
  for (const Finding& finding : expected.findings) {
    auto code = VcfCodeOf(finding.code);
    ASSERT_TRUE(code.has_value()) << finding.code;
    bool record = EffectOf(*code) == VcfEffect::kRecordSetAside || *code == VcfCode::kUnsorted;
    if (record) warnings[finding.code] += static_cast<std::uint64_t>(finding.count);
  }
  std::vector<std::string> rows = {"a", "b"};
  std::uint64_t issues = 0;
  PassOptions options;
  options.on_issue = [&](const VcfIssue&) { ++issues; };
  auto report = RunPass(vcf, rows, options, {});
  ASSERT_TRUE(report.ok()) << Describe(report.status());
  EXPECT_EQ(report->set_aside, warnings);
  EXPECT_EQ(report->left_out, expected.left_out);
  EXPECT_EQ(report->records, expected.accepted + expected.left_out + expected.set_aside);
  std::uint64_t found = 0;
  for (const Finding& finding : expected.findings)
    found += static_cast<std::uint64_t>(finding.count);
  EXPECT_EQ(issues, found);
  // The value of DP alone does not count where the file was judged before.
  options.judge_values = false;
  auto trusting = RunPass(vcf, rows, options, {});
  ASSERT_TRUE(trusting.ok());
  auto without = warnings;
  EXPECT_EQ(without.erase("SAMPLE_VALUE_TYPE"), 1U);
  EXPECT_EQ(trusting->set_aside, without);
}

TEST_F(IngestTest, LongLinesWindowsEndsAndPlainEnds) {
  // Lines longer than a window, the last one without an end, and Windows line ends.
  std::string samples;
  std::string genotypes;
  std::vector<std::string> rows;
  for (int i = 0; i < 300'000; ++i) {
    rows.push_back(fmt::format("s{}", i));
    samples += (i > 0 ? " " : "") + rows.back();
    genotypes += i == 299'999 ? " 0|1" : " 0|0";
  }
  std::string text = MakeVcf(
      samples, {"chr20 100 . A C . . . GT" + genotypes, "chr20 200 . A C . . . GT" + genotypes});
  std::string windows;
  for (char c : text) windows += c == '\n' ? std::string("\r\n") : std::string(1, c);
  windows.resize(windows.size() - 2);
  for (const std::string& form : {text, windows}) {
    auto scanner = RecordScanner::Open(WriteText(dir_ / "in.vcf", form));
    ASSERT_TRUE(scanner.ok()) << Describe(scanner.status());
    for (int i = 0; i < 2; ++i) {
      ASSERT_EQ(*(*scanner)->Next(), RecordScanner::Outcome::kRecord)
          << (*scanner)->problem().message;
      EXPECT_THAT((*scanner)->record().calls, ElementsAre(Call{299'999, 0, 1}));
    }
    EXPECT_EQ(*(*scanner)->Next(), RecordScanner::Outcome::kEnd);
  }
}

TEST_F(IngestTest, RefusesDamagedBcf) {
  auto vcf =
      WriteText(dir_ / "in.vcf", MakeVcf("a b", {"chr20 100 . A C,G . q10 . GT:DP 0/1:3 0/0:2",
                                                 "chr20 200 . A C . . . GT 0 0/1"}));
  std::string good = Output("bcftools view -Ou " + ToBcf(vcf, dir_ / "in.bcf").string());
  if (good.empty()) GTEST_SKIP() << "needs /usr/bin/bcftools for BCF without compression";
  std::vector<std::string> rows = {"a", "b"};
  std::size_t begin = good.find("#CHROM");
  for (std::size_t at = begin; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      for (bool text : {false, true}) {
        auto scanner = RecordScanner::Open(WriteText(dir_ / "bad.bcf", bad), {.text = text});
        if (!scanner.ok()) continue;
        while (true) {  // ends, and reads nothing that is not there (address sanitizer)
          auto next = (*scanner)->Next();
          if (!next.ok() || *next == RecordScanner::Outcome::kEnd) break;
        }
      }
    }
  }
  for (std::size_t size = 0; size < good.size(); size += 7) {
    auto scanner = RecordScanner::Open(WriteText(dir_ / "bad.bcf", good.substr(0, size)));
    if (!scanner.ok()) continue;
    auto next = (*scanner)->Next();
    while (next.ok() && *next == RecordScanner::Outcome::kRecord) next = (*scanner)->Next();
    std::string reason = next.ok() ? "" : Reason(next.status());
    EXPECT_TRUE(reason.empty() || reason == "CORRUPT_BCF") << reason;
  }
}

}  // namespace
}  // namespace genofed::genomics
