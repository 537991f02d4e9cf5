// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/beacon_parameters.h"

#include <algorithm>
#include <optional>

#include "libs/core/strings.h"
#include "libs/genomics/variant.h"

namespace genofed::gateway::beacon {
namespace {

using nlohmann::json;
namespace v1 = discovery::v1;

constexpr std::size_t kMaxBases = 1000;

// start and end: an integer, a string of comma-joined integers, or a list of either.
Result<std::vector<std::int64_t>> Positions(const json& value, std::string_view field) {
  std::vector<std::int64_t> out;
  const auto take = [&](const json& one) -> Status {
    GF_ASSIGN(const std::int64_t position, Integer(one, field));
    if (position < 0 || position > genomics::kMaxPosition) return Wrong(field, "is out of range");
    out.push_back(position);
    return absl::OkStatus();
  };
  if (value.is_array()) {
    for (const json& one : value) GF_TRY(take(one));
  } else if (value.is_string()) {
    for (std::string_view part : Split(value.get_ref<const std::string&>(), ','))
      GF_TRY(take(json(std::string(part))));
  } else {
    GF_TRY(take(value));
  }
  if (out.size() > 2) return Wrong(field, "has more than two values");
  return out;
}

Result<std::string> Bases(const json& value, std::string_view field) {
  GF_ASSIGN(const std::string text, TextOf(value, field, kMaxBases));
  std::string bases = genomics::UpperBases(text);
  const bool known = std::ranges::all_of(
      bases, [](char c) { return std::string_view("ACGTN").find(c) != std::string_view::npos; });
  if (!known) return Wrong(field, "must be bases A, C, G, T or N");
  return bases;
}

Result<std::vector<std::string>> Texts(const json& value, std::string_view field) {
  std::vector<std::string> out;
  if (value.is_string()) {
    for (std::string_view part : Split(value.get_ref<const std::string&>(), ','))
      out.emplace_back(Trim(part));
    return out;
  }
  if (!value.is_array()) return Wrong(field, "must be a list of strings");
  for (const json& one : value) {
    GF_ASSIGN(std::string text, TextOf(one, field));
    out.push_back(std::move(text));
  }
  return out;
}

}  // namespace

Status Wrong(std::string_view field, std::string_view what) {
  return InvalidField(field, "FIELD_INVALID", "{}", what);
}

Status Unsupported(std::string_view field) {
  return InvalidField(field, "QUERY_UNSUPPORTED",
                      "this kind of query is not supported by this beacon");
}

bool IsBlank(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         ((value.is_array() || value.is_object()) && value.empty());
}

Result<std::int64_t> Integer(const json& value, std::string_view field) {
  if (value.is_number_integer()) {
    if (value.is_number_unsigned() && value.get<std::uint64_t>() > INT64_MAX)
      return Wrong(field, "is out of range");
    return value.get<std::int64_t>();
  }
  if (value.is_string()) {
    auto parsed = ParseInt(Trim(value.get_ref<const std::string&>()));
    if (parsed.ok()) return *parsed;
  }
  return Wrong(field, "must be an integer");
}

Result<std::string> TextOf(const json& value, std::string_view field, std::size_t max) {
  if (!value.is_string()) return Wrong(field, "must be a string");
  auto text = value.get<std::string>();
  if (text.size() > max) return Wrong(field, "is too long");
  return text;
}

template <typename T>
Status VariantParameters::Store(Result<T> value, T* field, const std::string& name) {
  if (!value.ok()) return value.status();
  *field = *std::move(value);
  echo_[name] = *field;
  return absl::OkStatus();
}

Status VariantParameters::Take(const std::string& name, const json& value) {
  if (echo_.contains(name)) return Wrong(name, "is given twice");
  if (name == "start") return Store(Positions(value, name), &start_, name);
  if (name == "end") return Store(Positions(value, name), &end_, name);
  if (name == "referenceBases") return Store(Bases(value, name), &reference_bases_, name);
  if (name == "alternateBases") return Store(Bases(value, name), &alternate_bases_, name);
  if (name == "referenceName") return Store(TextOf(value, name), &reference_name_, name);
  if (name == "assemblyId") return Store(TextOf(value, name), &assembly_id_, name);
  if (name == "datasets") return Store(Texts(value, name), &datasets_, name);
  return Unsupported(name);
}

Status VariantParameters::Fill(BeaconEntry entry, v1::QueryRequest* query) const {
  for (const std::string& dataset : datasets_) query->add_datasets(dataset);
  const bool places = !reference_name_.empty() || !start_.empty() || !end_.empty() ||
                      !reference_bases_.empty() || !alternate_bases_.empty();
  if (!places && entry == BeaconEntry::kIndividual) return absl::OkStatus();
  GF_TRY(CheckComplete());
  v1::VariantQuery* variant = query->mutable_variant();
  GF_TRY(FillSequence(variant));
  variant->set_start(start_[0]);
  if (!end_.empty()) variant->set_end(end_[0]);
  variant->set_reference_bases(reference_bases_);
  variant->set_alternate_bases(alternate_bases_);
  return absl::OkStatus();
}

Status VariantParameters::CheckComplete() const {
  if (reference_name_.empty())
    return InvalidField("referenceName", "QUERY_INCOMPLETE", "must be given");
  if (start_.empty()) return InvalidField("start", "QUERY_INCOMPLETE", "must be given");
  if (start_.size() > 1 || end_.size() > 1) return Unsupported("start");  // bracket queries
  if (end_.empty() && alternate_bases_.empty()) {
    return InvalidField("alternateBases", "QUERY_INCOMPLETE",
                        "must be given with start, unless end is");
  }
  if (!end_.empty() && end_[0] <= start_[0]) return Wrong("end", "must be greater than start");
  return absl::OkStatus();
}

Status VariantParameters::FillSequence(v1::VariantQuery* variant) const {
  auto contig = genomics::NormaliseContig(reference_name_);
  if (!contig.ok())
    return InvalidField("referenceName", "CONTIG_INVALID", "is not the name of a sequence");
  variant->set_contig(*contig);
  std::optional<genomics::Assembly> assembly = genomics::AssemblyOfAccession(reference_name_);
  if (!assembly_id_.empty()) {
    const auto named = genomics::ParseAssembly(assembly_id_);
    if (!named) return Wrong("assemblyId", "is not an assembly that this beacon knows");
    if (assembly && *assembly != *named) return Wrong("assemblyId", "contradicts referenceName");
    assembly = named;
  }
  if (assembly) variant->set_assembly(std::string(genomics::AssemblyName(*assembly)));
  return absl::OkStatus();
}

Status TakeParameters(const json& parameters, VariantParameters* out) {
  if (IsBlank(parameters)) return absl::OkStatus();
  if (!parameters.is_object()) return Wrong("requestParameters", "must be an object");
  for (const auto& [name, value] : parameters.items()) {
    if (name == "$schema" || IsBlank(value)) continue;
    if (name == "g_variant") {
      GF_TRY(TakeParameters(value, out));
    } else {
      GF_TRY(out->Take(name, value));
    }
  }
  return absl::OkStatus();
}

}  // namespace genofed::gateway::beacon
