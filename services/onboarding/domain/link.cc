// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/link.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace genofed::onboarding {
namespace {

using clinical::HarmonisedRow;

constexpr std::size_t kNobody = SIZE_MAX;

class Linker {
 public:
  Linker(std::span<const HarmonisedRow> rows, const std::vector<VariantsFile>& files, clinical::Collector& sources,
         Findings& findings)
      : rows_(rows), files_(files), sources_(sources), findings_(findings), columns_(rows.size()) {
    owners_.resize(files.size());
    for (std::size_t file = 0; file < files.size(); ++file) {
      by_name_.emplace(files[file].name, file);
      for (const std::string& sample : files[file].samples) {
        owners_[file].emplace(sample, kNobody);
        files_with_[sample].push_back(file);
      }
    }
  }

  LinkedPeople Run() {
    // A file that is named outweighs the name of a sample, whoever comes first.
    for (std::size_t i = 0; i < rows_.size(); ++i) TakeNamedFiles(i);
    for (std::size_t i = 0; i < rows_.size(); ++i) TakeSamples(i);
    for (std::size_t i = 0; i < rows_.size(); ++i) Finish(i);
    ReportDuplicates();
    CountLeftOver();
    return std::move(out_);
  }

 private:
  struct Column {
    SampleRef ref;
    bool named_file = false;
  };

  const clinical::FieldNames& FieldsOf(std::size_t i) { return *sources_.RecordOf(rows_[i].origin).fields; }
  void Problem(std::size_t i, std::string code, std::string message) {
    sources_.AddAt(rows_[i].origin, Severity::kError, std::move(code), FieldsOf(i).sample, std::move(message));
    wrong_.insert(i);
  }

  void Take(std::size_t i, std::size_t file, const std::string& sample, bool named_file) {
    std::size_t& owner = owners_[file].at(sample);
    if (owner == i) return;
    if (owner == kNobody) {
      owner = i;
      columns_[i].push_back({{file, sample}, named_file});
    } else if (named_file) {
      Problem(i, "SAMPLE_CLAIMED_TWICE", fmt::format("its sample in {} belongs to somebody else already", files_[file].name));
    }
  }

  void TakeNamedFiles(std::size_t i) {
    for (const clinical::NamedVariants& named : rows_[i].variants) {
      const auto found = by_name_.find(named.file);
      if (found == by_name_.end()) continue;  // alignments, or a file that was not handed over
      const VariantsFile& file = files_[found->second];
      if (named.sample.empty() && file.samples.size() != 1) continue;  // the names of samples decide
      const std::string& sample = named.sample.empty() ? file.samples.front() : named.sample;
      if (owners_[found->second].contains(sample)) Take(i, found->second, sample, true);
      else Problem(i, "UNKNOWN_SAMPLE", fmt::format("{} has no sample of the name that is given for it", file.name));
    }
  }

  void TakeSamples(std::size_t i) {
    for (const std::string& sample : rows_[i].samples) {
      const auto found = files_with_.find(sample);
      if (found == files_with_.end()) continue;
      for (std::size_t file : found->second) Take(i, file, sample, false);
    }
  }

  void Finish(std::size_t i) {
    const HarmonisedRow& row = rows_[i];
    std::vector<Column>& columns = columns_[i];
    std::sort(columns.begin(), columns.end(), [](const Column& a, const Column& b) { return a.ref.file < b.ref.file; });
    if (columns.empty()) {
      if (!row.samples.empty() && !wrong_.contains(i)) {
        Problem(i, "UNKNOWN_SAMPLE", "no file of variants has a sample of the person");
      } else if (row.samples.empty() && !row.variants.empty()) {
        sources_.AddAt(row.origin, Severity::kNote, "SUBJECT_WITHOUT_SAMPLE", FieldsOf(i).subject,
                       "no sample belongs to the subject");
      }
      ++out_.subjects_without_sample;
      return;
    }
    if (HasSeveral(columns)) return Problem(i, "SEVERAL_SAMPLES", "a second sample of the same person; keep one");
    CompareChromosomes(columns);
    LinkedSubject subject{row.subject, {}, ToIndividual(row, sources_)};
    for (Column& column : columns) subject.samples.push_back(std::move(column.ref));
    out_.subjects.push_back(std::move(subject));
  }

