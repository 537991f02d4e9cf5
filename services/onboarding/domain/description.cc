// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/domain/description.h"

#include <algorithm>

#include "libs/core/strings.h"

namespace genofed::onboarding {
namespace {

constexpr std::size_t kMaxText = 10'000;
constexpr std::size_t kMaxList = 50;
constexpr std::size_t kMaxId = 64;
constexpr std::size_t kMaxReference = 500;

bool All(std::string_view text, char low, char high) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) { return c >= low && c <= high; });
}

bool IsDatasetId(std::string_view id, std::string_view country) {
  auto parts = Split(id, '-');
  return parts.size() == 4 && (parts[0] == "GOE" || parts[0] == "GDI") && parts[1] == country &&
         All(parts[2], 'A', 'Z') && All(parts[3], '0', '9') && id.size() <= kMaxId;
}

bool IsEmail(std::string_view text) {
  auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() && text.size() <= 254 &&
         text.find_first_of(" \t\r\n<>") == std::string_view::npos && IsUtf8(text);
}

// Printable text: PostgreSQL and log readers have no use for control characters.
bool IsText(std::string_view text) {
  return text.size() <= kMaxText && IsUtf8(text) && std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t' || c == '\r';
         });
}

class Checker {
 public:
  void Add(std::string_view field, std::string_view message) {
    status_ = WithField(std::move(status_), fmt::format("dataset.{}", field), message);
  }
  void RequireText(std::string_view field, const std::string& value) {
    if (Trim(value).empty()) Add(field, "must not be empty");
    else if (!IsText(value)) Add(field, "must be plain UTF-8 text of at most 10,000 bytes");
  }
  Status Done() const { return Fields(status_).empty() ? absl::OkStatus() : status_; }

 private:
  Status status_ = Error(StatusCode::kInvalidArgument, "DESCRIPTION_INVALID", "the description is not acceptable");
};

}  // namespace

Status Validate(const Description& description, std::string_view country) {
  Checker check;
  if (!IsDatasetId(description.id, country)) {
    check.Add("id", fmt::format("must be (GOE|GDI)-{}-NAME-NUMBER with a name of capital letters", country));
  }
  check.RequireText("title", description.title);
  check.RequireText("description", description.description);
  check.RequireText("publisher", description.publisher);
  if (!IsEmail(description.contact_email)) check.Add("contact_email", "must be an e-mail address");
  if (description.keywords.size() > kMaxList) check.Add("keywords", "at most 50");
  if (description.data_use.size() > kMaxList) check.Add("data_use", "at most 50");
  for (std::size_t i = 0; i < std::min(description.keywords.size(), kMaxList); ++i) {
    check.RequireText(fmt::format("keywords[{}]", i), description.keywords[i]);
  }
  for (std::size_t i = 0; i < std::min(description.data_use.size(), kMaxList); ++i) {
    const std::string& code = description.data_use[i];
    if (!code.starts_with("DUO:") || !All(std::string_view(code).substr(4), '0', '9')) {
      check.Add(fmt::format("data_use[{}]", i), "must be a DUO code such as DUO:0000042");
    }
  }
  if (description.assembly != "GRCh37" && description.assembly != "GRCh38") {
    check.Add("assembly", "must be GRCh37 or GRCh38");
  }
  if (description.evidence.size() > kMaxList) check.Add("evidence", "at most 50");
  for (const auto& [criterion, reference] : description.evidence) {
    const bool named = !criterion.empty() && criterion.size() <= kMaxId &&
                       criterion.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!named || reference.size() > kMaxReference || !IsText(reference)) {
      check.Add("evidence", "must be references of documents, by the name of a criterion");
    }
  }
  return check.Done();
}

}  // namespace genofed::onboarding
