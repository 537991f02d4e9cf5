// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/beacon/collection.h"
#include "libs/core/context.h"

namespace genofed::discovery {

// A version of a Beacon data folder that was published here.
struct BeaconPublication {
  std::string dataset;  // the catalogue's name for the folder: "GDI-FI-BEACON-1"
  std::int32_t version = 0;
  std::string path;  // of the snapshot, below the site's data directory
  std::string sha256;

  bool operator==(const BeaconPublication&) const = default;
};

// Versions are never removed: the catalogue tells which one counts.
class BeaconStore {
 public:
  virtual ~BeaconStore() = default;
  // AlreadyExists VERSION_PUBLISHED if it was published with another content.
  virtual Status Add(const Context& ctx, const BeaconPublication& publication) = 0;
  // Puts a version in the place of what it was published with, if it was.
  virtual Status Replace(const Context& ctx, const BeaconPublication& publication) = 0;
  // In order of dataset and version.
  virtual Result<std::vector<BeaconPublication>> List(const Context& ctx) = 0;
};

// Opens and verifies the snapshot of a publication.
class BeaconOpener {
 public:
  virtual ~BeaconOpener() = default;
  virtual Result<std::shared_ptr<const beacon::Collection>> Open(const BeaconPublication& publication) = 0;
};

// What a visa was given for, by the country that approved it.
struct Project {
  std::string visa, visa_source;  // jti and source
  // Empty: of a visa that this node did not make.
  std::string application, title, organisation, purpose;
  std::string purpose_code;     // DUO, or of the country's consent policy; may be empty
  std::string decision_sha256;  // of the country's signed decision
};
using OpenedDatasets = std::map<std::string, Project>;  // by the catalogue's name

// The access service of the site.
class PassportClient {
 public:
  virtual ~PassportClient() = default;
  // What the calling user's passport opens here. PermissionDenied PASSPORT_REFUSED; Unauthenticated without a user.
  virtual Result<OpenedDatasets> Opened(const Context& ctx, const std::string& passport) = 0;
};

}  // namespace genofed::discovery
