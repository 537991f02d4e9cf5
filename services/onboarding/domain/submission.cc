// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/submission.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kMaxFileName = 128;

struct StageFacts {
  std::string_view name;
  int percent;
};
// In the order of Stage.
constexpr std::array kStages = {StageFacts{"", 0},         StageFacts{"check", 1},       StageFacts{"link", 30},
                                StageFacts{"consent", 35}, StageFacts{"genotypes", 40},  StageFacts{"phenotypes", 60},
                                StageFacts{"encrypt", 65}, StageFacts{"index", 70},      StageFacts{"report", 92},
                                StageFacts{"publish", 95}};

}  // namespace

std::string_view KindName(FileKind kind) {
  switch (kind) {
    case FileKind::kVariants: return "variants";
    case FileKind::kClinical: return "clinical";
    case FileKind::kConsents: return "consents";
    case FileKind::kMapping: return "mapping";
    case FileKind::kBeacon: return "beacon";
  }
  return "variants";
}

Result<FileRef> CheckFileRef(FileRef file) {
  if (file.name.empty()) file.name = KindName(file.kind);
  const bool plain = file.name.size() <= kMaxFileName && file.name[0] != '.' && file.name[0] != '-' &&
                     IsUtf8(file.name) && std::all_of(file.name.begin(), file.name.end(), [](char c) {
                       const auto byte = static_cast<unsigned char>(c);
                       return byte >= 0x20 && byte != 0x7f && c != '/' && c != '\\';
                     });
  if (plain) return file;
  return InvalidField("name", "FILE_NAME_INVALID", "must be a plain file name of at most {} bytes", kMaxFileName);
}

bool MakesVersion(Mode mode) { return mode != Mode::kRollback && mode != Mode::kDecommission; }

bool NeedsFile(Mode mode, FileKind kind) {
  if (!MakesVersion(mode) || kind == FileKind::kMapping) return false;
  if (mode == Mode::kBeacon || kind == FileKind::kBeacon) return mode == Mode::kBeacon && kind == FileKind::kBeacon;
  return mode != Mode::kFollowUp || kind != FileKind::kVariants;
}

std::string_view ModeName(Mode mode) {
  switch (mode) {
    case Mode::kFull: return "full";
    case Mode::kAdd: return "add";
    case Mode::kFollowUp: return "follow-up";
    case Mode::kRollback: return "rollback";
    case Mode::kDecommission: return "decommission";
    case Mode::kBeacon: return "beacon";
  }
  return "full";
}

std::string_view StateName(State state) {
  switch (state) {
    case State::kOpen: return "open";
    case State::kQueued: return "queued";
    case State::kRunning: return "running";
    case State::kPublished: return "published";
    case State::kRejected: return "rejected";
    case State::kFailed: return "failed";
  }
  return "open";
}

bool IsFinal(State state) {
  return state == State::kPublished || state == State::kRejected || state == State::kFailed;
}

std::string_view StageName(Stage stage) { return kStages[static_cast<std::size_t>(stage)].name; }
int PercentAt(Stage stage) { return kStages[static_cast<std::size_t>(stage)].percent; }

Stage ParseStage(std::string_view name) {
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    if (kStages[i].name == name) return static_cast<Stage>(i);
  }
  return Stage::kNone;
}

bool Holder::Is(const User& user) const {
  if (user.issuer != issuer) return false;
  return user.subject == subject || (!organisation.empty() && user.organisation == organisation);
}

}  // namespace genofed::onboarding