  // Two columns of a file, or two names without a file that says that they are the same person's parts.
  static bool HasSeveral(const std::vector<Column>& columns) {
    const std::string* name = nullptr;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (i > 0 && columns[i].ref.file == columns[i - 1].ref.file) return true;
      if (columns[i].named_file) continue;
      if (name != nullptr && *name != columns[i].ref.sample) return true;
      name = &columns[i].ref.sample;
    }
    return false;
  }

  void CompareChromosomes(const std::vector<Column>& columns) {
    for (std::size_t b = 1; b < columns.size(); ++b) {
      for (std::size_t a = 0; a < b; ++a) {
        const std::pair files(columns[a].ref.file, columns[b].ref.file);
        auto [shared, fresh] = share_chromosome_.try_emplace(files, false);
        if (fresh) shared->second = ShareChromosome(files_[files.first], files_[files.second]);
        if (shared->second) ++duplicates_[files];
      }
    }
  }

  static bool ShareChromosome(const VariantsFile& a, const VariantsFile& b) {
    return std::any_of(a.contigs.begin(), a.contigs.end(), [&](const std::string& contig) {
      return std::find(b.contigs.begin(), b.contigs.end(), contig) != b.contigs.end();
    });
  }

  void ReportDuplicates() {
    for (const auto& [files, count] : duplicates_) {
      const std::string& first = files_[files.first].name;
      const std::string& second = files_[files.second].name;
      findings_.Add({Severity::kError, "DUPLICATE_SAMPLE", second, 0, "#CHROM",
                     fmt::format("{} and {} have the same sample on the same chromosome; where these are different "
                                 "people, hand over files of one sample each, and name them in the clinical data",
                                 first, second),
                     count});
    }
  }

  void CountLeftOver() {
    std::unordered_set<std::string_view> names;
    for (std::size_t file = 0; file < files_.size(); ++file) {
      std::int64_t without = 0;
      for (const auto& [sample, owner] : owners_[file]) {
        if (owner != kNobody) continue;
        names.insert(sample);
        ++without;
      }
      if (without == 0) continue;
      findings_.Add({Severity::kNote, "SAMPLE_WITHOUT_SUBJECT", files_[file].name, 0, "",
                     "samples that nobody in the clinical data has were left out", without});
    }
    out_.samples_without_subject = static_cast<std::int32_t>(names.size());
  }

  const std::span<const HarmonisedRow> rows_;
  const std::vector<VariantsFile>& files_;
  clinical::Collector& sources_;
  Findings& findings_;
  std::unordered_map<std::string_view, std::size_t> by_name_;
  std::unordered_map<std::string_view, std::vector<std::size_t>> files_with_;  // by sample
  std::vector<std::unordered_map<std::string, std::size_t>> owners_;           // of each file: sample to row
  std::vector<std::vector<Column>> columns_;                                   // by row
  std::set<std::size_t> wrong_;                                                // rows with a problem
  std::map<std::pair<std::size_t, std::size_t>, bool> share_chromosome_;
  std::map<std::pair<std::size_t, std::size_t>, std::int64_t> duplicates_;  // files: how many people
  LinkedPeople out_;
};

}  // namespace

genomics::Individual ToIndividual(const clinical::HarmonisedRow& row, const clinical::Collector& sources) {
  genomics::Individual individual;
  individual.sex = genomics::ParseSex(clinical::SexName(row.sex));
  individual.age_months = row.age_months;
  std::set<std::string> terms;
  for (const auto* list : {&row.hpo_present, &row.mondo, &row.orpha, &row.icd10cm}) terms.insert(list->begin(), list->end());
  for (std::uint32_t number : row.diseases) {
    const clinical::Code& source = sources.diseases()[number].source;
    terms.insert(source.system + ":" + source.code);
  }
  individual.terms.assign(terms.begin(), terms.end());
  return individual;
}

LinkedPeople LinkPeople(std::span<const clinical::HarmonisedRow> rows,
                        const std::optional<std::vector<VariantsFile>>& files, clinical::Collector& sources,
                        Findings& findings) {
  if (rows.size() > kMaxSubjects) {
    findings.Add({Severity::kError, "TOO_MANY_SUBJECTS", "", 0, "",
                  fmt::format("a dataset version has at most {} people", kMaxSubjects)});
    return {};
  }
  if (files) return Linker(rows, *files, sources, findings).Run();
  LinkedPeople people;
  for (const HarmonisedRow& row : rows) people.subjects.push_back({row.subject, {}, ToIndividual(row, sources)});
  return people;
}

}  // namespace genofed::onboarding
