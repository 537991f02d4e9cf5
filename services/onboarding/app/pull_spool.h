// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/core/status.h"

namespace genofed::onboarding {

// A resource of a clinical server.
struct PulledResource {
  std::string patient;  // id of the Patient that it is about, or is
  std::string key;      // "Condition/7"
  bool is_patient = false;
  bool is_consent = false;
  // One line of JSON with sorted names and without what changes at each write (meta.versionId,
  // meta.lastUpdated): the same content gives the same bytes.
  std::string line;
};

// What is remembered of a person between pulls. No identifier: `person` is a keyed hash.
struct PersonRecord {
  std::string digest;  // SHA-256 of all their resources
  bool has_consent = false;

  bool operator==(const PersonRecord&) const = default;
};
using PersonRecords = std::map<std::string, PersonRecord>;  // by 32-byte keyed hash

// The resources of one pull, on disk, readable by this user alone. Everything goes when it ends.
// Memory: about 64 bytes a resource.
class PullSpool {
 public:
  // `directory` is emptied. `key` makes the hashes of people.
  static Result<std::unique_ptr<PullSpool>> Create(std::filesystem::path directory,
                                                   std::string key);
  ~PullSpool();
  PullSpool(const PullSpool&) = delete;
  PullSpool& operator=(const PullSpool&) = delete;

  // Of a resource that comes twice, the last counts. ResourceExhausted STORAGE_FULL.
  Status Add(const PulledResource& resource);

  // Of everybody whose Patient is here. What belongs to nobody else is left out.
  PersonRecords Finish();

  // Writes the resources of these people, in an order that depends on nothing but them: NDJSON of
  // all but consents, and NDJSON of consents.
  Status Write(const std::set<std::string>& people, const std::filesystem::path& clinical,
               const std::filesystem::path& consents);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  struct Entry {
    std::uint32_t person = 0;
    bool is_consent = false;
    std::uint32_t length = 0;
    std::uint64_t offset = 0;
    std::string key;     // first bytes of the hash of PulledResource::key
    std::string digest;  // first bytes of the hash of the line
  };

  PullSpool(std::filesystem::path directory, std::string key, File raw);
  static Result<File> OpenNew(const std::filesystem::path& path);

  const std::filesystem::path directory_;
  const std::string key_;
  File raw_;
  std::uint64_t size_ = 0;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::uint32_t> number_of_;  // by patient id
  std::vector<std::string> hash_of_;                          // by number
  std::vector<bool> has_patient_;                             // by number
};

}  // namespace genofed::onboarding
