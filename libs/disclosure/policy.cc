// SPDX-License-Identifier: Apache-2.0
#include "libs/disclosure/policy.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "libs/crypto/strict_json.h"
#include "libs/disclosure/budget.h"

namespace genofed::disclosure {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* kFormat = "genofed-privacy-policy";
constexpr std::int64_t kMaxPeople = 1'000'000;

Status Invalid(std::string_view path, std::string_view what) {
  return InvalidField(path, "POLICY_INVALID", "{}", what);
}

// Reads the members of one object and remembers which it knows.
class Reader {
 public:
  Reader(const json& object, std::string path) : object_(object), path_(std::move(path)) {}

  template <typename T>
  void Integer(const char* name, std::int64_t min, std::int64_t max, T& out) {
    const json* value = Take(name);
    if (value == nullptr) return;
    if (!value->is_number_integer() || *value < min || *value > max)
      return Fail(name, fmt::format("must be a whole number from {} to {}", min, max));
    out = value->get<T>();
  }
  void Real(const char* name, double min, double max, double& out) {
    const json* value = Take(name);
    if (value == nullptr) return;
    if (!value->is_number() || !(value->get<double>() >= min) || !(value->get<double>() <= max))
      return Fail(name, fmt::format("must be a number from {} to {}", min, max));
    out = value->get<double>();
  }
  // A positive number, or null for none (0).
  void Epsilon(const char* name, double& out) {
    const json* value = Take(name);
    if (value == nullptr) return;
    if (value->is_null()) {
      out = 0;
    } else if (!value->is_number() || !(value->get<double>() >= 0.001) ||
               !(value->get<double>() <= 100)) {
      Fail(name, "must be a number from 0.001 to 100, or null for no noise");
    } else {
      out = value->get<double>();
    }
  }
  void Flag(const char* name, bool& out) {
    const json* value = Take(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return Fail(name, "must be true or false");
    out = value->get<bool>();
  }
  void Text(const char* name, std::string& out) {
    const json* value = Take(name);
    if (value == nullptr) return;
    if (!value->is_string() || value->get_ref<const std::string&>().size() > 200)
      return Fail(name, "must be a string of at most 200 bytes");
    out = value->get<std::string>();
  }
  const json& Object(const char* name) {
    static const json kEmpty = json::object();
    const json* value = Take(name);
    if (value == nullptr) return kEmpty;
    if (value->is_object()) return *value;
    Fail(name, "must be an object");
    return kEmpty;
  }
  Status Done() {
    for (const auto& [name, value] : object_.items()) {
      if (!known_.contains(name)) Fail(name, "is not known");
    }
    return status_;
  }

 private:
  const json* Take(const char* name) {
    known_.insert(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void Fail(std::string_view name, std::string_view what) {
    status_.Update(Invalid(path_ + std::string(name), what));
  }

  const json& object_;
  const std::string path_;
  std::set<std::string, std::less<>> known_;
  Status status_;
};

Status CheckTogether(const Policy& policy) {
  if (policy.HasNoise() && static_cast<double>(policy.noise_bound) * policy.epsilon < 1)
    return Invalid("counts.noise_bound", "must be at least 1/epsilon, or the noise is cut away");
  if (policy.HasBudget() && !policy.HasNoise())
    return Invalid("budget.auc", "a budget needs noise: set counts.epsilon, or auc to 1");
  if (policy.HasBudget() && policy.frequency_epsilon == 0)
    return Invalid("budget.auc", "a budget needs noise: set frequencies.epsilon, or auc to 1");
  if (policy.HasBudget() && WorstCharge(policy) > BudgetOf(policy)) {
    return Invalid("budget.auc",
                   fmt::format("a single answer can tell more than all may: {:.4f} of {:.4f} nats; "
                               "lower epsilon or raise auc",
                               WorstCharge(policy), BudgetOf(policy)));
  }
  return absl::OkStatus();
}

}  // namespace

Policy NoControl() {
  Policy policy;
  policy.name = "no disclosure control";
  policy.floor = 1;
  policy.epsilon = policy.frequency_epsilon = 0;
  policy.noise_bound = 0;
  policy.step = 1;
  policy.relative_step = 0;
  policy.genotypes = true;
  policy.auc = 1;
  policy.batch = 1;
  policy.table = true;
  policy.table_auc = 1;
  policy.table_versions = 1'000;
  policy.answer_microseconds = 0;
  return policy;
}

Result<Policy> ParsePolicy(std::string_view text) {
  GF_ASSIGN(const json document, crypto::ParseStrictJson(text));
  if (!document.is_object()) return Invalid("policy", "must be an object");
  if (document.value("format", json()) != kFormat || document.value("version", json()) != 1)
    return Invalid("format", fmt::format("must be {}, version 1", kFormat));
  Policy policy;
  std::string format;
  std::int64_t version = 0;
  Reader top(document, "");
  top.Text("format", format);
  top.Integer("version", 1, 1, version);
  top.Text("name", policy.name);
  top.Integer("floor", 1, kMaxPeople, policy.floor);
  top.Integer("new_people", 1, kMaxPeople, policy.batch);
  top.Integer("answer_microseconds", 0, 1'000'000, policy.answer_microseconds);

  Reader counts(top.Object("counts"), "counts.");
  counts.Epsilon("epsilon", policy.epsilon);
  counts.Integer("noise_bound", 0, kMaxPeople, policy.noise_bound);
  counts.Integer("step", 1, kMaxPeople, policy.step);
  counts.Real("relative_step", 0, 0.5, policy.relative_step);

  Reader frequencies(top.Object("frequencies"), "frequencies.");
  frequencies.Epsilon("epsilon", policy.frequency_epsilon);
  frequencies.Flag("genotypes", policy.genotypes);

  Reader budget(top.Object("budget"), "budget.");
  budget.Real("auc", 0.501, 1, policy.auc);
  budget.Integer("days", 1, 3660, policy.budget_days);
  budget.Real("everybody", 1, 1e6, policy.everybody);

  Reader table(top.Object("frequency_table"), "frequency_table.");
  table.Flag("publish", policy.table);
  table.Real("auc", 0.501, 1, policy.table_auc);
  table.Integer("versions", 1, 1'000, policy.table_versions);

  for (Reader* reader : {&top, &counts, &frequencies, &budget, &table}) GF_TRY(reader->Done());
  GF_TRY(CheckTogether(policy));
  return policy;
}

std::string WritePolicy(const Policy& policy) {
  auto epsilon = [](double value) {
    return value > 0 ? ordered_json(value) : ordered_json(nullptr);
  };
  const ordered_json document = {
      {"format", kFormat},
      {"version", 1},
      {"name", policy.name},
      {"floor", policy.floor},
      {"counts",
       {{"epsilon", epsilon(policy.epsilon)},
        {"noise_bound", policy.noise_bound},
        {"step", policy.step},
        {"relative_step", policy.relative_step}}},
      {"frequencies",
       {{"epsilon", epsilon(policy.frequency_epsilon)}, {"genotypes", policy.genotypes}}},
      {"budget",
       {{"auc", policy.auc}, {"days", policy.budget_days}, {"everybody", policy.everybody}}},
      {"new_people", policy.batch},
      {"frequency_table",
       {{"publish", policy.table}, {"auc", policy.table_auc}, {"versions", policy.table_versions}}},
      {"answer_microseconds", policy.answer_microseconds}};
  return document.dump(2) + "\n";
}

}  // namespace genofed::disclosure
