// SPDX-License-Identifier: Apache-2.0
#include "libs/cohort/segment.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>
#include <tuple>

#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/genomics/digest.h"
#include "libs/genomics/json_text.h"

namespace genofed::cohort {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kFormat = "genofed-cohort-segment";
constexpr std::size_t kMaxManifest = 64U << 20;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "segment.json: {}", what);
}

// Tiles know no names: which file is damaged is what its operator has to know.
Status OfTile(const SegmentTile& tile, const Status& status) {
  if (Reason(status) != "INDEX_CORRUPT") return status;
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "{}: {}", tile.FileName(), Message(status));
}

Status CheckInfo(const SegmentInfo& info) {
  if (info.n_people == 0 || info.n_people > kMaxRows)
    return InvalidField("n_people", "INDEX_INVALID", "a segment has 1 to {} people", kMaxRows);
  return absl::OkStatus();
}

std::uint64_t CountSites(const SegmentManifest& manifest) {
  std::uint64_t n = 0;
  for (const SegmentTile& tile : manifest.tiles) n += tile.n_sites;
  return n;
}

// False unless it is a whole number that fits: none is changed to one that does.
template <typename Number>
bool Read(const nlohmann::json& object, const char* name, Number& number) {
  const nlohmann::json& value = object.at(name);
  if (!value.is_number_unsigned() ||
      value.get<std::uint64_t>() > std::numeric_limits<Number>::max())
    return false;
  number = value.get<Number>();
  return true;
}

}  // namespace

std::string SegmentTile::FileName() const { return fmt::format("{}.{:04}.tile", contig, tile); }

