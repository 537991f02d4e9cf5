// SPDX-License-Identifier: Apache-2.0
#include "services/consent/domain/smart_layer.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"

namespace genofed::consent {
namespace {

using testing::HasReason;
using testing::IsOk;

TEST(Network, HoldsItsAddressesAndNoOthers) {
  struct Case {
    const char *range, *inside, *outside;
  };
  for (const Case& c : {Case{"192.0.2.0/24", "192.0.2.255", "192.0.3.0"},
                        Case{"192.0.2.7", "192.0.2.7", "192.0.2.6"},
                        Case{"10.0.0.0/8", "::ffff:10.1.2.3", "::10.1.2.3"},
                        Case{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
                        Case{"0.0.0.0/0", "8.8.8.8", "2001::1"}, Case{"::1", "::1", "127.0.0.1"}}) {
    auto network = Network::Parse(c.range);
    ASSERT_THAT(network, IsOk()) << c.range;
    EXPECT_TRUE(network->Contains(c.inside)) << c.range;
    EXPECT_FALSE(network->Contains(c.outside)) << c.range;
    EXPECT_FALSE(network->Contains("")) << c.range;
    EXPECT_FALSE(network->Contains("localhost")) << c.range;
  }
  for (const char* bad : {"", "x", "192.0.2.0/33", "192.0.2.1/24", "2001:db8::/129", "192.0.2.0/-1",
                          "192.0.2.0/", "/8"}) {
    EXPECT_THAT(Network::Parse(bad), HasReason("NETWORK_INVALID")) << bad;
  }
}

class SmartLayerTest : public ::testing::Test {
 protected:
  SmartLayerTest() {
    layers_.push_back({"viewer",
                       "Viewer",
                       "Hospital",
                       "care",
                       {"GOE-FI-A-1"},
                       "",
                       {"key-1"},
                       {*Network::Parse("10.0.0.0/8")}});
    user_.client_id = "viewer";
    user_.token_key = "key-1";
  }
  std::string Why(const char* peer = "10.0.0.1") {
    return Reason(FindLayer(layers_, user_, peer).status());
  }
  std::vector<SmartLayer> layers_;
  User user_;
};

TEST_F(SmartLayerTest, EachConditionIsNamedWhenItIsNotMet) {
  EXPECT_THAT(FindLayer(layers_, user_, "10.0.0.1"), IsOk());
  EXPECT_EQ(Why("11.0.0.1"), "NETWORK_NOT_PERMITTED");
  user_.token_key = "key-2";
  EXPECT_EQ(Why(), "CLIENT_KEY_NOT_PERMITTED");
  layers_[0].token_keys.clear();
  EXPECT_EQ(Why(), "");  // any key
  user_.token_key.clear();
  EXPECT_EQ(Why(), "TOKEN_NOT_BOUND");
  user_.token_key = "key-1";
  user_.client_id = "other";
  EXPECT_EQ(Why(), "CLIENT_NOT_PERMITTED");
  user_.client_id.clear();
  layers_.push_back({});  // a layer without a name must not be everybody's
  EXPECT_EQ(Why(), "CLIENT_NOT_PERMITTED");
  EXPECT_THAT(CheckDataset(layers_[0], "GOE-FI-A-1"), IsOk());
  EXPECT_THAT(CheckDataset(layers_[0], "GOE-FI-A-10"), HasReason("DATASET_NOT_PERMITTED"));
}

TEST_F(SmartLayerTest, ARegisteredRecipientIsTheOnlyOne) {
  SmartLayer& layer = layers_[0];
  EXPECT_THAT(RecipientOf(layer, ""), HasReason("RECIPIENT_MISSING"));
  EXPECT_EQ(*RecipientOf(layer, "a"), "a");
  layer.recipient = "r";
  EXPECT_EQ(*RecipientOf(layer, ""), "r");
  EXPECT_EQ(*RecipientOf(layer, "r"), "r");
  EXPECT_THAT(RecipientOf(layer, "a"), HasReason("RECIPIENT_MISMATCH"));
}

}  // namespace
}  // namespace genofed::consent
