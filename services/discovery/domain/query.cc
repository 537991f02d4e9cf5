// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/query.h"

#include <algorithm>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"
#include "libs/genomics/normalise.h"

namespace genofed::discovery {
namespace {

using genomics::kMaxPosition;

bool IsTerm(std::string_view term) {
  auto colon = term.find(':');
  if (term.size() > 64 || colon == 0 || colon == std::string_view::npos || colon + 1 == term.size())
    return false;
  return std::all_of(term.begin(), term.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// Only A, C, G and T: an N would stand for four alleles, each with a count of its own.
Status CheckBases(std::string_view field, const std::string& bases) {
  if (bases.size() > kMaxQueryBases) {
    return InvalidField(field, "BASES_TOO_LONG", "at most {} bases", kMaxQueryBases);
  }
  if (bases.find_first_not_of("ACGT") != std::string::npos) {
    return InvalidField(field, "BASES_INVALID", "only the bases A, C, G and T are understood");
  }
  return absl::OkStatus();
}

Status CheckPlace(const RawVariant& raw) {
  if (raw.start < 0 || raw.start >= kMaxPosition) {
    return InvalidField("variant.start", "POSITION_INVALID", "must be within 0 and {}",
                        kMaxPosition);
  }
  if (raw.end == 0) {
    if (raw.alt.empty()) {
      return InvalidField("variant.alternate_bases", "ALLELE_MISSING",
                          "a start without an end needs alternate bases");
    }
    return absl::OkStatus();
  }
  if (raw.end <= raw.start || raw.end > kMaxPosition) {
    return InvalidField("variant.end", "POSITION_INVALID", "must lie behind start");
  }
  if (raw.end - raw.start > kMaxRangeBases) {
    return InvalidField("variant.end", "RANGE_TOO_LONG", "at most {} bases", kMaxRangeBases);
  }
  return absl::OkStatus();
}

Status MakeExact(VariantPattern& pattern) {
  genomics::Variant variant{pattern.contig, pattern.start, pattern.ref, pattern.alt};
  // The index was left-aligned with a reference, which a query has not: an indel inside a repeat
  // must come aligned.
  Status trimmed = genomics::NormaliseVariant(variant, nullptr);
  if (!trimmed.ok()) {
    return InvalidField("variant.alternate_bases", "VARIANT_INVALID",
                        "must differ from the reference bases");
  }
  pattern.form = VariantPattern::Form::kExact;
  pattern.start = variant.pos;
  pattern.end = variant.end();
  pattern.ref = variant.ref;
  pattern.alt = variant.alt;
  return absl::OkStatus();
}

Result<VariantPattern> ValidateVariant(const RawVariant& raw) {
  VariantPattern pattern;
  if (!raw.assembly.empty()) {
    pattern.assembly = genomics::ParseAssembly(raw.assembly);
    if (!pattern.assembly)
      return InvalidField("variant.assembly", "ASSEMBLY_UNKNOWN", "GRCh37 and GRCh38 are known");
  } else {
    pattern.assembly = genomics::AssemblyOfAccession(raw.contig);
  }
  auto contig = genomics::NormaliseContig(raw.contig);
  if (!contig.ok())
    return InvalidField("variant.contig", "CONTIG_INVALID",
                        "must name a sequence such as 20, X or MT");
  pattern.contig = *contig;
  GF_TRY(CheckPlace(raw));
  pattern.start = raw.start;
  pattern.end = raw.end;
  pattern.ref = genomics::UpperBases(raw.ref);
  pattern.alt = genomics::UpperBases(raw.alt);
  GF_TRY(CheckBases("variant.reference_bases", pattern.ref));
  GF_TRY(CheckBases("variant.alternate_bases", pattern.alt));
  auto ref_end = raw.start + static_cast<std::int64_t>(pattern.ref.size());
  if (!pattern.ref.empty() && !pattern.alt.empty() && (raw.end == 0 || raw.end == ref_end)) {
    GF_TRY(MakeExact(pattern));
  } else {
    pattern.form = raw.end == 0 ? VariantPattern::Form::kAtStart : VariantPattern::Form::kRange;
    if (raw.end == 0) pattern.end = raw.start + 1;
  }
  return pattern;
}

}  // namespace

const char* EntityName(Entity entity) {
  return entity == Entity::kVariant ? "variant" : "individual";
}

const char* GranularityName(Granularity granularity) {
  switch (granularity) {
    case Granularity::kBoolean:
      return "boolean";
    case Granularity::kCount:
      return "count";
    case Granularity::kRecord:
      return "record";
  }
  return "boolean";
}

bool Query::Wants(const std::string& dataset) const {
  return datasets.empty() || std::find(datasets.begin(), datasets.end(), dataset) != datasets.end();
}

Result<Query> Validate(const RawQuery& raw) {
  if (!raw.entity) return InvalidField("entity", "ENTITY_MISSING", "must be variant or individual");
  Query query;
  query.entity = *raw.entity;
  query.granularity = raw.granularity;
  if (raw.variant) {
    GF_ASSIGN(query.variant, ValidateVariant(*raw.variant));
  } else if (query.entity == Entity::kVariant) {
    return InvalidField("variant", "VARIANT_MISSING", "say which variant or range");
  }
  if (raw.filters.size() > kMaxFilters) {
    return InvalidField("filters", "TOO_MANY_FILTERS", "at most {} filters", kMaxFilters);
  }
  for (std::size_t i = 0; i < raw.filters.size(); ++i) {
    if (!IsTerm(raw.filters[i])) {
      return InvalidField(fmt::format("filters[{}]", i), "FILTER_INVALID",
                          "must be a term such as HP:0001250");
    }
  }
  query.filters = raw.filters;
  std::sort(query.filters.begin(), query.filters.end());
  query.filters.erase(std::unique(query.filters.begin(), query.filters.end()), query.filters.end());
  if (raw.datasets.size() > kMaxDatasets) {
    return InvalidField("datasets", "TOO_MANY_DATASETS", "at most {} datasets", kMaxDatasets);
  }
  query.datasets = raw.datasets;
  if (raw.sites.size() > kMaxSites)
    return InvalidField("sites", "TOO_MANY_SITES", "at most {} sites", kMaxSites);
  query.sites = raw.sites;
  return query;
}

std::string Canonical(const Query& query) {
  // Subject-level queries count other people than those about alleles alone.
  std::string text = query.IsSubjectLevel() ? "people" : "alleles";
  if (query.variant) {
    const VariantPattern& variant = *query.variant;
    // The assembly is the dataset's own, whether it was named or not.
    text += fmt::format("|{}:{}-{}:{}>{}", variant.contig, variant.start, variant.end, variant.ref,
                        variant.alt);
    if (variant.form != VariantPattern::Form::kExact)
      text += variant.form == VariantPattern::Form::kRange ? ":range" : ":start";
  }
  for (const std::string& filter : query.filters) text += "|" + filter;
  return text;
}

std::string AccountOf(std::string_view issuer, std::string_view subject,
                      std::string_view organisation) {
  const bool shared = !organisation.empty();
  return HexEncode(crypto::Sha256(fmt::format("genofed account|{}:{}|{}|{}", issuer.size(), issuer,
                                              shared ? "organisation" : "subject",
                                              shared ? organisation : subject)));
}

bool IsAccount(std::string_view text) {
  if (text == kAnonymous) return true;
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool DatasetNamesCountry(const std::string& dataset, const std::string& country) {
  auto parts = Split(dataset, '-');
  return dataset.size() <= 64 && parts.size() == 4 && parts[1] == country && country.size() == 2;
}

}  // namespace genofed::discovery
