// SPDX-License-Identifier: Apache-2.0
//
// Messages as JSON documents in the database.
#pragma once

#include <google/protobuf/message.h>

#include <string>

#include "libs/core/status.h"

namespace genofed::access {

std::string ToDocument(const google::protobuf::Message& message);
Status FromDocument(const std::string& document, google::protobuf::Message* message);

}  // namespace genofed::access
