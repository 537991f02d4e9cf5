// SPDX-License-Identifier: Apache-2.0
#include "libs/http/multipart.h"

#include <algorithm>
#include <map>

#include "libs/core/strings.h"
#include "libs/http/problem.h"

namespace genofed::http {
namespace {

using Parameters = std::map<std::string, std::string>;

Status Malformed(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, "MULTIPART_MALFORMED", "multipart body: {}", what);
}

Status TooLarge(std::string_view what) {
  return Error(StatusCode::kInvalidArgument, kBodyTooLarge, "multipart body: {}", what);
}

bool IsTokenChar(char c) {
  static constexpr std::string_view kOther = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         kOther.find(c) != std::string_view::npos;
}

// A quoted-string's content; `text` starts after the opening quote and is advanced past the closing one.
Result<std::string> TakeQuoted(std::string_view& text) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    text.remove_prefix(1);
    if (c == '"') return out;
    // Browsers escape a quote as %22 or \"; a back slash before anything else is data (old path names).
    if (c == '\\' && !text.empty() && (text.front() == '"' || text.front() == '\\')) {
      out.push_back(text.front());
      text.remove_prefix(1);
    } else {
      out.push_back(c);
    }
  }
  return Malformed("unterminated quoted string");
}

// "form-data; name=\"a\"; filename=\"b\"": the value, and its parameters by lower-case name.
Result<std::pair<std::string, Parameters>> ParseParameterised(std::string_view text) {
  const std::size_t semicolon = text.find(';');
  std::pair<std::string, Parameters> out{ToLower(Trim(text.substr(0, semicolon))), {}};
  if (semicolon == std::string_view::npos) return out;
  text.remove_prefix(semicolon + 1);
  for (text = Trim(text); !text.empty(); text = Trim(text)) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return Malformed("parameter without value");
    const std::string name = ToLower(Trim(text.substr(0, equals)));
    if (name.empty() || !std::ranges::all_of(name, IsTokenChar)) return Malformed("bad parameter name");
    text = Trim(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      text.remove_prefix(1);
      GF_ASSIGN(value, TakeQuoted(text));
    } else {
      const auto end = std::ranges::find_if_not(text, IsTokenChar);
      const auto length = static_cast<std::size_t>(end - text.begin());
      value = std::string(text.substr(0, length));
      text.remove_prefix(length);
    }
    if (!out.second.emplace(name, std::move(value)).second) return Malformed("parameter given twice");
    text = Trim(text);
    if (text.empty()) break;
    if (!text.starts_with(';')) return Malformed("junk after a parameter");
    text.remove_prefix(1);
  }
  return out;
}

Result<std::string> BoundaryOf(std::string_view content_type) {
  GF_ASSIGN(auto parsed, ParseParameterised(content_type));
  if (parsed.first != "multipart/form-data") {
    return Error(StatusCode::kInvalidArgument, kUnsupportedMediaType, "expected multipart/form-data");
  }
  const std::string& boundary = parsed.second["boundary"];
  // RFC 2046: 1 to 70 characters of a limited set, not ending in a space.
  static constexpr std::string_view kOther = "'()+_,-./:=? ";
  const bool valid = !boundary.empty() && boundary.size() <= 70 && boundary.back() != ' ' &&
                     std::ranges::all_of(boundary, [](char c) {
                       return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                              kOther.find(c) != std::string_view::npos;
                     });
  if (!valid) return Malformed("missing or bad boundary");
  return boundary;
}

Status ApplyDisposition(std::string_view value, MultipartPart& part) {
  GF_ASSIGN(auto disposition, ParseParameterised(value));
  auto& [type, parameters] = disposition;
  if (type != "form-data") return Malformed("a part is not form-data");
  if (!parameters.contains("name")) return Malformed("a part has no name");
  if (parameters.contains("filename*")) return Malformed("filename* is not allowed (RFC 7578 section 4.2)");
  part.name = parameters["name"];
  if (part.name.empty() || part.name.size() > 256 || !IsUtf8(part.name)) return Malformed("bad part name");
  const auto file_name = parameters.find("filename");
  if (file_name != parameters.end()) {
    GF_ASSIGN(part.file_name, SafeRelativePath(file_name->second));
  }
  return {};
}