std::string FormatSegment(const SegmentManifest& manifest) {
  nlohmann::ordered_json json = {
      {"format", kFormat},
      {"format_version", kTileFormatVersion},
      {"assembly", genomics::AssemblyName(manifest.info.assembly)},
      {"n_people", manifest.info.n_people},
      {"unlisted",
       manifest.info.unlisted == Unlisted::kIsReference ? "is_reference" : "is_not_called"},
      {"frequencies", manifest.info.frequencies},
      {"dataset", manifest.info.dataset},
      {"version", manifest.info.version},
      {"tiles", nlohmann::ordered_json::array()}};
  for (const SegmentTile& tile : manifest.tiles) {
    json["tiles"].push_back({{"contig", tile.contig},
                             {"tile", tile.tile},
                             {"n_sites", tile.n_sites},
                             {"size", tile.digests.size},
                             {"metadata_size", tile.digests.metadata_size},
                             {"sha256", tile.digests.sha256},
                             {"metadata_sha256", tile.digests.metadata_sha256}});
    if (!tile.reach) continue;
    json["tiles"].back()["max_ref_length"] = tile.reach->max_ref_length;
    json["tiles"].back()["genes"] = tile.reach->genes;
  }
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<SegmentManifest> ParseSegment(std::string_view text) try {
  auto parsed = genomics::ParseJson(text, kMaxManifest);
  if (!parsed.ok()) return Corrupt("not JSON");
  const nlohmann::json& json = *parsed;
  if (json.at("format").get<std::string>() != kFormat) return Corrupt("another format");
  std::uint32_t version = 0;
  if (!Read(json, "format_version", version) || version != kTileFormatVersion)
    return Corrupt("an unknown format version");
  SegmentManifest manifest;
  const auto assembly = genomics::ParseAssembly(json.at("assembly").get<std::string>());
  if (!assembly) return Corrupt("an unknown assembly");
  manifest.info.assembly = *assembly;
  if (!Read(json, "n_people", manifest.info.n_people) || !CheckInfo(manifest.info).ok())
    return Corrupt("n_people is out of range");
  const auto unlisted = json.at("unlisted").get<std::string>();
  if (unlisted != "is_reference" && unlisted != "is_not_called")
    return Corrupt("an unknown meaning of unlisted alleles");
  manifest.info.unlisted =
      unlisted == "is_reference" ? Unlisted::kIsReference : Unlisted::kIsNotCalled;
  manifest.info.frequencies = json.at("frequencies").get<std::string>();
  manifest.info.dataset = json.at("dataset").get<std::string>();
  manifest.info.version = json.at("version").get<std::string>();
  for (const nlohmann::json& item : json.at("tiles")) {
    SegmentTile tile;
    tile.contig = item.at("contig").get<std::string>();
    if (!Read(item, "tile", tile.tile) || !Read(item, "n_sites", tile.n_sites))
      return Corrupt("a tile or its number of sites is no number");
    if (!Read(item, "size", tile.digests.size) ||
        !Read(item, "metadata_size", tile.digests.metadata_size) ||
        tile.digests.size > kMaxTileBytes || tile.digests.metadata_size > tile.digests.size)
      return Corrupt("a size is out of range");
    tile.digests.sha256 = item.at("sha256").get<std::string>();
    tile.digests.metadata_sha256 = item.at("metadata_sha256").get<std::string>();
    if (item.contains("max_ref_length")) {
      SegmentTile::Reach reach{0, item.at("genes").get<std::vector<std::string>>()};
      if (!Read(item, "max_ref_length", reach.max_ref_length))
        return Corrupt("max_ref_length is no number");
      tile.reach = std::move(reach);
    }
    const auto contig = genomics::NormaliseContig(tile.contig);
    if (!contig.ok() || *contig != tile.contig) return Corrupt("a contig name is not normalised");
    if (tile.tile >= genomics::kMaxPosition / kTileBases) return Corrupt("a tile number");
    const bool ascends = manifest.tiles.empty() ||
                         std::tie(manifest.tiles.back().contig, manifest.tiles.back().tile) <
                             std::tie(tile.contig, tile.tile);
    if (!ascends) return Corrupt("the tiles are out of order");
    manifest.tiles.push_back(std::move(tile));
  }
  return manifest;
} catch (const nlohmann::json::exception&) {
  return Corrupt("a field is missing or of another type");
}

Result<SegmentWriter> SegmentWriter::Create(const fs::path& dir, SegmentInfo info) {
  GF_TRY(CheckInfo(info));
  std::error_code error;
  fs::create_directories(dir, error);
  if (error || !fs::is_directory(dir, error))
    return Error(StatusCode::kInternal, "FILE_FAILED", "cannot create the directory {}",
                 dir.string());
  if (!fs::is_empty(dir, error))
    return Error(StatusCode::kAlreadyExists, "INDEX_EXISTS",
                 "{} is not empty; segments are immutable", dir.string());
  return SegmentWriter(dir, std::move(info));
}

Status SegmentWriter::Add(const std::string& contig, std::uint32_t tile, TileBuilder& builder) {
  if (builder.empty()) return absl::OkStatus();
  SegmentTile entry{contig, tile, builder.n_sites(), {}};
  entry.reach = {builder.max_ref_length(), builder.Genes()};
  GF_ASSIGN(entry.digests, builder.Finish(dir_ / entry.FileName()));
  manifest_.tiles.push_back(std::move(entry));
  return absl::OkStatus();
}

std::uint64_t SegmentWriter::n_sites() const { return CountSites(manifest_); }

Result<std::string> SegmentWriter::Finish() {
  std::sort(manifest_.tiles.begin(), manifest_.tiles.end(),
            [](const SegmentTile& a, const SegmentTile& b) {
              return std::tie(a.contig, a.tile) < std::tie(b.contig, b.tile);
            });
  const std::string text = FormatSegment(manifest_);
  GF_TRY(WriteFileAtomically(dir_ / kSegmentFile, text, 0640));
  return genomics::Sha256Hex(text);
}

Result<std::unique_ptr<Segment>> Segment::Open(const fs::path& dir, Residence residence,
                                               std::string_view manifest_sha256,
                                               const Shard& shard) {
  auto text = ReadFile(dir / kSegmentFile, kMaxManifest);
  if (!text.ok())
    return Error(StatusCode::kNotFound, "INDEX_MISSING", "{} holds no finished segment",
                 dir.string());
  if (!manifest_sha256.empty() && genomics::Sha256Hex(*text) != manifest_sha256)
    return Corrupt("another manifest");
  std::unique_ptr<Segment> segment(new Segment());
  GF_ASSIGN(segment->manifest_, ParseSegment(*text));
  std::uint32_t number = 0;
  for (const SegmentTile& entry : segment->manifest_.tiles) {
    const std::uint32_t place = number++;
    if (shard.divided()) {
      if (!entry.reach)
        return Error(StatusCode::kFailedPrecondition, "INDEX_MISMATCH",
                     "the segment was made before genomes could be divided, and must be made anew");
      for (const std::string& gene : entry.reach->genes) {
        auto& tiles = segment->tiles_of_gene_[ToLower(gene)];
        if (tiles.empty() || tiles.back() != place) tiles.push_back(place);
      }
      if (!shard.Has(entry.contig, entry.tile)) continue;
    }
    const TileIdentity identity{entry.tile, segment->n_people(), entry.digests.size,
                                entry.digests.metadata_size, entry.digests.metadata_sha256};
    auto opened = Tile::Open(dir / entry.FileName(), identity, residence);
    if (!opened.ok()) return OfTile(entry, opened.status());
    std::unique_ptr<Tile> tile = *std::move(opened);
    if (tile->n_sites() != entry.n_sites) return OfTile(entry, Corrupt("another number of sites"));
    if (entry.reach && tile->header().max_ref_length != entry.reach->max_ref_length)
      return OfTile(entry, Corrupt("other alleles"));
    tile->set_number(place);
    ++segment->n_tiles_;
    segment->bytes_ += entry.digests.size;
    Contig& contig = segment->contigs_[entry.contig];
    contig.max_ref_length = std::max(contig.max_ref_length, tile->header().max_ref_length);
    contig.by_megabase.resize(std::size_t{entry.tile} + 1, kNone);
    contig.by_megabase[entry.tile] = static_cast<std::uint32_t>(contig.tiles.size());
    const auto units = tile->Column<Unit>(Section::kUnits);
    for (std::uint32_t unit = 0; unit + 1 < units.size(); ++unit) {
      if (units[unit].name == kNone) continue;
      segment->genes_[ToLower(tile->Name(units[unit].name))].push_back({tile.get(), unit});
    }
    contig.tiles.push_back(std::move(tile));
  }
  return segment;
}

Status Segment::Verify() const {
  return ForEachTile([&](const Tile& tile) {
    const SegmentTile& entry = manifest_.tiles[tile.number()];
    return OfTile(entry, tile.Verify(entry.digests.sha256));
  });
}

std::vector<std::uint32_t> Segment::TilesOfGene(std::string_view gene) const {
  const auto found = tiles_of_gene_.find(ToLower(gene));
  return found == tiles_of_gene_.end() ? std::vector<std::uint32_t>() : found->second;
}

std::vector<std::uint32_t> Segment::TilesOfRange(std::string_view contig, std::int64_t start,
                                                 std::int64_t end) const {
  std::vector<std::uint32_t> tiles;
  const auto first = std::lower_bound(
      manifest_.tiles.begin(), manifest_.tiles.end(), contig,
      [](const SegmentTile& tile, std::string_view name) { return tile.contig < name; });
  for (auto entry = first; entry != manifest_.tiles.end() && entry->contig == contig; ++entry) {
    const std::int64_t begin = std::int64_t{entry->tile} * kTileBases;
    // The last allele that can begin here reaches so far.
    const std::int64_t reach =
        begin + kTileBases - 1 + (entry->reach ? entry->reach->max_ref_length : 0);
    if (begin < end && reach > start)
      tiles.push_back(static_cast<std::uint32_t>(entry - manifest_.tiles.begin()));
  }
  return tiles;
}

void Segment::Evict() const {
  for (const auto& [name, contig] : contigs_) {
    for (const auto& tile : contig.tiles) tile->Evict();
  }
}

std::uint64_t Segment::n_sites() const { return CountSites(manifest_); }

const Segment::Contig* Segment::FindContig(std::string_view contig) const {
  const auto found = contigs_.find(contig);
  return found == contigs_.end() ? nullptr : &found->second;
}

std::vector<Segment::GenePart> Segment::FindGene(std::string_view gene) const {
  const auto found = genes_.find(ToLower(gene));
  return found == genes_.end() ? std::vector<GenePart>() : found->second;
}

std::vector<std::string> Segment::Genes() const {
  std::vector<std::string> names;
  for (const auto& [name, parts] : genes_) names.push_back(name);
  return names;
}

}  // namespace genofed::cohort
