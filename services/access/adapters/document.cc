// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/document.h"

#include <google/protobuf/util/json_util.h>

namespace genofed::access {

std::string ToDocument(const google::protobuf::Message& message) {
  std::string json;
  GF_CHECK(google::protobuf::util::MessageToJsonString(message, &json).ok());
  return json;
}

Status FromDocument(const std::string& document, google::protobuf::Message* message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;  // written by a later version of this service
  if (google::protobuf::util::JsonStringToMessage(document, message, options).ok())
    return absl::OkStatus();
  return Error(StatusCode::kDataLoss, "DOCUMENT_UNREADABLE", "a stored document cannot be read");
}

}  // namespace genofed::access
