// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/index_manifest.h"

#include <nlohmann/json.hpp>

#include "libs/genomics/json_text.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

constexpr std::string_view kFormat = "genofed-cohort-index";
constexpr std::size_t kMaxManifest = 256U << 20;

Status Corrupt(std::string_view what) {
  return Error(StatusCode::kDataLoss, "INDEX_CORRUPT", "manifest.json: {}", what);
}

Status ReadTile(const nlohmann::json& json, const IndexInfo& info, TileEntry* entry) {
  entry->contig = json.at("contig").get<std::string>();
  entry->tile = json.at("tile").get<std::uint32_t>();
  entry->batch = json.at("batch").get<std::uint32_t>();
  entry->n_sites = json.at("n_sites").get<std::uint32_t>();
  entry->offset = json.at("offset").get<std::uint64_t>();
  entry->size = json.at("size").get<std::uint64_t>();
  entry->sha256 = json.at("sha256").get<std::string>();
  auto contig = NormaliseContig(entry->contig);
  if (!contig.ok() || *contig != entry->contig) return Corrupt("a contig name is not normalised");
  if (entry->batch >= BatchCount(info)) return Corrupt("a batch number is too large");
  if (entry->tile > kMaxPosition / kTileBases) return Corrupt("a tile number is too large");
  // The name is derived, never believed: a manifest cannot point outside of its directory.
  if (json.at("file").get<std::string>() != entry->FileName())
    return Corrupt("a file name is not its tile's");
  return absl::OkStatus();
}

}  // namespace

std::string TileEntry::FileName() const { return fmt::format("{}.{:04}.tiles", contig, batch); }

std::uint32_t BatchCount(const IndexInfo& info) {
  return (info.n_people + info.batch_size - 1) / info.batch_size;
}

Status CheckIndexInfo(const IndexInfo& info) {
  if (info.n_people == 0 || info.n_people > kMaxPeople) {
    return InvalidField("n_people", "INDEX_INVALID", "an index has 1 to {} people", kMaxPeople);
  }
  if (info.batch_size == 0 || info.batch_size % 64 != 0 || info.batch_size > kDefaultBatchSize) {
    return InvalidField("batch_size", "INDEX_INVALID", "must be a multiple of 64, at most {}",
                        kDefaultBatchSize);
  }
  return absl::OkStatus();
}

std::string FormatManifest(const IndexManifest& manifest) {
  const IndexInfo& info = manifest.info;
  nlohmann::ordered_json json = {{"format", kFormat},
                                 {"format_version", kTileFormatVersion},
                                 {"dataset", info.dataset},
                                 {"version", info.version},
                                 {"assembly", AssemblyName(info.assembly)},
                                 {"n_people", info.n_people},
                                 {"batch_size", info.batch_size},
                                 {"tile_bases", kTileBases},
                                 {"source_key", manifest.source_key},
                                 {"tiles", nlohmann::ordered_json::array()}};
  auto& tiles = json["tiles"];
  for (const TileEntry& tile : manifest.tiles) {
    // One after the other: a list in braces copies each value, and there are thousands of tiles.
    auto& item = tiles.emplace_back(nlohmann::ordered_json::object());
    item["file"] = tile.FileName();
    item["contig"] = tile.contig;
    item["tile"] = tile.tile;
    item["batch"] = tile.batch;
    item["n_sites"] = tile.n_sites;
    item["offset"] = tile.offset;
    item["size"] = tile.size;
    item["sha256"] = tile.sha256;
  }
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

Result<IndexManifest> ParseManifest(std::string_view text) try {
  IndexManifest manifest;
  IndexInfo* info = &manifest.info;
  auto parsed = ParseJson(text, kMaxManifest);
  if (!parsed.ok()) return Corrupt("not JSON");
  const nlohmann::json& json = *parsed;
  if (json.at("format").get<std::string>() != kFormat) return Corrupt("another format");
  if (json.at("format_version").get<std::uint32_t>() != kTileFormatVersion)
    return Corrupt("an unknown format version");
  if (json.at("tile_bases").get<std::int64_t>() != kTileBases) return Corrupt("another tile size");
  info->dataset = json.at("dataset").get<std::string>();
  info->version = json.at("version").get<std::string>();
  auto assembly = ParseAssembly(json.at("assembly").get<std::string>());
  if (!assembly) return Corrupt("an unknown assembly");
  info->assembly = *assembly;
  info->n_people = json.at("n_people").get<std::uint32_t>();
  info->batch_size = json.at("batch_size").get<std::uint32_t>();
  manifest.source_key = json.at("source_key").get<std::string>();
  if (!CheckIndexInfo(*info).ok()) return Corrupt("n_people or batch_size out of range");
  for (const nlohmann::json& item : json.at("tiles")) {
    TileEntry entry;
    GF_TRY(ReadTile(item, *info, &entry));
    manifest.tiles.push_back(std::move(entry));
  }
  return manifest;
} catch (const nlohmann::json::exception&) {
  return Corrupt("a field is missing or of another type");
}

}  // namespace genofed::genomics
