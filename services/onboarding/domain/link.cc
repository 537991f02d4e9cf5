// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/link.h"

#include <fmt/core.h>

#include <algorithm>

#include "libs/core/strings.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kMaxIdentifier = 256;

// What the consent service accepts as a person's identifier.
bool IsPersonIdentifier(std::string_view text) {
  return !text.empty() && text.size() <= kMaxIdentifier && IsUtf8(text) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           auto byte = static_cast<unsigned char>(c);
           return byte >= 0x20 && byte != 0x7f;
         });
}

}  // namespace

Linker::Linker(const std::optional<std::vector<std::string>>& samples, Findings& findings)
    : findings_(findings), needs_sample_(samples.has_value()) {
  if (!samples) return;
  claimed_by_.reserve(samples->size());
  for (const std::string& sample : *samples) claimed_by_.emplace(sample, 0);
}

void Linker::Problem(std::string code, std::int64_t line, std::string field, std::string message) {
  findings_.Add({Severity::kError, std::move(code), std::string(FileName(FileKind::kPhenopackets)), line,
                 std::move(field), std::move(message)});
}

void Linker::Add(const clinical::Phenopacket& packet, std::int64_t line) {
  if (subjects_.size() == kMaxSubjects) {
    return Problem("TOO_MANY_SUBJECTS", line, "", fmt::format("a dataset version has at most {}", kMaxSubjects));
  }
  if (!TakeSubject(packet, line)) return;
  LinkedSubject subject;
  if (needs_sample_) {
    const std::string* sample = FindSample(packet, line);
    if (sample == nullptr) return;
    std::int64_t& claimed_by = claimed_by_[*sample];
    if (claimed_by != 0) {
      return Problem("SAMPLE_CLAIMED_TWICE", line, packet.biosample_ids.empty() ? "subject.id" : "biosamples",
                     fmt::format("its sample belongs to the phenopacket of line {} already", claimed_by));
    }
    claimed_by = line;
    subject.sample = *sample;
  }
  subject.person_identifier = packet.subject_id;
  subject.individual.sex = genomics::ParseSex(clinical::SexName(packet.sex));
  subject.individual.age_months = packet.age_months;
  subject.individual.terms = packet.ObservedTerms();
  subjects_.push_back(std::move(subject));
}

bool Linker::TakeSubject(const clinical::Phenopacket& packet, std::int64_t line) {
  if (!IsPersonIdentifier(packet.subject_id)) {
    Problem("SUBJECT_ID_INVALID", line, "subject.id", "must be 1 to 256 bytes of plain text");
    return false;
  }
  auto [first, fresh] = line_of_.emplace(packet.subject_id, line);
  if (!fresh) {
    Problem("DUPLICATE_SUBJECT", line, "subject.id", fmt::format("the same person as in line {}", first->second));
  }
  return fresh;
}

const std::string* Linker::FindSample(const clinical::Phenopacket& packet, std::int64_t line) {
  if (packet.biosample_ids.empty()) {
    if (claimed_by_.contains(packet.subject_id)) return &packet.subject_id;
    Problem("UNKNOWN_SAMPLE", line, "subject.id",
            "there are no biosamples, and no sample of the VCF has the subject's identifier");
    return nullptr;
  }
  const std::string* found = nullptr;
  for (std::size_t i = 0; i < packet.biosample_ids.size(); ++i) {
    const std::string& id = packet.biosample_ids[i];
    if (!claimed_by_.contains(id) || (found != nullptr && *found == id)) continue;
    if (found != nullptr) {
      Problem("SEVERAL_SAMPLES", line, fmt::format("biosamples[{}].id", i),
              "a second sample of the same person; keep one");
      return nullptr;
    }
    found = &id;
  }
  if (found == nullptr) Problem("UNKNOWN_SAMPLE", line, "biosamples[0].id", "no such sample in the VCF");
  return found;
}

std::vector<LinkedSubject> Linker::Finish() {
  for (const auto& [sample, line] : claimed_by_) samples_without_subject_ += line == 0 ? 1 : 0;
  if (samples_without_subject_ > 0) {
    findings_.Add({Severity::kNote, "SAMPLE_WITHOUT_SUBJECT", std::string(FileName(FileKind::kVariants)), 0, "",
                   "samples without a phenopacket were left out", samples_without_subject_});
  }
  if (line_of_.empty() && !findings_.has_error()) Problem("NO_SUBJECTS", 0, "", "the file has no phenopacket");
  return std::move(subjects_);
}

}  // namespace genofed::onboarding
