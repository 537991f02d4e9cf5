// SPDX-License-Identifier: Apache-2.0
#include "services/spe/adapters/oci_config.h"

#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "services/spe/adapters/cgroup.h"
#include "services/spe/adapters/seccomp_profile.h"

namespace genofed::spe {
namespace {

using Json = nlohmann::json;

// Never above our own hard limit: raising one needs CAP_SYS_RESOURCE, which the service may not
// have.
Json ResourceLimit(const char* name, int resource, std::uint64_t wanted) {
  rlimit ours{};
  if (getrlimit(static_cast<__rlimit_resource_t>(resource), &ours) == 0) {
    wanted = std::min<std::uint64_t>(wanted, ours.rlim_max);
  }
  return {{"type", name}, {"soft", wanted}, {"hard", wanted}};
}

Json Mount(const char* destination, const char* type, const std::string& source,
           std::vector<std::string> options) {
  return {{"destination", destination},
          {"type", type},
          {"source", source},
          {"options", std::move(options)}};
}

Json Mounts(const TaskSpec& spec, const BundlePaths& paths) {
  Json mounts = Json::array();
  mounts.push_back(Mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  mounts.push_back(
      Mount("/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "strictatime", "mode=755", "size=64k"}));
  // Owned by the task's user, because runc gives the mount the mode of the directory beneath,
  // whatever mode= says.
  mounts.push_back(Mount("/tmp", "tmpfs", "tmpfs",
                         {"nosuid", "noexec", "nodev", fmt::format("uid={}", kTaskUser),
                          fmt::format("gid={}", kTaskUser),
                          fmt::format("size={}", spec.limits.tmp_bytes), "nr_inodes=16384"}));
  const std::vector<std::string> read_only = {"bind", "ro", "nosuid", "noexec", "nodev"};
  mounts.push_back(Mount("/in", "bind", paths.input_dir.string(), read_only));
  for (const TaskInput& input : spec.inputs) {
    const std::string inside = "/in/" + input.name;
    mounts.push_back(Mount(inside.c_str(), "bind", input.host_path.string(), read_only));
  }
  mounts.push_back(Mount("/out", "bind", paths.output_dir.string(),
                         {"bind", "rw", "nosuid", "noexec", "nodev"}));
  return mounts;
}

Json Environment(const TaskSpec& spec, const std::vector<std::string>& image_environment) {
  std::map<std::string, std::string> merged = {{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                               {"HOME", "/tmp"}};
  for (const std::string& entry : image_environment) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos && equals > 0)
      merged[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  for (const auto& [name, value] : spec.environment) merged[name] = value;
  Json list = Json::array();
  for (const auto& [name, value] : merged) list.push_back(name + "=" + value);
  return list;
}

Json Process(const TaskSpec& spec, const std::vector<std::string>& image_environment) {
  Json none = Json::array();
  Json capabilities = {{"bounding", none},
                       {"effective", none},
                       {"inheritable", none},
                       {"permitted", none},
                       {"ambient", none}};
  Json limits = Json::array();
  limits.push_back(ResourceLimit("RLIMIT_CORE", RLIMIT_CORE, 0));
  limits.push_back(ResourceLimit(
      "RLIMIT_FSIZE", RLIMIT_FSIZE,
      static_cast<std::uint64_t>(std::max(spec.limits.output_bytes, spec.limits.tmp_bytes))));
  limits.push_back(ResourceLimit("RLIMIT_NOFILE", RLIMIT_NOFILE, 4096));
  limits.push_back(ResourceLimit("RLIMIT_MEMLOCK", RLIMIT_MEMLOCK, 64U << 10));
  limits.push_back(ResourceLimit("RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE, 0));
  return {{"terminal", false},
          {"user", {{"uid", kTaskUser}, {"gid", kTaskUser}, {"umask", 0077}}},
          {"args", spec.command},
          {"env", Environment(spec, image_environment)},
          {"cwd", "/tmp"},
          {"capabilities", capabilities},
          {"rlimits", limits},
          {"noNewPrivileges", true},
          // When the machine runs out of memory, tasks die before the services and the database.
          {"oomScoreAdj", 800}};
}

Json Resources(const TaskLimits& limits) {
  constexpr std::int64_t kPeriodMicros = 100'000;
  Json memory = {{"limit", limits.memory_bytes}};
  if (Cgroup::LimitsSwap())
    memory["swap"] = limits.memory_bytes;  // memory and swap together: no swap
  Json resources = {
      {"devices", Json::array({{{"allow", false}, {"access", "rwm"}}})},
      {"memory", memory},
      {"cpu", {{"quota", limits.cpu_millis * kPeriodMicros / 1000}, {"period", kPeriodMicros}}},
      {"pids", {{"limit", limits.pids}}}};
  if (Cgroup::Unified()) resources["unified"] = {{"memory.oom.group", "1"}};
  return resources;
}

Json Linux(const TaskSpec& spec, const BundlePaths& paths) {
  Json namespaces = Json::array();
  for (const char* type : {"user", "pid", "network", "mount", "ipc", "uts", "cgroup"}) {
    namespaces.push_back({{"type", type}});
  }
  Json mapping =
      Json::array({{{"containerID", 0}, {"hostID", kMappedIdBase}, {"size", kMappedIdCount}}});
  return {{"namespaces", namespaces},
          {"uidMappings", mapping},
          {"gidMappings", mapping},
          {"cgroupsPath", paths.cgroup},
          {"resources", Resources(spec.limits)},
          {"seccomp", SeccompProfile()},
          {"rootfsPropagation", "private"},
          {"maskedPaths",
           {"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys",
            "/proc/latency_stats", "/proc/sched_debug", "/proc/scsi", "/proc/timer_list",
            "/proc/timer_stats"}},
          {"readonlyPaths",
           {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}};
}

}  // namespace

std::string OciConfig(const TaskSpec& spec, const std::vector<std::string>& image_environment,
                      const BundlePaths& paths) {
  const Json config = {{"ociVersion", "1.0.2"},
                       {"process", Process(spec, image_environment)},
                       {"root", {{"path", paths.rootfs.string()}, {"readonly", true}}},
                       {"hostname", "task"},
                       {"mounts", Mounts(spec, paths)},
                       {"linux", Linux(spec, paths)}};
  return config.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace genofed::spe
