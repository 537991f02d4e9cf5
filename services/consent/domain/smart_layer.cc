// SPDX-License-Identifier: Apache-2.0
#include "services/consent/domain/smart_layer.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "libs/core/strings.h"

namespace genofed::consent {
namespace {

using Address = std::array<std::uint8_t, 16>;

std::optional<Address> ParseAddress(std::string_view view) {
  const std::string text(view);
  Address address{};
  if (inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  address = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (inet_pton(AF_INET, text.c_str(), address.data() + 12) == 1) return address;
  return std::nullopt;
}

bool Bit(const Address& address, int i) {
  return (address[static_cast<std::size_t>(i / 8)] >> (7 - i % 8) & 1) != 0;
}

Status Denied(const char* reason, std::string_view message) {
  return Error(StatusCode::kPermissionDenied, reason, "{}", message);
}

}  // namespace

Result<Network> Network::Parse(std::string_view text) {
  const Status invalid = Error(StatusCode::kInvalidArgument, "NETWORK_INVALID",
                               "must be an address range such as 192.0.2.0/24 or 2001:db8::/32");
  const auto slash = text.find('/');
  const auto address = ParseAddress(text.substr(0, slash));
  if (!address) return invalid;
  Network network;
  network.bytes_ = *address;
  if (slash == std::string_view::npos) return network;
  const bool v4 = text.find(':') == std::string_view::npos;
  const auto length = ParseInt(text.substr(slash + 1));
  if (!length.ok() || *length < 0 || *length > (v4 ? 32 : 128)) return invalid;
  network.prefix_ = static_cast<int>(*length) + (v4 ? 96 : 0);
  for (int i = network.prefix_; i < 128; ++i) {
    if (Bit(network.bytes_, i)) return invalid;
  }
  return network;
}

bool Network::Contains(std::string_view address) const {
  const auto other = ParseAddress(address);
  if (!other) return false;
  for (int i = 0; i < prefix_; ++i) {
    if (Bit(bytes_, i) != Bit(*other, i)) return false;
  }
  return true;
}

Result<const SmartLayer*> FindLayer(const std::vector<SmartLayer>& layers, const User& user,
                                    std::string_view peer) {
  if (user.token_key.empty()) {
    return Denied("TOKEN_NOT_BOUND",
                  "files leave only for access tokens that are bound to a key (DPoP)");
  }
  const auto layer = std::find_if(layers.begin(), layers.end(), [&](const SmartLayer& candidate) {
    return !user.client_id.empty() && candidate.client_id == user.client_id;
  });
  if (layer == layers.end()) {
    return Denied("CLIENT_NOT_PERMITTED",
                  "this client is no permitted smart layer of the node; data are analysed in its "
                  "processing environment");
  }
  if (!layer->token_keys.empty() && !layer->token_keys.contains(user.token_key)) {
    return Denied("CLIENT_KEY_NOT_PERMITTED",
                  "the access token is bound to a key that is not registered for this client");
  }
  const auto& networks = layer->networks;
  if (!networks.empty() &&
      std::none_of(networks.begin(), networks.end(),
                   [&](const Network& network) { return network.Contains(peer); })) {
    return Denied("NETWORK_NOT_PERMITTED", "this client may not ask from this network");
  }
  return &*layer;
}

Status CheckDataset(const SmartLayer& layer, const std::string& dataset) {
  if (layer.datasets.contains(dataset)) return absl::OkStatus();
  return Denied("DATASET_NOT_PERMITTED",
                "the node does not permit this client to read the object's dataset");
}

Result<std::string> RecipientOf(const SmartLayer& layer, const std::string& asked) {
  if (asked.empty() && layer.recipient.empty()) {
    return InvalidField("recipient", "RECIPIENT_MISSING",
                        "no key is registered for this client: name the public key to encrypt for");
  }
  if (layer.recipient.empty() || asked == layer.recipient) return asked;
  if (asked.empty()) return layer.recipient;
  return Denied("RECIPIENT_MISMATCH",
                "files for this client are encrypted for its registered key and no other");
}

}  // namespace genofed::consent
