// SPDX-License-Identifier: Apache-2.0
//
// What a statement says besides permissions and dates, as the text of the column `terms`.
#pragma once

#include <string>

#include "libs/consent/decide.h"

namespace genofed::consent {

// Empty when there is nothing.
std::string WriteTerms(const Statement& statement);
// DataLoss TERMS_BROKEN: what cannot be read must not be taken for nothing.
Status ReadTerms(const std::string& terms, Statement& statement);

}  // namespace genofed::consent
