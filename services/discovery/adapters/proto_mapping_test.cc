// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/proto_mapping.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace genofed::discovery {
namespace {

RawQuery VariantQuery(RawVariant variant) {
  RawQuery raw;
  raw.entity = Entity::kVariant;
  raw.variant = std::move(variant);
  return raw;
}

// The hub sends on what it understood; a node must understand the same.
RC_GTEST_PROP(ProtoMapping, MeansTheSameAfterTheWayFromHubToNode, ()) {
  const auto bases = [](int min) {
    return *rc::gen::suchThat(rc::gen::container<std::string>(rc::gen::element('A', 'C', 'G', 'T')),
                              [min](const std::string& text) {
                                return text.size() >= static_cast<std::size_t>(min) &&
                                       text.size() < 6;
                              });
  };
  RawVariant variant{"GRCh38", "20",     *rc::gen::inRange<std::int64_t>(0, 1000),
                     0,        bases(0), bases(0)};
  if (*rc::gen::arbitrary<bool>())
    variant.end = variant.start + *rc::gen::inRange<std::int64_t>(1, 50);
  auto at_hub = Validate(VariantQuery(variant));
  RC_PRE(at_hub.ok());
  auto at_node = Validate(FromProto(ToProto(*at_hub)));
  RC_ASSERT(at_node.ok());
  RC_ASSERT(at_node->variant->form == at_hub->variant->form);
  RC_ASSERT(at_node->variant->start == at_hub->variant->start);
  RC_ASSERT(at_node->variant->end == at_hub->variant->end);
  RC_ASSERT(at_node->variant->ref == at_hub->variant->ref);
  RC_ASSERT(at_node->variant->alt == at_hub->variant->alt);
}

TEST(ProtoMapping, WithoutAGranularityTheLeastIsSaid) {
  v1::QueryRequest request;
  EXPECT_EQ(FromProto(request).granularity, Granularity::kBoolean);
  EXPECT_FALSE(FromProto(request).entity.has_value());
}

TEST(ProtoMapping, PagesTermsWithoutGapOrRepetition) {
  const std::vector<FilteringTerm> terms = {{"HP:1", ""}, {"HP:2", ""}, {"HP:3", "x"}};
  auto first = Page(terms, 2, "");
  EXPECT_EQ(first.terms_size(), 2);
  EXPECT_EQ(first.next_page_token(), "HP:2");
  auto second = Page(terms, 2, first.next_page_token());
  ASSERT_EQ(second.terms_size(), 1);
  EXPECT_EQ(second.terms(0).label(), "x");
  EXPECT_TRUE(second.next_page_token().empty());
  EXPECT_EQ(Page(terms, 2, "ZZZ").terms_size(), 0);
}

}  // namespace
}  // namespace genofed::discovery
