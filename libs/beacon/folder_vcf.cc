// SPDX-License-Identifier: Apache-2.0
#include "libs/beacon/folder_vcf.h"

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/genomics/variant_names.h"
#include "libs/genomics/vcf_reader.h"

namespace genofed::beacon {
namespace {

using nlohmann::json;

constexpr std::size_t kInfoColumn = 7;

using Info = std::map<std::string, std::string_view, std::less<>>;

Info InfoOf(std::string_view line) {
  for (std::size_t column = 0; column < kInfoColumn; ++column) {
    const auto tab = line.find('\t');
    if (tab == std::string_view::npos) return {};
    line.remove_prefix(tab + 1);
  }
  Info info;
  for (const std::string_view entry : Split(line.substr(0, line.find('\t')), ';')) {
    const auto equals = entry.find('=');
    if (equals != std::string_view::npos) info.emplace(entry.substr(0, equals), entry.substr(equals + 1));
  }
  return info;
}

// The value of the allele: one for each, or one for all.
std::optional<std::int64_t> Count(const Info& info, const std::string& key, std::size_t allele) {
  const auto found = info.find(key);
  if (found == info.end()) return std::nullopt;
  const auto values = Split(found->second, ',');
  const auto count = ParseInt(values[values.size() == 1 ? 0 : std::min(allele, values.size() - 1)]);
  return count.ok() ? std::optional(*count) : std::nullopt;
}

// AC = Het + Hom + Hemi, all in alleles.
json Frequency(const Info& info, const std::string& population, std::size_t allele) {
  const std::string suffix = population.empty() ? "" : "_" + population;
  const auto count = Count(info, "AC" + suffix, allele), number = Count(info, "AN" + suffix, allele);
  if (!count || !number || *count < 0 || *number < *count) return nullptr;
  json out = {{"population", population.empty() ? "Total" : population},
              {"alleleCount", *count},
              {"alleleNumber", *number},
              {"alleleFrequency", *number > 0 ? static_cast<double>(*count) / static_cast<double>(*number) : 0.0}};
  const auto het = Count(info, "AC" + suffix + "_Het", allele), hom = Count(info, "AC" + suffix + "_Hom", allele);
  if (!het || !hom) return out;
  const std::int64_t hemi = Count(info, "AC" + suffix + "_Hemi", allele).value_or(*count - *het - *hom);
  out["alleleCountHeterozygous"] = *het;
  out["alleleCountHomozygous"] = *hom;
  if (hemi >= 0) out["alleleCountHemizygous"] = hemi;
  return out;
}

json Frequencies(const Info& info, std::size_t allele) {
  json out = json::array();
  for (const auto& [key, value] : info) {
    const bool of_population = key == "AC" || (key.starts_with("AC_") && !key.ends_with("_Het") &&
                                               !key.ends_with("_Hom") && !key.ends_with("_Hemi"));
    // "AC_Het" and its like have no population.
    if (!of_population) continue;
    if (json frequency = Frequency(info, key == "AC" ? "" : key.substr(3), allele); !frequency.is_null())
      out.push_back(std::move(frequency));
  }
  return out;
}

json Zygosity(std::span<const std::int8_t, 2> genotype, std::int8_t allele) {
  if (genotype[1] == genomics::kAlleleAbsent) return {{"id", "GENO:0000134"}, {"label", "hemizygous"}};
  const bool both = genotype[0] == allele && genotype[1] == allele;
  return both ? json{{"id", "GENO:0000136"}, {"label", "homozygous"}}
              : json{{"id", "GENO:0000135"}, {"label", "heterozygous"}};
}

std::string TypeOf(const std::string& ref, const std::string& alt) {
  if (ref.size() == alt.size()) return ref.size() == 1 ? "SNP" : "MNP";
  return ref.size() < alt.size() ? "INS" : "DEL";
}

json Number(std::int64_t value) { return {{"type", "Number"}, {"value", value}}; }

class Vcf {
 public:
  Vcf(const genomics::VcfHeader& header, std::string dataset, std::string_view name)
      : header_(header), dataset_(std::move(dataset)) {
    assembly_ = header.assembly;
    // A short file may not tell; then its name does.
    for (const std::string_view part : Split(name, '.')) {
      if (!assembly_) assembly_ = genomics::ParseAssembly(part);
    }
  }

