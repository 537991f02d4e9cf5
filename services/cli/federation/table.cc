// SPDX-License-Identifier: Apache-2.0
#include "services/cli/federation/table.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "libs/core/file.h"

namespace genofed::federation {
namespace {

using Json = nlohmann::json;

Json Load(const std::filesystem::path& file) {
  auto text = ReadFile(file, 4U << 20);
  return text.ok() ? Json::parse(*text, nullptr, false) : Json();
}

std::string Text(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

Json Member(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) ? object[name] : Json();
}

}  // namespace

std::string AddressTable(const std::filesystem::path& var) {
  Json federation = Load(var / "federation.json");
  if (!federation.is_object()) return "It is still starting.\n";
  std::string table = fmt::format("\n  {:<6}{:<18}{}\n", "site", "", "REST and portal");
  auto row = [&](const Json& site) {
    table += fmt::format("  {:<6}{:<18}{}\n", Text(site, "site"), Text(site, "title"), Text(site, "rest"));
  };
  row(Member(federation, "hub"));
  for (const Json& node : Member(federation, "nodes")) row(node);
  table += fmt::format("  {:<6}{:<18}{}\n\n", "login", "OpenID provider", Text(Member(federation, "oidc"), "issuer"));
  table += fmt::format("  addresses and tokens  {}\n", (var / "federation.json").string());
  table += fmt::format("  certificates          {}\n\n", Text(federation, "ca_file"));
  return table;
}

std::string ProcessTable(const std::filesystem::path& var) {
  std::string table = fmt::format("  {:<18}{:<20}{:>9}  {}\n", "process", "state", "restarts", "last end");
  for (const Json& process : Member(Load(var / "status.json"), "processes")) {
    Json restarts = Member(process, "restarts");
    table += fmt::format("  {:<18}{:<20}{:>9}  {}\n", Text(process, "name"), Text(process, "state"),
                         restarts.is_number_integer() ? restarts.get<int>() : 0, Text(process, "last_exit"));
  }
  return table;
}

bool AllReady(const std::filesystem::path& var) {
  Json processes = Member(Load(var / "status.json"), "processes");
  if (!processes.is_array() || processes.empty()) return false;
  for (const Json& process : processes) {
    if (Text(process, "state") != "ready") return false;
  }
  return true;
}

}  // namespace genofed::federation
