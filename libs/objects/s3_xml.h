// SPDX-License-Identifier: Apache-2.0
//
// The XML of S3's answers, flattened. Internal to the library.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace genofed::objects {

// One element, at its end: {"ListBucketResult/Contents/Key", "a/b"}. An element with children has
// no text.
struct XmlElement {
  std::string path;
  std::string text;
};

// Elements in the order in which they end, the root last. Refuses document types, more than 8
// levels, more than 20,000 elements and text above 4 KiB: Internal STORE_ANSWER_INVALID.
Result<std::vector<XmlElement>> ParseXml(std::string_view document);

// The text of the first element with this path; empty without one.
std::string TextOf(const std::vector<XmlElement>& elements, std::string_view path);

// Text for an element's content.
std::string XmlEscape(std::string_view text);

}  // namespace genofed::objects
