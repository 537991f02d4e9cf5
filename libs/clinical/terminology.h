// SPDX-License-Identifier: Apache-2.0
//
// What codes mean: terms of the Human Phenotype Ontology, and mappings between disease codes with their predicates.
// The product brings tables of its own (data/ontologies); a site can use other releases and add code systems.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libs/clinical/code.h"
#include "libs/core/status.h"

namespace genofed::clinical {

// How a source code relates to what it is mapped to (SSSOM). Only kExact lets one stand for the other.
enum class Predicate : std::uint8_t { kExact, kBroad, kNarrow, kRelated };

struct HpoTerm {
  enum class State : std::uint8_t {
    kCurrent,
    kAlternative,  // an alternative id; `id` is the primary one
    kReplaced,     // obsolete; `id` is the term to use instead
    kObsolete,     // obsolete without a replacement
    kUnknown,
  };
  State state = State::kUnknown;
  std::uint32_t id = 0;  // 1250 of HP:0001250
};

struct Mapping {
  Predicate predicate = Predicate::kExact;
  std::string target;  // "MONDO:0010543", or any code of a table that was added
};

// Immutable once shared; thread-safe for reading.
class Terminology {
 public:
  // The tables of the product; made at the first call.
  static const Terminology& Embedded();
  // Tables in the form of data/ontologies (tab-separated, not compressed). InvalidArgument TERMINOLOGY_INVALID with
  // the line.
  static Result<std::unique_ptr<Terminology>> Parse(std::string_view hpo, std::string_view mappings);

  // Adds a table of a site's own, for example of SNOMED CT or of OMOP concepts. One mapping a line, tab-separated:
  //   source system   code       predicate                        target
  //   SNOMED          84757009   exact|broad|narrow|related       HP:0001250
  // System words are those of CanonicalSystem, or a URL; OMOP concepts have the system "OMOP". '#' begins a comment.
  // InvalidArgument TERMINOLOGY_INVALID with the line.
  Status AddTable(std::string_view table);

  std::string_view hpo_release() const { return hpo_release_; }
  HpoTerm FindHpo(std::uint32_t id) const;
  // The name of a current term, "Seizure"; empty for what is none.
  std::string_view HpoName(std::uint32_t id) const;
  // What a current term is a kind of (is_a); none for the root, and where the table has no such column.
  const std::vector<std::uint32_t>& HpoParents(std::uint32_t id) const;
  // Ids of all current terms, ascending.
  std::vector<std::uint32_t> HpoTerms() const;
  // Whether some other current term has this name (ignoring case), so that id and label contradict each other. A label
  // that no term has proves nothing: it may be a translation, a synonym or the name in another release.
  bool IsNameOfOther(std::string_view label, std::uint32_t id) const;
  // Whether this release has ids in the block of ten thousand that `id` lies in: where new terms get their ids.
  bool InAssignedBlock(std::uint32_t id) const;

  // What a code is mapped to, whatever the predicate. `code` is normalised.
  const std::vector<Mapping>& Find(std::string_view system, std::string_view code) const;
  // Codes ("ORPHA:111") that are the same as a MONDO term; sorted.
  const std::vector<std::string>& ExactCodes(const std::string& mondo) const;

 private:
  Status ParseHpo(std::string_view text);
  Status ParseMappings(std::string_view text);

  std::string hpo_release_;
  std::unordered_map<std::uint32_t, HpoTerm> hpo_;
  std::unordered_map<std::uint32_t, std::vector<std::uint32_t>> hpo_parents_;
  std::unordered_map<std::uint32_t, std::string> hpo_names_;  // of current terms
  std::unordered_map<std::string, std::uint32_t> names_;      // the same, lower case
  std::unordered_map<std::string, std::vector<Mapping>> mappings_;
  std::unordered_map<std::string, std::vector<std::string>> exact_codes_;
};

std::string HpoId(std::uint32_t id);  // "HP:0001250"

}  // namespace genofed::clinical
