// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/domain/frequency_table.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "libs/core/strings.h"
#include "libs/crypto/hash.h"

namespace genofed::discovery {
namespace {

constexpr std::string_view kFirstLine = "genofed-frequencies 1";
constexpr std::int64_t kMaxChromosomes = 2'000'000'000;
constexpr std::int64_t kMaxLeast = 1'000'000'000'000;
constexpr std::uint32_t kMegabase = 1'000'000;
constexpr std::size_t kMaxNodes = 1'000;

Status Invalid(std::string_view why) {
  return InvalidField("content", "TABLE_INVALID", "not a table of frequencies: {}", why);
}

bool IsDigest(std::string_view text) {
  return text.size() == 2 * crypto::kSha256Bytes &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsSite(std::string_view text) {
  return text.size() >= 2 && text.size() <= 40 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-';
         });
}

bool IsContig(std::string_view text) {
  const auto normalised = genomics::NormaliseContig(text);
  return normalised.ok() && *normalised == text;
}

bool IsAllele(std::string_view text) {
  return !text.empty() && text.size() <= kMaxTableAllele &&
         text.find_first_not_of("ACGTN") == std::string_view::npos;
}

Result<std::int64_t> Number(std::string_view text, std::int64_t least, std::int64_t most) {
  auto number = ParseInt(text);
  if (!number.ok() || *number < least || *number > most) return Invalid("a number out of range");
  return number;
}

auto KeyOf(const TableSite& site) {
  return std::tuple(site.position, std::string_view(site.ref), std::string_view(site.alt));
}

// "name value" of one of the first lines.
Result<std::string_view> ValueOf(std::string_view line, std::string_view name) {
  if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ')
    return Invalid("a line is missing or out of order");
  return line.substr(name.size() + 1);
}

Result<TablePage> ReadPageLine(std::string_view line) {
  const auto words = Split(line, ' ');
  if (words.size() != 6 || !IsContig(words[1]) || !IsDigest(words[5]))
    return Invalid("a page's line");
  TablePage page;
  page.contig = words[1];
  GF_ASSIGN(const auto megabase, Number(words[2], 0, genomics::kMaxPosition / kMegabase));
  GF_ASSIGN(const auto sites, Number(words[3], 1, kMaxSitesOfPage));
  GF_ASSIGN(const auto bytes, Number(words[4], 1, kMaxPageBytes));
  page.megabase = static_cast<std::uint32_t>(megabase);
  page.sites = static_cast<std::uint32_t>(sites);
  page.bytes = static_cast<std::uint64_t>(bytes);
  page.sha256 = words[5];
  return page;
}

Status ReadRest(std::string_view line, FrequencyTable& table, std::uint64_t& bytes) {
  if (line.starts_with("from ")) {
    const auto words = Split(line, ' ');
    if (words.size() != 3 || !IsSite(words[1]) || !IsDigest(words[2]) || !table.pages.empty() ||
        table.from.size() >= kMaxNodes ||
        (!table.from.empty() && table.from.back().first >= words[1]))
      return Invalid("whose tables were added up");
    table.from.emplace_back(words[1], words[2]);
    return absl::OkStatus();
  }
  if (!line.starts_with("page ")) return Invalid("an unknown line");
  GF_ASSIGN(TablePage page, ReadPageLine(line));
  bytes += page.bytes;
  auto place = [](const TablePage& p) { return std::tie(p.contig, p.megabase); };
  if (table.pages.size() >= kMaxPages || bytes > kMaxTableBytes ||
      (!table.pages.empty() && place(page) < place(table.pages.back())))
    return Invalid("too many pages, or out of order");
  table.pages.push_back(std::move(page));
  return absl::OkStatus();
}

}  // namespace

double FrequencyTable::Resolution() const {
  if (chromosomes <= 0) return 1;
  return std::min(1.0, static_cast<double>(least) / static_cast<double>(chromosomes));
}

std::vector<TablePage> FrequencyTable::PagesOf(std::string_view contig,
                                               std::uint32_t megabase) const {
  const auto place = std::pair(contig, megabase);
  auto of = [](const TablePage& page) {
    return std::pair(std::string_view(page.contig), page.megabase);
  };
  const auto first = std::lower_bound(pages.begin(), pages.end(), place,
                                      [&](const TablePage& a, auto& b) { return of(a) < b; });
  auto last = first;
  while (last != pages.end() && of(*last) == place) ++last;
  return {first, last};
}

std::string FormatTable(const FrequencyTable& table) {
  std::string text =
      fmt::format("{}\nassembly {}\nsource {}\nnumber {}\nchromosomes {}\nleast {}\n", kFirstLine,
                  genomics::AssemblyName(table.assembly), table.source, table.number,
                  table.chromosomes, table.least);
  for (const auto& [site, digest] : table.from) text += fmt::format("from {} {}\n", site, digest);
  for (const TablePage& page : table.pages) {
    text += fmt::format("page {} {} {} {} {}\n", page.contig, page.megabase, page.sites, page.bytes,
                        page.sha256);
  }
  return text;
}

