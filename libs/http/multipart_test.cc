// SPDX-License-Identifier: Apache-2.0
#include "libs/http/multipart.h"

#include <gtest/gtest.h>

#include "libs/http/problem.h"

namespace genofed::http {
namespace {

constexpr char kType[] = "multipart/form-data; boundary=AaB03x";

std::string Part(const std::string& headers, const std::string& body) {
  return "--AaB03x\r\n" + headers + "\r\n\r\n" + body + "\r\n";
}
std::string Named(const std::string& parameters, const std::string& body = "x") {
  return Part("Content-Disposition: form-data; " + parameters, body) + "--AaB03x--\r\n";
}

// Shaped like the example of RFC 7578 section 4 / RFC 2388: a field and a file.
TEST(ParseMultipart, ReadsFieldsAndFiles) {
  const std::string body =
      "preamble\r\n" + Part("content-disposition: form-data; name=\"workflow_params\"", "{\"n\": 1}") +
      Part("Content-Disposition: form-data; name=workflow_attachment; filename=\"tools/sort.cwl\"\r\n"
           "Content-Type: Text/X-CWL; charset=utf-8",
           "line 1\r\n--AaB03\r\nline 3") +
      Part("Content-Disposition: form-data; name=\"empty\"", "") + "--AaB03x-- \r\nepilogue";
  const auto parts = ParseMultipart(kType, body);
  ASSERT_TRUE(parts.ok()) << parts.status();
  ASSERT_EQ(parts->size(), 3U);
  EXPECT_EQ((*parts)[0].name, "workflow_params");
  EXPECT_EQ((*parts)[0].body, "{\"n\": 1}");
  EXPECT_EQ((*parts)[0].content_type, "text/plain");
  EXPECT_FALSE((*parts)[0].file_name);
  EXPECT_EQ((*parts)[1].file_name, "tools/sort.cwl");
  EXPECT_EQ((*parts)[1].content_type, "text/x-cwl");
  EXPECT_EQ((*parts)[1].body, "line 1\r\n--AaB03\r\nline 3");
  EXPECT_EQ((*parts)[2].body, "");
}

TEST(ParseMultipart, AFormWithoutPartsAndAnEmptyBodyBeforeItsDelimiter) {
  EXPECT_TRUE(ParseMultipart(kType, "--AaB03x--")->empty());
  const auto parts =
      ParseMultipart(kType, "--AaB03x\r\nContent-Disposition: form-data; name=a\r\n\r\n--AaB03x--");
  ASSERT_TRUE(parts.ok());
  EXPECT_EQ((*parts)[0].body, "");
}

TEST(ParseMultipart, RefusesBadContentTypes) {
  const std::string body = Named("name=a");
  EXPECT_EQ(Reason(ParseMultipart("application/json", body).status()), kUnsupportedMediaType);
  for (const char* type : {"multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a b \"",
                           "multipart/form-data; boundary=\"unterminated", "multipart/form-data; boundary=\"a\r\nb\"",
                           "multipart/form-data; boundary=a; boundary=AaB03x"}) {
    EXPECT_FALSE(ParseMultipart(type, body).ok()) << type;
  }
  EXPECT_FALSE(ParseMultipart("multipart/form-data; boundary=" + std::string(71, 'a'), body).ok());
}

TEST(ParseMultipart, RefusesMalformedBodies) {
  const std::string cases[] = {
      "",
      "no boundary at all",
      "--AaB03x",
      "--AaB03x\r\n",
      "--AaB03xjunk\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--AaB03x--",
      "--AaB03x\r\n\r\nx\r\n--AaB03x--",                                                    // no header
      "--AaB03x\r\nContent-Disposition: form-data; name=a\r\n\r\nx",                        // no final delimiter
      "--AaB03x\nContent-Disposition: form-data; name=a\n\nx\n--AaB03x--",                  // bare LF
      "--AaB03x\r\nContent-Type: text/plain\r\n\r\nx\r\n--AaB03x--",                        // no disposition
      "--AaB03x\r\nContent-Disposition: attachment; name=a\r\n\r\nx\r\n--AaB03x--",         // not form-data
      "--AaB03x\r\nBad Header: x\r\n\r\nx\r\n--AaB03x--",
      Named("filename=\"a\""),
      Named("name=\"\""),
      Named("name=a; name=b"),
      Named("name=\"unterminated"),
      Named("name=\"a\"junk"),
      Named("name=a; filename*=UTF-8''x"),
      Named("name=\"\xff\""),
      Part("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", "eA==") + "--AaB03x--",
      Part("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", "x") + "--AaB03x--",
  };
  for (const std::string& body : cases) {
    const auto parts = ParseMultipart(kType, body);
    EXPECT_FALSE(parts.ok()) << body;
  }
}

TEST(ParseMultipart, RefusesHostileFileNames) {
  for (const char* name : {"../x", "/etc/passwd", "a/../../x", "C:\\\\x", "..", ".", "", "a//b", "a/", "a\\\\b", "a\tb"}) {
    const auto parts = ParseMultipart(kType, Named("name=a; filename=\"" + std::string(name) + "\""));
    EXPECT_EQ(Reason(parts.status()), "UNSAFE_FILE_NAME") << name;
  }
}

TEST(ParseMultipart, HonoursLimits) {
  std::string many;
  for (int i = 0; i < 3; ++i) many += Part("Content-Disposition: form-data; name=a", "12345");
  many += "--AaB03x--";
  EXPECT_TRUE(ParseMultipart(kType, many, {.max_parts = 3, .max_part_bytes = 5}).ok());
  EXPECT_EQ(Reason(ParseMultipart(kType, many, {.max_parts = 2}).status()), kBodyTooLarge);
  EXPECT_EQ(Reason(ParseMultipart(kType, many, {.max_part_bytes = 4}).status()), kBodyTooLarge);
  EXPECT_EQ(Reason(ParseMultipart(kType, many, {.max_header_bytes = 10}).status()), kBodyTooLarge);
}

TEST(SafeRelativePath, AcceptsNestedNames) {
  EXPECT_EQ(*SafeRelativePath("a/b-c_d.cwl"), "a/b-c_d.cwl");
  EXPECT_EQ(*SafeRelativePath("..hidden/..."), "..hidden/...");
  EXPECT_FALSE(SafeRelativePath(std::string(256, 'a')).ok());
  EXPECT_FALSE(SafeRelativePath(std::string_view("a\0b", 3)).ok());
}

}  // namespace
}  // namespace genofed::http
