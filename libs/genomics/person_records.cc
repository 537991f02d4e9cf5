// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/person_records.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <functional>
#include <utility>

#include "libs/genomics/leb128.h"
#include "libs/genomics/spill_file.h"
#include "libs/genomics/tile_file.h"

namespace genofed::genomics {
namespace {

constexpr std::string_view kRecordsMagic = "GFPEOPL1";
constexpr std::string_view kSnvBases = "ACGT";
constexpr std::size_t kMaxName = 255;
constexpr std::size_t kPendingOfPerson = 4096;
constexpr char kLiteralAllele = 16;  // behind those of SNVs

Status RecordsCorrupt() {
  return Error(StatusCode::kDataLoss, "RECORDS_CORRUPT", "the records of people are damaged");
}

template <typename T>
void PutFixed(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
bool TakeFixed(std::string_view& bytes, T& value) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return true;
}

bool TakeText(std::string_view& bytes, std::uint64_t length, std::string& text) {
  if (length > bytes.size()) return false;
  text = bytes.substr(0, length);
  bytes.remove_prefix(length);
  return true;
}

bool TakeName(std::string_view& bytes, std::string& name) {
  std::uint8_t length = 0;
  return TakeFixed(bytes, length) && TakeText(bytes, length, name);
}

void PutName(std::string& out, std::string_view name) {
  PutFixed(out, static_cast<std::uint8_t>(name.size()));
  out.append(name);
}

void PutAllele(std::string& out, const Variant& variant) {
  const auto ref = variant.ref.size() == 1 ? kSnvBases.find(variant.ref) : std::string_view::npos;
  const auto alt = variant.alt.size() == 1 ? kSnvBases.find(variant.alt) : std::string_view::npos;
  if (ref != std::string_view::npos && alt != std::string_view::npos) {
    out.push_back(static_cast<char>(4 * ref + alt));
    return;
  }
  out.push_back(kLiteralAllele);
  for (const std::string* bases : {&variant.ref, &variant.alt}) {
    PutLeb128(out, bases->size());
    out.append(*bases);
  }
}

bool TakeAllele(std::string_view& bytes, Variant& variant) {
  std::uint8_t code = 0;
  if (!TakeFixed(bytes, code) || code > kLiteralAllele) return false;
  if (code < kLiteralAllele) {
    variant.ref = kSnvBases[code / 4];
    variant.alt = kSnvBases[code % 4];
    return true;
  }
  std::uint64_t length = 0;
  return TakeLeb128(bytes, &length) && TakeText(bytes, length, variant.ref) &&
         TakeLeb128(bytes, &length) && TakeText(bytes, length, variant.alt);
}

// Head and records, one after the other, without holding them all.
Status WriteRecords(const std::filesystem::path& path, std::span<const std::string> contigs,
                    std::span<const PersonRecords::Person> people,
                    std::span<const std::uint64_t> sizes,
                    const std::function<Result<std::string_view>(std::size_t)>& record) {
  std::string head(kRecordsMagic);
  PutFixed(head, static_cast<std::uint32_t>(contigs.size()));
  for (const std::string& contig : contigs) PutName(head, contig);
  PutFixed(head, static_cast<std::uint32_t>(people.size()));
  for (std::size_t i = 0; i < people.size(); ++i) {
    PutFixed(head, people[i].row);
    PutName(head, people[i].name);
    PutFixed(head, sizes[i]);
  }
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  const auto put = [&out](std::string_view bytes) {
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  };
  put(head);
  for (std::size_t i = 0; i < people.size() && out; ++i) {
    GF_ASSIGN(const std::string_view bytes, record(i));
    put(bytes);
  }
  out.close();
  if (out) return absl::OkStatus();
  return Error(StatusCode::kInternal, "FILE_FAILED", "cannot write the records of people");
}

// Turns the index round: a few million carriers at a time are put in the order of their rows, so
// that each person's bytes are touched once for all of these.
class RecordMaker {
 public:
  RecordMaker(const CohortIndex& index, SpillFile& spill)
      : index_(index), spill_(spill), people_(index.info().n_people) {}

  Status Contig(const Context& ctx, std::uint64_t number, const std::string& name,
                const std::set<std::uint32_t>& tiles) {
    contig_ = number;
    for (const std::uint32_t tile : tiles) {
      GF_ASSIGN(const auto sites, index_.SitesOfTile(name, tile));
      for (const SiteHit& site : sites) {
        if (IsFull()) {
          GF_TRY(ctx.Alive());
          GF_TRY(Write());
        }
        const auto begin = static_cast<std::uint32_t>(alleles_.size());
        PutAllele(alleles_, site.variant);
        sites_.push_back({site.variant.pos, begin});
        Add(site.het, Copies::kHet);
        Add(site.hom, Copies::kHom);
        Add(site.hemi, Copies::kHemi);
      }
    }
    GF_TRY(Write());
    for (Person& person : people_) {
      if (std::exchange(person.inside, false)) person.pending.push_back('\0');
    }
    return absl::OkStatus();
  }

