// SPDX-License-Identifier: Apache-2.0
#include "libs/clinical/json_source.h"

#include <fstream>

#include "libs/clinical/phenopacket_facts.h"
#include "libs/core/strings.h"

namespace genofed::clinical {
namespace {

bool HasAny(const JsonNode& node, std::initializer_list<std::string_view> names) {
  for (std::string_view name : names) {
    if (node.Find(name) != nullptr) return true;
  }
  return false;
}

bool IsPhenopacket(const JsonNode& node) {
  return HasAny(node, {"subject", "phenotypicFeatures", "phenotypic_features", "metaData", "meta_data", "biosamples"});
}

class JsonSource {
 public:
  JsonSource(FhirReader& fhir, Collector& out) : fhir_(fhir), out_(out) {}

  bool Take(const JsonPiece& piece) {
    const JsonNode& node = piece.node;
    // The rest of what was handed over element by element.
    if (piece.part == JsonPiece::Part::kDocument && node.is_array()) return true;
    out_.BeginRecord({node.line, static_cast<std::uint32_t>(piece.index), piece.part});
    if (piece.duplicate_key) {
      out_.Warn("JSON_DUPLICATE_KEY", "", "an object names a member twice; readers disagree about what that means");
      return true;
    }
    if (piece.part == JsonPiece::Part::kEntry) {
      fhir_.TakeEntry(node, out_);
    } else if (!node.Text("resourceType").empty()) {
      if (node.Text("resourceType") != "Bundle") fhir_.TakeResource(node, out_);
      else fhir_.TakeBundle(node, out_);
    } else if (HasAny(node, {"proband"})) {
      TakeFamily(node);
    } else if (IsPhenopacket(node) && !HasAny(node, {"members"})) {
      TakePhenopacket(node, node, out_);
    } else if (!HasAny(node, {"members"})) {
      out_.Warn("JSON_NOT_RECOGNISED", "", "neither a FHIR resource (no resourceType) nor a phenopacket (no subject)");
    }
    return true;
  }

 private:
  // Everybody in a family is a person of their own.
  void TakeFamily(const JsonNode& family) {
    TakePhenopacket(family, *family.Find("proband"), out_);
    for (const JsonNode& relative : family.Array("relatives")) {
      out_.BeginRecord({relative.line, 0, JsonPiece::Part::kDocument});
      TakePhenopacket(family, relative, out_);
    }
  }

  FhirReader& fhir_;
  Collector& out_;
};

void Report(const std::optional<JsonProblem>& problem, Collector& out) {
  // Half a document is none: what it lacks may take back what it says.
  if (problem) out.Add(Severity::kError, problem->code, problem->line, "", problem->message);
}

// Whether each line is a document of its own: then one that is broken does not take the others with it.
bool IsNdjson(std::string_view start) {
  auto next = [&start] {
    std::string_view line;
    while (!start.empty() && line.empty()) {
      const std::size_t end = std::min(start.size(), start.find('\n'));
      line = Trim(start.substr(0, end));
      start.remove_prefix(std::min(start.size(), end + 1));
    }
    return line;
  };
  const std::string_view first = next();
  const std::string_view second = next();
  return first.size() > 1 && first.front() == '{' && !second.empty() && second.front() == '{' &&
         std::string_view("{[,:").find(first.back()) == std::string_view::npos;
}

// Lines of at most a piece.
class LineReader {
 public:
  explicit LineReader(std::ifstream& in) : bytes_(*in.rdbuf()) {}

  bool Next(std::string& line) {
    line.clear();
    ++number_;
    for (int c = bytes_.sbumpc(); c != std::char_traits<char>::eof(); c = bytes_.sbumpc()) {
      if (c == '\n') return true;
      line += static_cast<char>(c);
      if (line.size() > kMaxPieceBytes) return false;
    }
    return !line.empty();
  }
  std::uint32_t number() const { return number_; }
  bool too_long(const std::string& line) const { return line.size() > kMaxPieceBytes; }

 private:
  std::filebuf& bytes_;
  std::uint32_t number_ = 0;
};

// The first lines, two of them with something in them.
std::string Start(std::ifstream& in) {
  LineReader lines(in);
  std::string text, line;
  for (int filled = 0; filled < 2 && text.size() <= kMaxPieceBytes && lines.Next(line);) {
    if (!Trim(line).empty()) ++filled;
    text += line + "\n";
  }
  return text;
}

void ReadLines(std::ifstream& in, JsonSource& source, Collector& out) {
  LineReader lines(in);
  std::string line;
  while (lines.Next(line)) {
    if (Trim(line).empty()) continue;
    const auto problem = ReadJson(line, [&](const JsonPiece& piece) { return source.Take(piece); }, lines.number());
    if (!problem) continue;
    out.BeginRecord({lines.number()});
    out.Add(Severity::kWarning, problem->code, problem->line, "", problem->message);
  }
  if (lines.too_long(line)) {
    out.Add(Severity::kError, "JSON_TOO_LARGE", lines.number(), "", "one resource or phenopacket has at most 16 MiB");
  }
}

}  // namespace

void ReadJsonSource(const std::filesystem::path& path, FhirReader& fhir, Collector& out) {
  JsonSource source(fhir, out);
  fhir.BeginFile();
  std::ifstream in(path, std::ios::binary);
  if (in && IsNdjson(Start(in))) {
    in.clear();
    in.seekg(0);
    ReadLines(in, source, out);
  } else {
    Report(ReadJsonFile(path, [&](const JsonPiece& piece) { return source.Take(piece); }), out);
  }
  fhir.EndFile(out);
}

void ReadJsonText(std::string_view text, FhirReader& fhir, Collector& out) {
  JsonSource source(fhir, out);
  fhir.BeginFile();
  Report(ReadJson(text, [&](const JsonPiece& piece) { return source.Take(piece); }), out);
  fhir.EndFile(out);
}

}  // namespace genofed::clinical
