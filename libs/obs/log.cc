// SPDX-License-Identifier: Apache-2.0
#include "libs/obs/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "libs/core/random.h"
#include "libs/core/strings.h"

namespace genofed::obs {
namespace {

struct Settings {
  std::string site;
  std::string process;
};

Settings& TheSettings() {
  static Settings settings;
  return settings;
}

spdlog::logger& Logger() {
  static auto logger = [] {
    auto made = std::make_shared<spdlog::logger>("genofed",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::debug);
    return made;
  }();
  return *logger;
}

spdlog::level::level_enum ToSpdlog(Level level) {
  switch (level) {
    case Level::kDebug:
      return spdlog::level::debug;
    case Level::kInfo:
      return spdlog::level::info;
    case Level::kWarn:
      return spdlog::level::warn;
    case Level::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void ConfigureLog(std::string_view site, std::string_view process) {
  TheSettings() = {std::string(site), std::string(process)};
}

Status SetLogLevel(std::string_view level) {
  if (level == "debug")
    Logger().set_level(spdlog::level::debug);
  else if (level == "info" || level.empty())
    Logger().set_level(spdlog::level::info);
  else if (level == "warn")
    Logger().set_level(spdlog::level::warn);
  else if (level == "error")
    Logger().set_level(spdlog::level::err);
  else
    return InvalidField("dynamic.log_level", "LOG_LEVEL_UNKNOWN",
                        "'{}' is not debug, info, warn or error", level);
  return absl::OkStatus();
}

void Log(const Context& ctx, Level level, std::string_view event,
         std::initializer_list<Field> fields) {
  auto spdlog_level = ToSpdlog(level);
  if (!Logger().should_log(spdlog_level)) return;
  nlohmann::ordered_json line = {{"time", FormatRfc3339(SystemClock().Now())},
                                 {"level", spdlog::level::to_string_view(spdlog_level).data()},
                                 {"site", TheSettings().site},
                                 {"process", TheSettings().process},
                                 {"event", std::string(event)},
                                 {"trace_id", ctx.trace_id()}};
  for (const Field& field : fields) {
    std::visit([&](const auto& value) { line[std::string(field.key)] = value; }, field.value);
  }
  Logger().log(spdlog_level, line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

std::string PrincipalTag(const Principal& principal) {
  static const std::size_t salt = [] {
    SystemRandom random;
    std::string bytes = random.Bytes(sizeof(std::size_t));
    return std::hash<std::string>()(bytes);
  }();
  std::string who = principal.workload.site + "/" + principal.workload.service;
  if (principal.user) who += "/" + principal.user->issuer + "/" + principal.user->subject;
  return fmt::format("{:016x}", std::hash<std::string>()(who) ^ salt);
}

}  // namespace genofed::obs
