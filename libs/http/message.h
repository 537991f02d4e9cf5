// SPDX-License-Identifier: Apache-2.0
//
// Requests and responses as handlers see them. Nothing here knows about sockets.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "libs/core/context.h"
#include "libs/core/status.h"
#include "libs/http/uri.h"

namespace genofed::http {

enum class Method { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions };
std::string_view MethodName(Method method);
std::optional<Method> ParseMethod(std::string_view name);  // case-sensitive, RFC 9110 section 9.1

// Header fields in order. Names compare without case; a name may repeat.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<std::pair<std::string, std::string>> fields) : fields_(fields) {}

  void Add(std::string name, std::string value);
  void Set(std::string name, std::string value);  // replaces every field of that name
  std::optional<std::string_view> Get(std::string_view name) const;
  std::vector<std::string_view> GetAll(std::string_view name) const;
  bool Has(std::string_view name) const { return Get(name).has_value(); }
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

struct Request {
  Method method = Method::kGet;
  std::string target;                              // as sent, with the query; may hold identifiers: never log it
  std::string path;                                // decoded
  std::vector<std::string> segments;               // of path, decoded
  std::map<std::string, std::string, std::less<>> params;  // what the route's {placeholders} matched
  std::string route;                               // the pattern that matched; safe to log
  Query query;
  Headers headers;
  std::string body;                                // empty for a route with spool_body
  std::filesystem::path body_file;                 // set for a route with spool_body; deleted after the handler
  std::string peer;                                // IP address of the other end, without port
  Context ctx = Context::Background();

  // The value of a placeholder of this route; asking for another name is a programming error and aborts.
  const std::string& Param(std::string_view name) const;
  // The token of "Authorization: Bearer <token>"; empty without one.
  std::string_view BearerToken() const;
  // The media type of the body in lower case without parameters; empty without one.
  std::string ContentType() const;
};

// A representation that lies in a file: `length` bytes from `offset` (to the end if absent). The server applies the
// request's Range to it. `unlink` deletes the file once it is open: for results made for this one response.
struct FileBody {
  std::filesystem::path path = {};
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> length = {};
  bool unlink = false;
};

// A representation of `length` bytes that is had piece by piece: the server asks for the next one when the last was
// sent, and applies the request's Range to it. Held, with what `read` owns, until the response was sent or given up.
struct StreamBody {
  std::uint64_t length = 0;
  // 1 to `most` bytes from `offset`, which lies before the end. May wait: called on a handler thread, once at a time.
  // After an error or an empty piece the connection breaks off, so that the client sees an incomplete body.
  std::function<Result<std::string>(std::uint64_t offset, std::size_t most)> read = {};
  // For events, whose number nobody knows before: `length` means nothing, an empty piece is the
  // end, and the connection ends with it. There are no ranges.
  bool open_ended = false;
};

struct Response {
  int status = 200;
  Headers headers = {};
  std::variant<std::string, FileBody, StreamBody> body = {};
};

Response Json(int status, std::string body);
Response Text(int status, std::string body);
Response Html(int status, std::string body);
// A file as 200 with Accept-Ranges; give an ETag (quoted, strong) where the content can change.
Response File(FileBody file, std::string content_type, std::string etag = "");
// Server-sent events (text/event-stream): `next` waits for one or more events and returns their
// text, empty at the end.
Response Events(std::function<Result<std::string>()> next);
// One event of such a stream. `data` must be one line.
std::string FormatEvent(std::string_view event, std::string_view data);
// The same of a stream.
Response Stream(StreamBody stream, std::string content_type, std::string etag = "");
Response NoContent();
Response Redirect(int status, std::string location);

}  // namespace genofed::http