  json Record(const genomics::VcfRecord& record, const Info& info, std::size_t allele) const {
    const std::string& alt = record.alts[allele];
    const genomics::Variant variant{record.contig, record.pos, record.ref, alt};
    const std::string prefix = assembly_ ? std::string(genomics::AssemblyName(*assembly_)) + "-" : "";
    const auto accession = assembly_ ? genomics::RefseqAccession(*assembly_, record.contig) : std::nullopt;
    json out = {
        {"variantInternalId", dataset_ + ":" + prefix + genomics::FormatVariant(variant)},
        {"datasetId", dataset_},
        {"variation",
         {{"variantType", TypeOf(record.ref, alt)},
          {"referenceBases", record.ref},
          {"alternateBases", alt},
          {"location",
           {{"type", "SequenceLocation"},
            {"sequence_id", accession ? "refseq:" + *accession : "contig:" + record.contig},
            {"interval",
             {{"type", "SequenceInterval"}, {"start", Number(record.pos)}, {"end", Number(variant.end())}}}}}}}};
    if (const std::string hgvs = genomics::NameVariant(variant, assembly_, "", nullptr).hgvs; !hgvs.empty())
      out["identifiers"]["genomicHGVSId"] = hgvs;
    const auto number = static_cast<std::int8_t>(allele + 1);
    for (std::size_t sample = 0; sample < header_.samples.size(); ++sample) {
      const auto genotype = record.Genotype(sample);
      if (genotype[0] == number || genotype[1] == number)
        out["caseLevelData"].push_back(
            {{"biosampleId", header_.samples[sample]}, {"zygosity", Zygosity(genotype, number)}});
    }
    if (json frequencies = Frequencies(info, allele); !frequencies.empty()) {
      out["frequencyInPopulations"] = json::array({{{"source", dataset_},
                                                    {"sourceReference", "allele counts of the VCF"},
                                                    {"frequencies", std::move(frequencies)}}});
    }
    return out;
  }

 private:
  const genomics::VcfHeader& header_;
  const std::string dataset_;
  std::optional<genomics::Assembly> assembly_;
};

}  // namespace

std::string DatasetOfVcf(std::string_view name) { return std::string(name.substr(0, name.find('.'))); }

Result<VcfRecords> ReadFolderVcf(const Context& ctx, const std::string& name,
                                 const std::filesystem::path& path, Findings& findings,
                                 const std::function<Status(std::uint64_t, json)>& take) {
  VcfRecords counts;
  const auto failed = [&](const Status& status) {
    findings.Add({Severity::kError, Reason(status), name, 0, "", Message(status)});
  };
  const auto opened = genomics::VcfReader::Open(path);
  if (!opened.ok()) {
    failed(opened.status());
    return counts;
  }
  genomics::VcfReader& reader = **opened;
  const Vcf vcf(reader.header(), DatasetOfVcf(name), name);
  genomics::VcfRecord record;
  while (true) {
    if (counts.read % 1024 == 0) GF_TRY(ctx.Alive());
    const auto outcome = reader.Next(record);
    if (!outcome.ok()) {
      failed(outcome.status());
      return counts;
    }
    if (*outcome == genomics::VcfReader::Outcome::kEnd) return counts;
    ++counts.read;
    if (*outcome == genomics::VcfReader::Outcome::kRejected) {
      ++counts.set_aside;
      Finding finding = reader.problem();
      finding.file = name;
      finding.severity = Severity::kWarning;
      findings.Add(std::move(finding));
      continue;
    }
    const Info info = InfoOf(reader.line());
    for (std::size_t allele = 0; allele < record.alts.size(); ++allele) {
      if (genomics::ClassifyAllele(record.alts[allele]) != genomics::AlleleKind::kBases) continue;
      if (const Status taken = take(record.line, vcf.Record(record, info, allele)); !taken.ok()) {
        failed(taken);
        return counts;
      }
    }
  }
}

}  // namespace genofed::beacon
