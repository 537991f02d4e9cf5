// SPDX-License-Identifier: Apache-2.0
#include "services/access/adapters/json_codec.h"

#include <nlohmann/json.hpp>

#include "libs/crypto/strict_json.h"

namespace genofed::access {
namespace {

using Json = nlohmann::json;  // keeps object keys sorted

constexpr std::size_t kMaxFrozen = 256U << 10;

}  // namespace

std::string JsonApplicationCodec::Freeze(const Application& application) const {
  const Content& content = application.content;
  Json json = {{"format", "genofed-application-1"},
               {"id", application.id},
               {"applicant",
                {{"iss", application.applicant_issuer},
                 {"sub", application.applicant_subject},
                 {"name", application.applicant_name}}},
               {"organisation", application.organisation},
               {"title", content.title},
               {"purpose", content.purpose},
               {"lay_summary", content.lay_summary},
               {"purpose_code", content.purpose_code},
               {"datasets", content.datasets},
               {"duration_days", content.duration_days}};
  // Left out when there are none: applications of before they were asked for keep their digest.
  if (!content.conditions_met.empty()) json["conditions_met"] = content.conditions_met;
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<Application> JsonApplicationCodec::Thaw(const std::string& frozen) const {
  GF_ASSIGN(Json json, crypto::ParseStrictJson(frozen, {.max_bytes = kMaxFrozen, .max_depth = 4}));
  try {
    Application application;
    application.id = json.at("id").get<std::string>();
    application.applicant_issuer = json.at("applicant").at("iss").get<std::string>();
    application.applicant_subject = json.at("applicant").at("sub").get<std::string>();
    application.applicant_name = json.at("applicant").at("name").get<std::string>();
    application.organisation = json.at("organisation").get<std::string>();
    application.content.title = json.at("title").get<std::string>();
    application.content.purpose = json.at("purpose").get<std::string>();
    application.content.lay_summary = json.at("lay_summary").get<std::string>();
    application.content.purpose_code = json.at("purpose_code").get<std::string>();
    application.content.datasets = json.at("datasets").get<std::vector<std::string>>();
    application.content.duration_days = json.at("duration_days").get<std::int32_t>();
    if (json.contains("conditions_met"))
      application.content.conditions_met = json["conditions_met"].get<std::vector<std::string>>();
    // Anything that Freeze would not write is content nobody would see.
    if (Freeze(application) != frozen) {
      return Error(StatusCode::kInvalidArgument, "APPLICATION_NOT_CANONICAL",
                   "the frozen application is not canonical");
    }
    return application;
  } catch (const Json::exception&) {
    return Error(StatusCode::kInvalidArgument, "APPLICATION_NOT_CANONICAL",
                 "the frozen application is not complete");
  }
}

}  // namespace genofed::access
