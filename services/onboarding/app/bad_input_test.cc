// SPDX-License-Identifier: Apache-2.0
//
// Every way in which input can be wrong ends in a rejection that names file, line and field.
#include <functional>
#include <nlohmann/json.hpp>

#include "services/onboarding/adapters/sql_published_objects.h"
#include "services/onboarding/app/quarantine.h"
#include "services/onboarding/testing_cohort.h"

namespace genofed::onboarding {
namespace {

using test::Cohort;
using test::Files;
using test::Join;
using test::Lines;
using test::Replace;

struct BadInput {
  const char* name;
  std::function<void(Files&)> spoil;
  std::string code;
  std::string file;
  std::int64_t line = 0;
  std::string field = "";
  std::string assembly = "GRCh38";
  bool with_reference = false;
};

// The first record of the VCF text, its line counted from 1.
std::size_t FirstRecord(const std::vector<std::string>& lines) {
  std::size_t i = 0;
  while (lines[i].starts_with('#')) ++i;
  return i;
}

std::string WrongRef(std::string line) {
  auto fields = Split(line, '\t');
  std::string ref(fields[3]);
  std::string wrong = ref;
  for (char base : std::string_view("ACGT")) {
    if (base != ref[0] && std::string_view(fields[4]).find(base) == std::string_view::npos) wrong[0] = base;
  }
  return Replace(line, "\t" + ref + "\t", "\t" + wrong + "\t");
}

std::vector<BadInput> Table() {
  auto on_line = [](std::size_t i, auto change) {
    return [i, change](Files& files) {
      auto lines = Lines(files.clinical);
      change(lines, i);
      files.clinical = Join(lines);
    };
  };
  using L = std::vector<std::string>;
  auto header_line = static_cast<std::int64_t>(FirstRecord(Lines(Cohort::Get().vcf_text)));
  return {
      {"not a VCF", [](Files& f) { f.variants = "hello, world\n"; }, "NOT_A_VCF", "variants"},
      {"an image", [](Files& f) { f.variants = "\x89PNG\r\n\x1a\n binary"; }, "NOT_A_VCF", "variants"},
      {"truncated bgzip", [](Files& f) { f.variants.resize(f.variants.size() - 28); }, "TRUNCATED_BGZIP", "variants"},
      {"a damaged block", [](Files& f) { f.variants[f.variants.size() / 2] ^= 0x55; }, "CORRUPT_BGZIP_BLOCK",
       "variants", -1},
      {"a sample twice", [](Files& f) { f.variants = Replace(Cohort::Get().vcf_text, "FI-S000002", "FI-S000001"); },
       "DUPLICATE_SAMPLE", "variants", 11, "#CHROM"},
      {"REF of another assembly",
       [](Files& f) {
         auto lines = Lines(Cohort::Get().vcf_text);
         for (std::size_t i = FirstRecord(lines); i < lines.size(); ++i) lines[i] = WrongRef(lines[i]);
         f.variants = Join(lines);
       },
       "ASSEMBLY_MISMATCH", "variants", 0, "REF", "GRCh38", true},
      {"no samples",
       [](Files& f) {
         auto lines = Lines(Cohort::Get().vcf_text);
         for (std::size_t i = FirstRecord(lines) - 1; i < lines.size(); ++i) {
           auto fields = Split(lines[i], '\t');
           lines[i].resize(static_cast<std::size_t>(fields[7].data() + fields[7].size() - lines[i].data()));
         }
         f.variants = Join(lines);
       },
       "NO_SAMPLES", "variants", header_line, "#CHROM"},
      {"unsorted",
       [](Files& f) {
         auto lines = Lines(Cohort::Get().vcf_text);
         std::size_t first = FirstRecord(lines);
         std::swap(lines[first], lines[first + 5]);
         f.variants = Join(lines);
       },
       "UNSORTED", "variants", header_line + 2, "POS"},
      {"no records",
       [](Files& f) {
         auto lines = Lines(Cohort::Get().vcf_text);
         lines.resize(FirstRecord(lines));
         f.variants = Join(lines);
       },
       "NO_RECORDS", "variants"},
      {"another assembly", [](Files&) {}, "ASSEMBLY_MISMATCH", "variants", 0, "##contig", "GRCh37"},
      {"unknown sample", on_line(2, [](L& l, std::size_t i) { l[i] = Replace(l[i], "FI-S000003", "FI-S999999"); }),
       "UNKNOWN_SAMPLE", "clinical", 3, "biosamples"},
      {"a sample claimed twice",
       on_line(4, [](L& l, std::size_t i) { l[i] = Replace(l[i], "FI-S000005", "FI-S000001"); }),
       "SAMPLE_CLAIMED_TWICE", "clinical", 1, "biosamples"},
      {"a document cut off", [](Files& f) { f.clinical = "{\n\"subject\": {\"id\""; }, "JSON_INVALID", "clinical", 2},
      {"empty lines only", [](Files& f) { f.clinical = "\n\n  \n"; }, "EMPTY_FILE", "clinical"},
      {"a resource without end", [](Files& f) { f.clinical = "{\"a\":\"" + std::string(20U << 20, 'x'); }, "JSON_TOO_LARGE",
       "clinical", 1},
      {"nobody in it", [](Files& f) { f.clinical = R"({"resourceType":"Bundle","type":"collection"})"; }, "NO_SUBJECTS",
       "clinical"},
      {"genotypes as clinical data", [](Files& f) { f.clinical = Cohort::Get().vcf_text; }, "NOT_CLINICAL", "clinical"},
      {"a picture as clinical data", [](Files& f) { f.clinical = std::string("\x89PNG\r\n\x1a\n\0\0", 10); }, "BINARY", "clinical"},
      {"UTF-16", [](Files& f) { f.clinical = "\xFF\xFEr\0e\0"; }, "ENCODING_UTF16", "clinical"},
      {"a table of nobody", [](Files& f) { f.clinical = "colour,size\nred,3\n"; }, "CSV_NO_SUBJECT_COLUMN",
       "clinical", 1},
      {"OMOP without persons",
       [](Files& f) {
         f.clinical = "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,"
                      "condition_type_concept_id,condition_source_value\n1,1,0,2024-03-01,32817,E78.71\n";
       },
       "PERSON_TABLE_MISSING", "clinical", 0, "person_id"},
      {"a CSV with a column twice", [](Files& f) { f.clinical = "record_id,sex,sex\nFI-P000001,1,2\n"; }, "CSV_COLUMN_TWICE",
       "clinical", 1, "sex"},
      {"a mapping without subject",
       [](Files& f) { f.more[{FileKind::kMapping, "map.json"}] = R"({"columns":{"sex":"sex"}})"; }, "MAPPING_INVALID",
       "map.json", 0, "columns.subject"},
      {"two mappings",
       [](Files& f) {
         for (const char* name : {"a.json", "b.json"}) f.more[{FileKind::kMapping, name}] = R"({"columns":{"subject":"id"}})";
       },
       "SEVERAL_MAPPINGS", "b.json"},
      {"a second file of consents that is broken", [](Files& f) { f.more[{FileKind::kConsents, "new.json"}] = "{"; },
       "JSON_INVALID", "new.json"},
      {"a FHIR consent of nobody in particular",
       [](Files& f) {
         f.more[{FileKind::kClinical, "fhir.json"}] =
             R"({"resourceType":"Consent","status":"active","provision":{"type":"deny"}})";
       },
       "CONSENT_INVALID", "fhir.json", 1, ""},
      {"not a Bundle", [](Files& f) { f.consents = R"({"resourceType":"Patient"})"; }, "CONSENT_INVALID", "consents",
       0, "resourceType"},
      {"consents are no JSON", [](Files& f) { f.consents = "yes"; }, "JSON_INVALID", "consents"},
      {"a consent without status", [](Files& f) { f.consents = Replace(f.consents, "\"status\"", "\"state\""); },
       "CONSENT_INVALID", "consents", 0, "entry[0].resource.status"},
      {"nobody consents", [](Files& f) { f.consents = R"({"resourceType":"Bundle"})"; }, "NO_CONSENTING_SUBJECT",
       "consents"},
  };
}

class BadInputTest : public test::SiteTest {};

TEST_F(BadInputTest, IsRejectedWithAFindingAndLeavesNothingBehind) {
  if (Cohort::Get().vcf_text.empty()) GTEST_SKIP() << "needs bgzip";
  for (const BadInput& bad : Table()) {
    SCOPED_TRACE(bad.name);
    MakePipeline(bad.with_reference ? Cohort::Get().reference : std::filesystem::path());
    Files files = Cohort::Get().files;
    bad.spoil(files);
    std::string id = Submit(files, Dataset("GOE-FI-HEART-1", bad.assembly));
    Status status = RunOnce();
    EXPECT_TRUE(status.ok()) << Describe(status);
    Submission submission = Find(id);
    EXPECT_EQ(submission.state, State::kRejected);
    EXPECT_TRUE(submission.finished.has_value());
    ASSERT_FALSE(submission.findings.empty());
    const Finding& finding = submission.findings.front();
    EXPECT_EQ(finding.severity, Severity::kError);
    EXPECT_EQ(finding.code, bad.code);
    EXPECT_EQ(finding.file, bad.file);
    if (bad.line >= 0) {
      EXPECT_EQ(finding.line, bad.line);
    }
    EXPECT_EQ(finding.field, bad.field);
    EXPECT_FALSE(finding.message.empty());
    EXPECT_TRUE(NothingInClear(id));
    // What silence means only the consent service knows: it is asked about people of whom no consent is recorded.
    if (finding.code != "NO_CONSENTING_SUBJECT") {
      EXPECT_TRUE(consent_.registrations.empty());
    }
    EXPECT_TRUE(publisher_.indices.empty());
  }
}

TEST_F(BadInputTest, TellsOfAllFilesAtOnce) {
  if (Cohort::Get().vcf_text.empty()) GTEST_SKIP() << "needs bgzip";
  Files files = Cohort::Get().files;
  files.consents = "no";
  files.clinical = "{";
  std::string id = Submit(files, Dataset("GOE-FI-HEART-1", "GRCh37"));
  ASSERT_TRUE(RunOnce().ok());
  std::set<std::string> wrong;
  for (const Finding& finding : Find(id).findings) {
    if (finding.severity == Severity::kError) wrong.insert(finding.file);
  }
  EXPECT_EQ(wrong, (std::set<std::string>{"consents", "clinical", "variants"}));
}

TEST_F(BadInputTest, ARecordThatDiffersFromTheReferenceIsQuarantined) {
  if (Cohort::Get().vcf_text.empty()) GTEST_SKIP() << "needs bgzip";
  MakePipeline(Cohort::Get().reference);
  Files files = Cohort::Get().files;
  auto lines = Lines(Cohort::Get().vcf_text);
  std::size_t first = FirstRecord(lines);
  lines[first] = WrongRef(lines[first]);
  files.variants = Join(lines);
  std::string id = Submit(files);
  ASSERT_TRUE(RunOnce().ok());
  Submission submission = Find(id);
  EXPECT_EQ(submission.state, State::kPublished);
  EXPECT_EQ(submission.counts.records_quarantined, 1);
  EXPECT_EQ(submission.findings.front().code, "REF_MISMATCH");
  EXPECT_EQ(submission.findings.front().line, static_cast<std::int64_t>(first + 1));
  EXPECT_EQ(submission.findings.front().field, "REF");
}

TEST_F(BadInputTest, ABadRecordIsQuarantinedAndTheRestPublished) {
  if (Cohort::Get().vcf_text.empty()) GTEST_SKIP() << "needs bgzip";
  Files files = Cohort::Get().files;
  auto lines = Lines(Cohort::Get().vcf_text);
  std::size_t first = FirstRecord(lines);
  lines[first] = lines[first].substr(0, lines[first].rfind('\t')) + "\t0/7";
  files.variants = Join(lines);
  std::string id = Submit(files);
  ASSERT_TRUE(RunOnce().ok());
  Submission submission = Find(id);
  EXPECT_EQ(submission.state, State::kPublished);
  EXPECT_EQ(submission.counts.records_quarantined, 1);
  EXPECT_EQ(submission.findings.front().code, "ALLELE_INDEX");
  EXPECT_EQ(submission.findings.front().severity, Severity::kWarning);
  EXPECT_EQ(submission.findings.front().line, static_cast<std::int64_t>(first + 1));
}

// The line has everybody's genotypes, also those of somebody who must not be kept.
TEST_F(BadInputTest, NothingIsKeptAsideWhenSomebodyWantsToBeForgotten) {
  if (Cohort::Get().vcf_text.empty()) GTEST_SKIP() << "needs bgzip";
  Files files = Cohort::Get().files;
  auto lines = Lines(Cohort::Get().vcf_text);
  const std::size_t first = FirstRecord(lines);
  lines[first] = lines[first].substr(0, lines[first].rfind('\t')) + "\t0/7";
  files.variants = Join(lines);
  consent_.wants_to_be_forgotten = {"FI-P000001"};
  const std::string id = Submit(files);
  ASSERT_TRUE(RunOnce().ok());
  const Submission submission = Find(id);
  ASSERT_EQ(submission.state, State::kPublished) << submission.message;
  EXPECT_EQ(submission.counts.subjects_forgotten, 1);
  EXPECT_EQ(submission.counts.records_quarantined, 1);
  const auto objects = submissions_->Objects(ctx_, "GOE-FI-HEART-1", 1);
  ASSERT_TRUE(objects.ok());
  EXPECT_EQ(std::ranges::count(*objects, kQuarantineRole, &ObjectRecord::role), 0);
}

// What is wrong with one record sets that aside; everybody else is published.
TEST_F(BadInputTest, AClinicalRecordIsQuarantinedAndTheRestPublished) {
  struct Case {
    const char* name;
    std::function<std::string(std::string)> spoil;  // the phenopacket of line 4
    const char* code;
    const char* field;
    int included_less;
  };
  const Case kCases[] = {
      {"broken JSON", [](std::string line) { return line.substr(0, line.size() / 2); }, "JSON_INVALID", "", 1},
      {"no subject", [](std::string) { return std::string(R"({"id":"x","metaData":{}})"); }, "PHENOPACKET_INVALID", "metaData.created", 1},
      {"neither", [](std::string) { return std::string(R"({"colour":"red"})"); }, "JSON_NOT_RECOGNISED", "", 1},
      {"a member twice", [](std::string line) { return Replace(line, "{", R"({"id":"x",)"); }, "JSON_DUPLICATE_KEY", "", 1},
      {"an unknown sex", [](std::string line) { return Replace(line, "\"MALE\"", "\"M\""); }, "SEX_INVALID", "subject.sex", 0},
  };
  for (const Case& bad : kCases) {
    SCOPED_TRACE(bad.name);
    Files files = Cohort::Get().files;
    auto lines = Lines(files.clinical);
    std::size_t at = 0;
    while (lines[at].find("\"MALE\"") == std::string::npos) ++at;
    lines[at] = bad.spoil(lines[at]);
    files.clinical = Join(lines);
    std::string id = Submit(files, Dataset(fmt::format("GOE-FI-BAD-{}", &bad - kCases)));
    ASSERT_TRUE(RunOnce().ok());
    Submission submission = Find(id);
    EXPECT_EQ(submission.state, State::kPublished);
    EXPECT_EQ(submission.counts.subjects, 60 - bad.included_less);
    EXPECT_EQ(submission.counts.clinical_records, 60);
    EXPECT_EQ(submission.counts.clinical_records_quarantined, 1);
    ASSERT_FALSE(submission.findings.empty());
    const Finding& finding = submission.findings.front();
    EXPECT_EQ(finding.severity, Severity::kWarning);
    EXPECT_EQ(finding.code, bad.code);
    EXPECT_EQ(finding.file, "clinical");
    EXPECT_EQ(finding.line, static_cast<std::int64_t>(at + 1));
    EXPECT_EQ(finding.field, bad.field);
  }
}

// Everything that is set aside goes, as it came, to an object that only the intake key opens.
TEST_F(BadInputTest, WhatIsSetAsideIsKeptAsItCameAndEncrypted) {
  if (Cohort::Get().vcf_text.empty()) GTEST_SKIP() << "needs bgzip";
  Files files = Cohort::Get().files;
  auto records = Lines(Cohort::Get().vcf_text);
  const std::size_t bad_record = FirstRecord(records) + 1;
  records[bad_record] = records[bad_record].substr(0, records[bad_record].rfind('\t')) + "\t0/7";
  files.variants = Join(records);
  auto packets = Lines(files.clinical);
  packets[2] = R"({"colour": "\u00e4\u00e4", )" + std::string("\xc3\xa4") + R"(: 1})";
  files.clinical = Join(packets);
  const std::string csv =
      "record_id,sex,hpo_present\r\nFI-P000001,9,\r\nFI-P000002,\"x\ny\",hp:1\r\nFI-P000003,1,HP:0001250\r\n";
  files.more[{FileKind::kClinical, "more.csv"}] = csv;
  const std::string id = Submit(files);
  ASSERT_TRUE(RunOnce().ok());
  ASSERT_EQ(Find(id).state, State::kPublished);
  // The holder sees that there is one; whoever stages data in does not.
  auto objects = submissions_->Objects(ctx_, "GOE-FI-HEART-1", 1);
  ASSERT_TRUE(objects.ok());
  const auto object = std::ranges::find(*objects, kQuarantineRole, &ObjectRecord::role);
  ASSERT_NE(object, objects->end());
  EXPECT_FALSE(Published("GOE-FI-HEART-1", 1).contains(kQuarantineRole));
  EXPECT_FALSE(consent_.headers.contains(object->id));  // the key service never gets its header
  SqlPublishedObjects store(*database_);
  EXPECT_EQ(Reason(store.Find(ctx_, object->id).status()), "OBJECT_UNKNOWN");
  const auto listed = store.FindDataset(ctx_, "GOE-FI-HEART-1", 1);
  ASSERT_TRUE(listed.ok());
  for (const auto& one : *listed) EXPECT_NE(one.record.role, kQuarantineRole);
  const auto found = store.FindQuarantine(ctx_, id);
  ASSERT_TRUE(found.ok());
  std::string clear;
  auto decryptor = *crypt4gh::Decryptor::CreateUnverified(found->record.header, intake_key_, [&](std::string_view bytes) {
    clear.append(bytes);
    return absl::OkStatus();
  });
  ASSERT_TRUE(decryptor.Push(*ReadFile(layout_.Objects() / BodyName(object->id))).ok());
  ASSERT_TRUE(decryptor.Finish().ok());
  const std::string first = nlohmann::json(records[bad_record]).dump(), second = nlohmann::json(packets[2]).dump();
  EXPECT_EQ(clear,
            fmt::format("{{\"code\":\"ALLELE_INDEX\",\"file\":\"variants\",\"line\":{},\"field\":\"FORMAT/GT\",\"record\":{}}}\n"
                        "{{\"code\":\"JSON_INVALID\",\"file\":\"clinical\",\"line\":3,\"field\":\"\",\"record\":{}}}\n"
                        "{{\"code\":\"SEX_INVALID\",\"file\":\"more.csv\",\"line\":3,\"field\":\"sex\",\"record\":"
                        "\"FI-P000002,\\\"x\\ny\\\",hp:1\"}}\n"
                        "{{\"code\":\"CODE_INVALID\",\"file\":\"more.csv\",\"line\":3,\"field\":\"hpo_present\"}}\n",
                        bad_record + 1, first, second));
  EXPECT_TRUE(NothingInClear(id));
}

TEST_F(BadInputTest, TheQuarantineIsBoundedAndCountsTheRest) {
  auto quarantine = *Quarantine::Create(ctx_, *bodies_, "obj-quarantine", intake_key_.public_key(), random_);
  const std::string record(Quarantine::kMaxRecordBytes + 1, '\xff');  // base64: four thirds, and cut
  int kept = 0;
  for (int i = 0; i < 12; ++i) {
    if (quarantine->Add({Severity::kWarning, "X", "f", i, "", ""}, record)) ++kept;
  }
  EXPECT_EQ(kept, 11);  // 256 MiB of lines of 21.3 MiB and some bytes
  EXPECT_EQ(quarantine->not_kept(), 1);
  auto manifest = quarantine->Finish();
  ASSERT_TRUE(manifest.ok() && manifest->has_value());
  EXPECT_LE((*manifest)->plain_size, Quarantine::kMaxBytes);
}

}  // namespace
}  // namespace genofed::onboarding
