// SPDX-License-Identifier: Apache-2.0
// Internal to libs/sql: the only header that names the driver's result.
#pragma once

#include <pqxx/result>

namespace genofed::sql {

struct ResultData {
  pqxx::result result;
};

}  // namespace genofed::sql
