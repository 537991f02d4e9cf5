// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/shard_mapping.h"

#include <bit>
#include <cstring>

#include "services/discovery/adapters/proto_mapping.h"

namespace genofed::discovery {
namespace {

using genomics::Bitmap;

constexpr std::uint32_t kMaxRowsOfCohort = cohort::kMaxRows * cohort::kMaxSegments;
// Above this share of all rows, a list of them is not shorter than a bit for each.
constexpr std::uint64_t kListsBelow = 8;

static_assert(std::endian::native == std::endian::little, "words are bytes in order");

std::size_t BytesOf(std::size_t bits) { return (bits + 7) / 8; }

std::string BitsOf(const Bitmap& rows) {
  std::string bits(BytesOf(rows.size()), '\0');
  if (!bits.empty()) std::memcpy(bits.data(), rows.words().data(), bits.size());
  return bits;
}

std::string ListOf(const Bitmap& rows) {
  std::string list;
  std::uint32_t next = 0;
  rows.ForEach([&](std::uint32_t row) {
    std::uint32_t distance = row - next;
    for (; distance >= 0x80; distance >>= 7) list += static_cast<char>(distance | 0x80);
    list += static_cast<char>(distance);
    next = row;
  });
  return list;
}

Status Invalid() {
  return InvalidField("rows", "ROWS_INVALID", "must be rows of the cohort in one of three forms");
}

Result<Bitmap> ParseBits(const std::string& bits, std::uint32_t size) {
  Bitmap rows(size);
  if (bits.size() != BytesOf(size)) return Invalid();
  if (size % 8 != 0 && (static_cast<unsigned char>(bits.back()) >> size % 8) != 0) return Invalid();
  if (!bits.empty()) std::memcpy(rows.mutable_words().data(), bits.data(), bits.size());
  return rows;
}

Result<Bitmap> ParseList(const std::string& list, std::uint32_t size) {
  Bitmap rows(size);
  std::uint64_t row = 0, distance = 0;
  int shift = 0;
  for (const char c : list) {
    const auto byte = static_cast<unsigned char>(c);
    distance |= std::uint64_t{byte & 0x7FU} << shift;
    shift += 7;
    if ((byte & 0x80) != 0) {
      if (shift > 28) return Invalid();
      continue;
    }
    row += distance;
    if (row >= size || rows.Test(row)) return Invalid();
    rows.Set(row);
    distance = 0;
    shift = 0;
  }
  if (shift != 0) return Invalid();
  return rows;
}

}  // namespace

v1::RowSet ToProto(const Bitmap& rows) {
  v1::RowSet out;
  out.set_size(static_cast<std::uint32_t>(rows.size()));
  const std::uint64_t count = rows.Count();
  if (count * kListsBelow < rows.size()) {
    out.set_members(ListOf(rows));
  } else if ((rows.size() - count) * kListsBelow < rows.size()) {
    out.set_others(ListOf(Bitmap(rows.size(), true).AndNot(rows)));
  }
  // Nor is one with long distances, which take more bytes.
  const bool short_list = out.members().size() + out.others().size() <= BytesOf(rows.size());
  if (out.form_case() == v1::RowSet::FORM_NOT_SET || !short_list) out.set_bits(BitsOf(rows));
  return out;
}

Result<Bitmap> FromProto(const v1::RowSet& rows) {
  if (rows.size() > kMaxRowsOfCohort) return Invalid();
  switch (rows.form_case()) {
    case v1::RowSet::kBits:
      return ParseBits(rows.bits(), rows.size());
    case v1::RowSet::kMembers:
      return ParseList(rows.members(), rows.size());
    case v1::RowSet::kOthers: {
      GF_ASSIGN(const Bitmap others, ParseList(rows.others(), rows.size()));
      return Bitmap(rows.size(), true).AndNot(others);
    }
    case v1::RowSet::FORM_NOT_SET:
      break;
  }
  return Invalid();
}

v1::ShardCohort ToProto(const cohort::Shard& asked, const ShardQuestion& question) {
  v1::ShardCohort out;
  out.set_shard(asked.number + 1);
  out.set_shards(asked.of);
  out.set_dataset(question.dataset);
  out.set_version(question.version);
  out.set_files(question.files);
  out.set_frequency_table(question.table);
  *out.mutable_rows() = ToProto(question.rows);
  return out;
}

v1::VariantQuery VariantToProto(const VariantPattern& pattern) {
  Query query;
  query.variant = pattern;
  return std::move(*ToProto(query).mutable_variant());
}

Result<VariantPattern> VariantFromProto(const v1::VariantQuery& variant) {
  v1::QueryRequest request;
  request.set_entity(v1::ENTITY_VARIANT);
  *request.mutable_variant() = variant;
  GF_ASSIGN(Query query, Validate(FromProto(request)));
  return *std::move(query.variant);
}

v1::CountAllelesResponse ToProto(const std::vector<FoundAllele>& alleles) {
  v1::CountAllelesResponse response;
  for (const FoundAllele& allele : alleles) {
    auto* out = response.add_alleles();
    out->set_start(allele.variant.pos);
    out->set_reference_bases(allele.variant.ref);
    out->set_alternate_bases(allele.variant.alt);
    out->set_allele_count(allele.counts.ac);
    out->set_allele_number(allele.counts.an);
    out->set_heterozygotes(allele.counts.n_het);
    out->set_homozygotes(allele.counts.n_hom);
    out->set_hemizygotes(allele.counts.n_hemi);
  }
  return response;
}

std::vector<FoundAllele> FromProto(const v1::CountAllelesResponse& response,
                                   const std::string& contig) {
  std::vector<FoundAllele> alleles;
  for (const auto& in : response.alleles()) {
    FoundAllele& allele = alleles.emplace_back();
    allele.variant = {contig, in.start(), in.reference_bases(), in.alternate_bases()};
    allele.counts.ac = in.allele_count();
    allele.counts.an = in.allele_number();
    allele.counts.n_het = in.heterozygotes();
    allele.counts.n_hom = in.homozygotes();
    allele.counts.n_hemi = in.hemizygotes();
    allele.counts.n_individuals = in.heterozygotes() + in.homozygotes() + in.hemizygotes();
  }
  return alleles;
}

v1::CountSitesResponse ToProto(const SitePiece& piece) {
  v1::CountSitesResponse response;
  for (const SitePiece::Site& site : piece.sites) {
    auto* out = response.add_sites();
    out->set_position(site.position);
    out->set_reference_bases(site.ref);
    out->set_alternate_bases(site.alt);
    out->set_heterozygotes(site.n_het);
    out->set_homozygotes(site.n_hom);
    out->set_hemizygotes(site.n_hemi);
    out->set_missing(site.missing);
  }
  response.set_next(piece.next);
  return response;
}

SitePiece FromProto(const v1::CountSitesResponse& response) {
  SitePiece piece;
  for (const auto& in : response.sites()) {
    piece.sites.push_back({in.position(), in.heterozygotes(), in.homozygotes(), in.hemizygotes(),
                           in.missing(), in.reference_bases(), in.alternate_bases()});
  }
  piece.next = response.next();
  return piece;
}

}  // namespace genofed::discovery