Result<FrequencyTable> ParseTable(std::string_view text) {
  if (text.size() > kMaxTableText || !text.ends_with('\n')) return Invalid("too long, or cut off");
  const auto lines = Split(text.substr(0, text.size() - 1), '\n');
  if (lines.size() < 6 || lines[0] != kFirstLine) return Invalid("its first lines");
  FrequencyTable table;
  GF_ASSIGN(const auto assembly, ValueOf(lines[1], "assembly"));
  const auto known = genomics::ParseAssembly(assembly);
  if (!known) return Invalid("the assembly is not known");
  table.assembly = *known;
  GF_ASSIGN(const auto source, ValueOf(lines[2], "source"));
  if (!IsSite(source)) return Invalid("the source");
  table.source = source;
  GF_ASSIGN(const auto number, ValueOf(lines[3], "number"));
  GF_ASSIGN(table.number, Number(number, 0, INT64_MAX / 2));
  GF_ASSIGN(const auto chromosomes, ValueOf(lines[4], "chromosomes"));
  GF_ASSIGN(table.chromosomes, Number(chromosomes, 0, kMaxChromosomes));
  GF_ASSIGN(const auto least, ValueOf(lines[5], "least"));
  GF_ASSIGN(table.least, Number(least, 0, kMaxLeast));
  std::uint64_t bytes = 0;
  for (std::size_t i = 6; i < lines.size(); ++i) GF_TRY(ReadRest(lines[i], table, bytes));
  if (table.IsOfNetwork() != (table.number > 0) || (!table.IsOfNetwork() && !table.from.empty()))
    return Invalid("only the network's tables have numbers and were added up");
  // Numbers with zeros in front, and other names of an assembly.
  if (FormatTable(table) != text) return Invalid("not in its one form");
  return table;
}

std::string FormatPage(const std::vector<TableSite>& sites) {
  std::string text;
  for (const TableSite& site : sites)
    text += fmt::format("{}\t{}\t{}\t{}\n", site.position + 1, site.ref, site.alt, site.copies);
  return text;
}

Result<std::vector<TableSite>> ParsePage(std::string_view text, const TablePage& page,
                                         std::int64_t chromosomes) {
  if (text.size() != page.bytes || text.size() > kMaxPageBytes || !text.ends_with('\n'))
    return Invalid("a page of another length");
  std::vector<TableSite> sites;
  const std::int64_t begin = std::int64_t{page.megabase} * kMegabase;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const auto words = Split(text.substr(at, end - at), '\t');
    at = end + 1;
    if (words.size() != 4 || !IsAllele(words[1]) || !IsAllele(words[2]) || words[1] == words[2])
      return Invalid("a line of a page");
    GF_ASSIGN(const auto position, Number(words[0], begin + 1, begin + kMegabase));
    GF_ASSIGN(const auto copies, Number(words[3], 1, chromosomes));
    TableSite site{static_cast<std::uint32_t>(position - 1), std::string(words[1]),
                   std::string(words[2]), copies};
    if (sites.size() >= page.sites || (!sites.empty() && KeyOf(sites.back()) >= KeyOf(site)))
      return Invalid("too many sites, or out of order");
    sites.push_back(std::move(site));
  }
  if (sites.size() != page.sites || FormatPage(sites) != text)
    return Invalid("a page that is not in its one form");
  return sites;
}

std::vector<TableSite> AddUp(const std::vector<std::vector<TableSite>>& lists) {
  std::map<std::tuple<std::uint32_t, std::string, std::string>, std::int64_t> sum;
  for (const auto& list : lists) {
    for (const TableSite& site : list) sum[{site.position, site.ref, site.alt}] += site.copies;
  }
  std::vector<TableSite> out;
  out.reserve(sum.size());
  for (const auto& [key, copies] : sum)
    out.push_back({std::get<0>(key), std::get<1>(key), std::get<2>(key), copies});
  return out;
}

Status PageCutter::Add(const std::string& contig, std::uint32_t megabase,
                       std::vector<TableSite> sites) {
  std::erase_if(sites, [](const TableSite& site) {
    return !IsAllele(site.ref) || !IsAllele(site.alt) || site.ref == site.alt;
  });
  for (std::size_t at = 0; at < sites.size(); at += kMaxSitesOfPage) {
    const auto first = sites.begin() + static_cast<std::ptrdiff_t>(at);
    const auto last =
        sites.begin() + static_cast<std::ptrdiff_t>(std::min(at + kMaxSitesOfPage, sites.size()));
    const std::string content = FormatPage(std::vector<TableSite>(first, last));
    if (pages_.size() >= kMaxPages || content.size() > kMaxPageBytes)
      return Error(StatusCode::kOutOfRange, "TABLE_TOO_LARGE", "a table has at most {} pages",
                   kMaxPages);
    TablePage page{contig, megabase, static_cast<std::uint32_t>(last - first), content.size(),
                   HexEncode(crypto::Sha256(content))};
    GF_TRY(write_(page.sha256, content));
    pages_.push_back(std::move(page));
  }
  return absl::OkStatus();
}

}  // namespace genofed::discovery
