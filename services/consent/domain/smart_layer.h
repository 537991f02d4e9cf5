// SPDX-License-Identifier: Apache-2.0
//
// Programs outside the processing environment to which a node's operator lets encrypted objects go.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"

namespace genofed::consent {

// A range of IP addresses: "192.0.2.0/24", "2001:db8::/32"; a single address counts as its own
// range.
class Network {
 public:
  // Errors: NETWORK_INVALID, also for bits set behind the prefix.
  static Result<Network> Parse(std::string_view text);
  // False for what is no address. IPv4 addresses count the same when mapped into IPv6.
  bool Contains(std::string_view address) const;

 private:
  std::array<std::uint8_t, 16> bytes_{};  // IPv4 in its mapped form
  int prefix_ = 128;
};

struct SmartLayer {
  std::string client_id;
  // For the ledger and the citizens.
  std::string title;
  std::string organisation;
  std::string purpose;
  std::set<std::string> datasets;
  std::string recipient;             // X25519 public key, 32 bytes; empty: the request names one
  std::set<std::string> token_keys;  // thumbprints; empty: any key
  std::vector<Network> networks;     // empty: anywhere
};

// The layer that asks, if the node's operator permits everything about it. PermissionDenied, saying
// which condition is not met: TOKEN_NOT_BOUND, CLIENT_NOT_PERMITTED, CLIENT_KEY_NOT_PERMITTED,
// NETWORK_NOT_PERMITTED.
Result<const SmartLayer*> FindLayer(const std::vector<SmartLayer>& layers, const User& user,
                                    std::string_view peer);
// PermissionDenied DATASET_NOT_PERMITTED.
Status CheckDataset(const SmartLayer& layer, const std::string& dataset);
// The key to encrypt for: the one that is registered, or else `asked`. PermissionDenied
// RECIPIENT_MISMATCH when both are there and differ; InvalidArgument RECIPIENT_MISSING when neither
// is.
Result<std::string> RecipientOf(const SmartLayer& layer, const std::string& asked);

}  // namespace genofed::consent
