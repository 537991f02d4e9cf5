// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/s3_xml.h"

#include <expat.h>

#include <limits>
#include <memory>
#include <type_traits>

namespace genofed::objects {
namespace {

constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxElements = 20'000;
constexpr std::size_t kMaxText = 4096;
constexpr std::size_t kMaxNameBytes = 128;

struct Builder {
  XML_Parser parser = nullptr;
  std::vector<std::size_t> lengths;  // of `path` outside each open element
  std::string path;
  std::string text;
  bool leaf = false;
  bool refused = false;  // expat may call once or twice more after it was stopped
  std::vector<XmlElement> elements;

  void Refuse() {
    refused = true;
    XML_StopParser(parser, XML_FALSE);
  }
};

void OnStart(void* user, const XML_Char* name, const XML_Char**) {
  auto& builder = *static_cast<Builder*>(user);
  const std::string_view element(name);
  if (builder.refused) return;
  if (builder.lengths.size() == kMaxDepth || element.size() > kMaxNameBytes)
    return builder.Refuse();
  builder.lengths.push_back(builder.path.size());
  if (!builder.path.empty()) builder.path += '/';
  builder.path += element;
  builder.text.clear();
  builder.leaf = true;
}

void OnText(void* user, const XML_Char* text, int length) {
  auto& builder = *static_cast<Builder*>(user);
  if (builder.refused || !builder.leaf) return;
  builder.text.append(text, static_cast<std::size_t>(length));
  if (builder.text.size() > kMaxText) builder.Refuse();
}

void OnEnd(void* user, const XML_Char*) {
  auto& builder = *static_cast<Builder*>(user);
  if (builder.refused) return;
  if (builder.elements.size() == kMaxElements) return builder.Refuse();
  builder.elements.push_back({builder.path, builder.leaf ? builder.text : ""});
  builder.path.resize(builder.lengths.back());
  builder.lengths.pop_back();
  builder.leaf = false;
}

void OnDoctype(void* user, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  static_cast<Builder*>(user)->Refuse();
}

}  // namespace

Result<std::vector<XmlElement>> ParseXml(std::string_view document) {
  const std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)> parser(
      XML_ParserCreate("UTF-8"), &XML_ParserFree);
  GF_CHECK(parser != nullptr);
  Builder builder;
  builder.parser = parser.get();
  XML_SetUserData(parser.get(), &builder);
  XML_SetElementHandler(parser.get(), OnStart, OnEnd);
  XML_SetCharacterDataHandler(parser.get(), OnText);
  XML_SetStartDoctypeDeclHandler(parser.get(), OnDoctype);
  if (document.size() > std::numeric_limits<int>::max() ||
      XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()), XML_TRUE) !=
          XML_STATUS_OK) {
    return Error(StatusCode::kInternal, "STORE_ANSWER_INVALID",
                 "the object store's answer is not the XML it should be");
  }
  return std::move(builder.elements);
}

std::string TextOf(const std::vector<XmlElement>& elements, std::string_view path) {
  for (const XmlElement& element : elements) {
    if (element.path == path) return element.text;
  }
  return "";
}

std::string XmlEscape(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace genofed::objects