  Status Finish() {
    for (std::uint32_t row = 0; row < people_.size(); ++row)
      GF_TRY(spill_.Append(row, people_[row].pending));
    return absl::OkStatus();
  }

 private:
  // What is held: so many carriers and alleles, and so many bytes of alleles' letters.
  static constexpr std::size_t kTogether = std::size_t{4} << 20;
  static constexpr std::size_t kLetters = std::size_t{16} << 20;

  bool IsFull() const {
    return carriers_.size() + sites_.size() >= kTogether || alleles_.size() >= kLetters;
  }

  struct Person {
    bool inside = false;  // of the contig
    std::int64_t pos = 0;
    std::string pending;  // not in the spill yet: most additions only come here
  };
  struct Site {
    std::int64_t pos = 0;
    std::uint32_t allele = 0;  // where it begins in alleles_
  };
  struct Carrier {
    std::uint32_t row = 0;
    std::uint32_t site_copies = 0;  // number in sites_ << 2 | 1 + Copies
  };

  void Add(const RowSet& rows, Copies copies) {
    const auto number = static_cast<std::uint32_t>(sites_.size() - 1);
    const std::uint32_t site_copies = number << 2 | (1 + static_cast<std::uint32_t>(copies));
    rows.ForEach([&](std::uint32_t row) { carriers_.push_back({row, site_copies}); });
  }

  Status Write() {
    // In the order of rows, each person's as they came.
    ends_.assign(people_.size(), 0);
    for (const Carrier& carrier : carriers_) ++ends_[carrier.row];
    std::uint32_t before = 0;
    for (std::uint32_t& end : ends_) before += std::exchange(end, before);
    ordered_.resize(carriers_.size());
    for (const Carrier& carrier : carriers_) ordered_[ends_[carrier.row]++] = carrier.site_copies;
    sites_.push_back({0, static_cast<std::uint32_t>(alleles_.size())});
    std::uint32_t next = 0;
    for (std::uint32_t row = 0; row < people_.size(); ++row) {
      Person& person = people_[row];
      for (; next < ends_[row]; ++next) Put(person, ordered_[next]);
      if (person.pending.size() < kPendingOfPerson) continue;
      GF_TRY(spill_.Append(row, person.pending));
      person.pending.clear();
    }
    carriers_.clear();
    sites_.clear();
    alleles_.clear();
    return absl::OkStatus();
  }

  void Put(Person& person, std::uint32_t site_copies) const {
    if (!std::exchange(person.inside, true)) {
      PutLeb128(person.pending, contig_ + 1);
      person.pos = 0;
    }
    const std::size_t number = site_copies >> 2;
    const Site& site = sites_[number];
    const auto distance = static_cast<std::uint64_t>(site.pos - std::exchange(person.pos, site.pos));
    PutLeb128(person.pending, distance << 2 | (site_copies & 3));
    person.pending.append(alleles_, site.allele, sites_[number + 1].allele - site.allele);
  }

