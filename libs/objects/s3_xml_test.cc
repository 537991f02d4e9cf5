// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/s3_xml.h"

#include <gtest/gtest.h>

#include "libs/testing/matchers.h"

namespace genofed::objects {
namespace {

using genofed::testing::HasReason;

TEST(S3Xml, FlattensElementsInTheOrderInWhichTheyEnd) {
  // Shortened from the API Reference, "ListObjectsV2".
  const auto elements = ParseXml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\n  "
      "<Name>bucket</Name><Prefix/>\n"
      "  <Contents><Key>my-image.jpg</Key><ETag>&quot;fba9dede5f27731c9771645a39863328&quot;</ETag>"
      "<Size>434234</Size></Contents>\n</ListBucketResult>");
  ASSERT_TRUE(elements.ok());
  std::vector<std::string> paths;
  for (const XmlElement& element : *elements) paths.push_back(element.path);
  EXPECT_EQ(paths,
            (std::vector<std::string>{
                "ListBucketResult/Name", "ListBucketResult/Prefix", "ListBucketResult/Contents/Key",
                "ListBucketResult/Contents/ETag", "ListBucketResult/Contents/Size",
                "ListBucketResult/Contents", "ListBucketResult"}));
  EXPECT_EQ(TextOf(*elements, "ListBucketResult/Contents/ETag"),
            "\"fba9dede5f27731c9771645a39863328\"");
  EXPECT_EQ(TextOf(*elements, "ListBucketResult/Prefix"), "");
  EXPECT_EQ(TextOf(*elements, "ListBucketResult"), "");
  EXPECT_EQ(TextOf(*elements, "Error/Code"), "");
}

TEST(S3Xml, RefusesWhatNoServerSends) {
  std::string deep, wide = "<a>";
  for (int i = 0; i < 9; ++i) deep += "<a>";
  for (int i = 0; i < 9; ++i) deep += "</a>";
  for (int i = 0; i < 20'000; ++i) wide += "<b/>";
  wide += "</a>";
  for (const std::string& document :
       {std::string(), std::string("text"), std::string("<a>"), std::string("<a></b>"),
        std::string("<a/><b/>"), deep, wide, "<a>" + std::string(5000, 'x') + "</a>",
        "<" + std::string(200, 'a') + "/>",
        std::string("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"), std::string("<a>\x01</a>"),
        std::string("<a>\xff</a>")}) {
    EXPECT_THAT(ParseXml(document), HasReason("STORE_ANSWER_INVALID")) << document.substr(0, 60);
  }
}

TEST(S3Xml, EscapesContent) { EXPECT_EQ(XmlEscape("\"a<b>&c\""), "\"a&lt;b&gt;&amp;c\""); }

}  // namespace
}  // namespace genofed::objects
