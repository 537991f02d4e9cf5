// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/fhir.h"

#include <functional>

#include "libs/clinical/fhir_resources.h"

namespace genofed::clinical {
namespace {

// Of what the resource says; its version and its narrative are about it.
std::size_t HashOf(const JsonNode& node, bool top) {
  std::size_t hash = static_cast<std::size_t>(node.kind) * 31 + std::hash<std::string>()(node.text) + (node.flag ? 1 : 0);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    if (node.is_object() && top && (node.keys[i] == "meta" || node.keys[i] == "text")) continue;
    std::size_t item = HashOf(node.items[i], false);
    // The order of members means nothing, that of elements does.
    if (node.is_object()) hash += (item ^ std::hash<std::string>()(node.keys[i])) * 0x9e3779b97f4a7c15U;
    else hash = hash * 1099511628211U + item;
  }
  return hash;
}

}  // namespace

void FhirReader::TakeEntry(const JsonNode& entry, Collector& out) {
  Record& record = out.RecordOf(out.origin());
  const JsonNode* request = entry.Find("request");
  if (request != nullptr && request->Text("method") == "DELETE") {
    return out.Note("ENTRY_DELETED", "request.method", "left out: the entry deletes its resource");
  }
  const JsonNode* resource = entry.Find("resource");
  if (resource == nullptr) return out.Note("ENTRY_WITHOUT_RESOURCE", "", "left out: the entry has no resource");
  record.in_resource = true;
  record.line = resource->line;
  if (!resource->is_object() || resource->Text("resourceType").empty()) {
    return out.Warn("FHIR_INVALID", "resourceType", "is required");
  }
  Take(*resource, std::string(entry.Text("fullUrl")), out);
}

void FhirReader::TakeResource(const JsonNode& resource, Collector& out) { Take(resource, "", out); }

void FhirReader::TakeBundle(const JsonNode& bundle, Collector& out) {
  const JsonNode* entry = bundle.Find("entry");
  if (entry != nullptr && !entry->is_array()) out.Warn("FHIR_INVALID", "entry", "must be an array");
  if (bundle.Text("type").empty()) out.Warn("FHIR_INVALID", "type", "is required");
}

void FhirReader::EndFile(Collector& out) {
  for (const auto& [type, count] : not_used_) {
    (void)type;
    out.AddCounted("RESOURCE_NOT_USED", "left out: resources of types that are not used here", count);
  }
  not_used_.clear();
}

bool FhirReader::IsNewest(const JsonNode& resource, std::string_view type, Collector& out) {
  const std::string_view id = resource.Text("id");
  if (id.empty()) return true;
  const JsonNode* meta = resource.Find("meta");
  Seen now{out.origin(), meta == nullptr ? "" : std::string(meta->Text("lastUpdated")), HashOf(resource, true), false};
  auto [found, fresh] = seen_.try_emplace(fmt::format("{}/{}", type, id), now);
  if (fresh) return true;
  Seen& before = found->second;
  if (before.hash == now.hash && !before.conflict) {
    out.Note("DUPLICATE_RESOURCE", "id", "left out: the same resource was read before");
    return false;
  }
  const auto a = ParseRfc3339(before.last_updated);
  const auto b = ParseRfc3339(now.last_updated);
  if (a.ok() && b.ok() && *a != *b) {
    if (*b < *a) {
      out.Note("RESOURCE_SUPERSEDED", "id", "left out: a newer version of the resource is in the file");
      return false;
    }
    out.AddAt(before.origin, Severity::kNote, "RESOURCE_SUPERSEDED", "id", "left out: a newer version of the resource is in the file");
    out.Revoke(before.origin);
    before = now;
    return true;
  }
  // What two records say about one person is compared value by value later.
  if (type == "Patient") return true;
  if (!before.conflict) {
    out.AddAt(before.origin, Severity::kWarning, "RESOURCE_CONFLICT", "id", "another resource of the file has the same id and says something else");
    out.Revoke(before.origin);
    before.conflict = true;
  }
  out.Warn("RESOURCE_CONFLICT", "id", "another resource of the file has the same id and says something else");
  return false;
}

void FhirReader::Take(const JsonNode& resource, const std::string& full_url, Collector& out) {
  out.RecordOf(out.origin()).fields = &kFhirFields;
  const std::string_view type = resource.Text("resourceType");
  const bool used = type == "Patient" || type == "Condition" || type == "Observation" || type == "Specimen" ||
                    type == "Consent";
  if (type == "FamilyMemberHistory") {
    return out.Note("OTHER_SUBJECT", "", "left out: it is about a relative");
  }
  if (!used) {
    ++not_used_[std::string(type)];
    return;
  }
  if (!IsNewest(resource, type, out)) return;
  for (const char* name : {"modifierExtension", "implicitRules"}) {
    if (resource.Find(name) == nullptr) continue;
    return out.Warn("MODIFIER_NOT_UNDERSTOOD", name, "may turn the meaning of the resource round");
  }
  for (const JsonNode& contained : resource.Array("contained")) {
    if (contained.Text("resourceType") == "Patient") continue;
    out.Note("CONTAINED_NOT_USED", "contained", "left out: resources within a resource");
    break;
  }
  if (type == "Patient") TakePatient(resource, full_url, out);
  if (type == "Condition") TakeCondition(resource, out);
  if (type == "Observation") TakeObservation(resource, out);
  if (type == "Specimen") TakeSpecimen(resource, out);
  if (type == "Consent") TakeConsent(resource, out);
}

}  // namespace genofed::clinical