  const CohortIndex& index_;
  SpillFile& spill_;
  std::vector<Person> people_;  // by row
  std::uint64_t contig_ = 0;
  // What was read and not written to its people yet.
  std::vector<Site> sites_;
  std::string alleles_;
  std::vector<Carrier> carriers_;
  std::vector<std::uint32_t> ends_;     // by row, in ordered_
  std::vector<std::uint32_t> ordered_;  // site_copies of carriers_ by row
};

}  // namespace

Result<bool> PersonRecord::Next(CarriedAllele& allele) {
  std::uint64_t value = 0;
  for (;;) {
    if (rest_.empty()) {
      if (contig_ != 0) return RecordsCorrupt();
      return false;
    }
    if (!TakeLeb128(rest_, &value)) return RecordsCorrupt();
    if (contig_ != 0 && value != 0) break;
    // The end of a contig, or the beginning of one.
    if (contig_ == 0 && (value == 0 || value > contigs_->size())) return RecordsCorrupt();
    contig_ = value;
    pos_ = 0;
  }
  const std::uint64_t copies = value & 3;
  pos_ += static_cast<std::int64_t>(value >> 2);
  if (copies == 0 || pos_ >= kMaxPosition || !TakeAllele(rest_, allele.variant))
    return RecordsCorrupt();
  allele.variant.contig = (*contigs_)[contig_ - 1];
  allele.variant.pos = pos_;
  allele.copies = static_cast<Copies>(copies - 1);
  return true;
}

PersonRecords::~PersonRecords() = default;

Result<std::unique_ptr<PersonRecords>> PersonRecords::Open(const std::filesystem::path& path) {
  auto file = MappedFile::Open(path);
  if (!file.ok()) return RecordsCorrupt();
  const auto bytes = (*file)->bytes();
  GF_ASSIGN(auto records, Read({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  records->file_ = *std::move(file);
  return records;
}

Result<std::unique_ptr<PersonRecords>> PersonRecords::Read(std::string_view bytes) {
  std::unique_ptr<PersonRecords> records(new PersonRecords());
  GF_TRY(records->Parse(bytes));
  return records;
}

Status PersonRecords::Parse(std::string_view bytes) {
  if (!bytes.starts_with(kRecordsMagic)) return RecordsCorrupt();
  bytes.remove_prefix(kRecordsMagic.size());
  std::uint32_t count = 0;
  if (!TakeFixed(bytes, count)) return RecordsCorrupt();
  // A number that is too large ends with the bytes.
  for (; count > 0; --count) {
    if (!TakeName(bytes, contigs_.emplace_back())) return RecordsCorrupt();
  }
  if (!TakeFixed(bytes, count)) return RecordsCorrupt();
  std::vector<std::uint64_t> sizes;
  for (; count > 0; --count) {
    Person person;
    if (!TakeFixed(bytes, person.row) || !TakeName(bytes, person.name) ||
        !TakeFixed(bytes, sizes.emplace_back()))
      return RecordsCorrupt();
    if (!people_.empty() && person.row <= people_.back().row) return RecordsCorrupt();
    people_.push_back(std::move(person));
  }
  for (std::size_t i = 0; i < people_.size(); ++i) {
    if (sizes[i] > bytes.size()) return RecordsCorrupt();
    people_[i].bytes = bytes.substr(0, sizes[i]);
    bytes.remove_prefix(sizes[i]);
  }
  return bytes.empty() ? absl::OkStatus() : RecordsCorrupt();
}

const PersonRecords::Person* PersonRecords::Find(std::uint32_t row) const {
  const auto found = std::ranges::lower_bound(people_, row, {}, &Person::row);
  return found == people_.end() || found->row != row ? nullptr : &*found;
}

PersonRecord PersonRecords::Of(std::uint32_t row) const {
  const Person* person = Find(row);
  return person == nullptr ? PersonRecord() : PersonRecord(person->bytes, contigs_);
}

Status PersonRecords::WriteWithout(std::span<const std::uint32_t> rows,
                                   const std::filesystem::path& out) const {
  std::vector<Person> left;
  std::vector<std::uint64_t> sizes;
  for (const Person& person : people_) {
    if (std::ranges::binary_search(rows, person.row)) continue;
    left.push_back(person);
    sizes.push_back(person.bytes.size());
  }
  return WriteRecords(out, contigs_, left, sizes,
                      [&](std::size_t i) -> Result<std::string_view> { return left[i].bytes; });
}

Status WritePersonRecords(const Context& ctx, const CohortIndex& index,
                          std::span<const std::string> names, const std::filesystem::path& out) {
  if (names.size() != index.info().n_people ||
      std::ranges::any_of(names, [](const auto& name) { return name.size() > kMaxName; })) {
    return Error(StatusCode::kInvalidArgument, "NAMES_INVALID",
                 "needs a name of up to {} bytes for each row", kMaxName);
  }
  std::filesystem::path unordered = out;
  unordered += ".spill";
  GF_ASSIGN(auto spill, SpillFile::Create(unordered));
  RecordMaker maker(index, *spill);
  std::vector<std::string> contigs;
  for (const auto& [name, tiles] : index.TilesByContig()) {
    GF_TRY(maker.Contig(ctx, contigs.size(), name, tiles));
    contigs.push_back(name);
  }
  GF_TRY(maker.Finish());
  std::vector<PersonRecords::Person> people;
  std::vector<std::uint64_t> sizes;
  for (std::uint32_t row = 0; row < names.size(); ++row) {
    people.push_back({row, names[row], {}});
    sizes.push_back(spill->Size(row));
  }
  std::string bytes;
  return WriteRecords(out, contigs, people, sizes,
                      [&](std::size_t i) -> Result<std::string_view> {
                        GF_TRY(ctx.Alive());
                        GF_ASSIGN(bytes, spill->Read(people[i].row));
                        return bytes;
                      });
}

}  // namespace genofed::genomics