// `block` holds the header lines of one part, each ended by CRLF.
Result<MultipartPart> ParsePartHeader(std::string_view block) {
  MultipartPart part;
  part.content_type = "text/plain";
  bool has_disposition = false;
  bool has_type = false;
  while (!block.empty()) {
    const std::size_t end = block.find("\r\n");
    const std::string_view line = block.substr(0, end);
    block.remove_prefix(end + 2);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !std::ranges::all_of(line.substr(0, colon), IsTokenChar)) {
      return Malformed("bad header line");
    }
    if (line.find_first_of(std::string_view("\0\r\n", 3)) != std::string_view::npos) {
      return Malformed("control character in a header");
    }
    const std::string name = ToLower(line.substr(0, colon));
    const std::string_view value = Trim(line.substr(colon + 1));
    if (name == "content-disposition") {
      if (std::exchange(has_disposition, true)) return Malformed("two Content-Disposition headers");
      GF_TRY(ApplyDisposition(value, part));
    } else if (name == "content-type") {
      if (std::exchange(has_type, true)) return Malformed("two Content-Type headers");
      part.content_type = ToLower(Trim(value.substr(0, value.find(';'))));
    } else if (name == "content-transfer-encoding") {
      const std::string encoding = ToLower(value);
      if (encoding != "binary" && encoding != "8bit" && encoding != "7bit") {
        return Malformed("transfer encodings are not supported (RFC 7578 section 4.7)");
      }
    }
  }
  if (!has_disposition) return Malformed("a part has no Content-Disposition");
  return part;
}

// Reads one part from `body` just behind its delimiter line and leaves `body` behind the next delimiter.
Result<MultipartPart> TakePart(std::string_view& body, const std::string& delimiter, const MultipartLimits& limits) {
  const std::size_t header_end = body.starts_with("\r\n") ? std::string_view::npos : body.find("\r\n\r\n");
  if (header_end == std::string_view::npos) return Malformed("a part has no header");
  if (header_end > limits.max_header_bytes) return TooLarge("the header of a part is too long");
  GF_ASSIGN(MultipartPart part, ParsePartHeader(body.substr(0, header_end + 2)));
  // The line end in front of a delimiter belongs to it, so an empty body may share the header's last line end.
  const std::size_t start = header_end + 4;
  const std::size_t end = body.find(delimiter, start - 2);
  if (end == std::string_view::npos) return Malformed("no final delimiter");
  const std::size_t length = end > start ? end - start : 0;
  if (length > limits.max_part_bytes) return TooLarge("a part is too large");
  part.body = std::string(body.substr(start, length));
  body.remove_prefix(end + delimiter.size());
  return part;
}

}  // namespace

Result<std::vector<MultipartPart>> ParseMultipart(std::string_view content_type, std::string_view body,
                                                  const MultipartLimits& limits) {
  GF_ASSIGN(const std::string boundary, BoundaryOf(content_type));
  const std::string delimiter = "\r\n--" + boundary;
  // The first delimiter may open the body; a preamble before it is allowed and ignored.
  if (body.starts_with(std::string_view(delimiter).substr(2))) {
    body.remove_prefix(delimiter.size() - 2);
  } else {
    const std::size_t first = body.find(delimiter);
    if (first == std::string_view::npos) return Malformed("the boundary does not occur");
    body.remove_prefix(first + delimiter.size());
  }
  std::vector<MultipartPart> parts;
  while (true) {
    if (body.starts_with("--")) return parts;  // what follows the close delimiter is an epilogue
    const std::size_t line_end = body.find_first_not_of(" \t");
    if (line_end == std::string_view::npos || body.substr(line_end, 2) != "\r\n") {
      return Malformed("junk after a delimiter");
    }
    body.remove_prefix(line_end + 2);
    if (parts.size() == limits.max_parts) return TooLarge("too many parts");
    GF_ASSIGN(MultipartPart part, TakePart(body, delimiter, limits));
    parts.push_back(std::move(part));
  }
}

Result<std::string> SafeRelativePath(std::string_view path) {
  const auto unsafe = [](std::string_view why) {
    return Error(StatusCode::kInvalidArgument, "UNSAFE_FILE_NAME", "unsafe file name: {}", why);
  };
  if (path.empty() || path.size() > 1024) return unsafe("empty or too long");
  if (!IsUtf8(path)) return unsafe("not UTF-8");
  const bool odd = std::ranges::any_of(path, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f || c == '\\' || c == ':';
  });
  if (odd) return unsafe("control character, back slash or colon");
  for (const std::string_view segment : Split(path, '/')) {
    if (segment.empty() || segment == "." || segment == "..") return unsafe("empty or dot segment");
    if (segment.size() > 255) return unsafe("segment too long");
  }
  return std::string(path);
}

}  // namespace genofed::http
