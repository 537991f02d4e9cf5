// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/pull_spool.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "libs/crypto/hash.h"
#include "services/onboarding/app/files.h"

namespace genofed::onboarding {
namespace {

// Enough against accidents; short strings need no allocation.
constexpr std::size_t kShort = 15;

Status Full() {
  return Error(StatusCode::kResourceExhausted, "STORAGE_FULL", "no room to spool clinical data");
}

std::string Short(std::string_view data) { return crypto::Sha256(data).substr(0, kShort); }

}  // namespace

Result<PullSpool::File> PullSpool::OpenNew(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return Full();
  return File(::fdopen(fd, "w+b"));
}

Result<std::unique_ptr<PullSpool>> PullSpool::Create(std::filesystem::path directory,
                                                     std::string key) {
  GF_TRY(RemoveTree(directory));
  GF_TRY(MakeDirectory(directory));
  GF_ASSIGN(File raw, OpenNew(directory / "raw"));
  return std::unique_ptr<PullSpool>(
      new PullSpool(std::move(directory), std::move(key), std::move(raw)));
}

PullSpool::PullSpool(std::filesystem::path directory, std::string key, File raw)
    : directory_(std::move(directory)), key_(std::move(key)), raw_(std::move(raw)) {}

PullSpool::~PullSpool() {
  raw_.reset();
  (void)RemoveTree(directory_);
}

Status PullSpool::Add(const PulledResource& resource) {
  const auto [found, fresh] =
      number_of_.try_emplace(resource.patient, static_cast<std::uint32_t>(number_of_.size()));
  if (fresh) {
    hash_of_.push_back(crypto::HmacSha256(key_, resource.patient));
    has_patient_.push_back(false);
  }
  if (resource.is_patient) has_patient_[found->second] = true;
  const std::size_t length = resource.line.size();
  if (std::fwrite(resource.line.data(), 1, length, raw_.get()) != length) return Full();
  entries_.push_back({found->second, resource.is_consent, static_cast<std::uint32_t>(length), size_,
                      Short(resource.key), Short(resource.line)});
  size_ += length;
  return absl::OkStatus();
}

PersonRecords PullSpool::Finish() {
  std::erase_if(entries_, [this](const Entry& entry) { return !has_patient_[entry.person]; });
  const auto same = [](const Entry& a, const Entry& b) {
    return a.person == b.person && a.key == b.key;
  };
  std::sort(entries_.begin(), entries_.end(), [this](const Entry& a, const Entry& b) {
    if (a.person != b.person) return hash_of_[a.person] < hash_of_[b.person];
    return a.key != b.key ? a.key < b.key : a.offset > b.offset;
  });
  entries_.erase(std::unique(entries_.begin(), entries_.end(), same), entries_.end());
  PersonRecords records;
  for (std::size_t begin = 0, end = 0; begin < entries_.size(); begin = end) {
    crypto::Sha256Stream hash;
    PersonRecord record;
    for (end = begin; end < entries_.size() && entries_[end].person == entries_[begin].person;
         ++end) {
      hash.Update(entries_[end].digest);
      record.has_consent |= entries_[end].is_consent;
    }
    record.digest = hash.Finish();
    records.emplace(hash_of_[entries_[begin].person], std::move(record));
  }
  return records;
}

Status PullSpool::Write(const std::set<std::string>& people, const std::filesystem::path& clinical,
                        const std::filesystem::path& consents) {
  GF_ASSIGN(const File clinical_file, OpenNew(clinical));
  GF_ASSIGN(const File consents_file, OpenNew(consents));
  std::string line;
  bool consented = false;
  for (const Entry& entry : entries_) {
    if (!people.contains(hash_of_[entry.person])) continue;
    line.resize(entry.length);
    if (::fseeko(raw_.get(), static_cast<off_t>(entry.offset), SEEK_SET) != 0 ||
        std::fread(line.data(), 1, line.size(), raw_.get()) != line.size()) {
      return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read spooled data");
    }
    line += '\n';
    consented |= entry.is_consent;
    std::FILE* out = entry.is_consent ? consents_file.get() : clinical_file.get();
    if (std::fwrite(line.data(), 1, line.size(), out) != line.size()) return Full();
  }
  // A file must not be empty; that nobody permits anything any more is news.
  if (!consented && std::fputs("{\"resourceType\":\"Bundle\",\"type\":\"collection\"}\n",
                               consents_file.get()) < 0)
    return Full();
  return std::fflush(clinical_file.get()) == 0 && std::fflush(consents_file.get()) == 0
             ? absl::OkStatus()
             : Full();
}

}  // namespace genofed::onboarding
