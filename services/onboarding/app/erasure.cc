// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/erasure.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "libs/beacon/snapshot.h"
#include "libs/core/file.h"
#include "libs/core/strings.h"
#include "libs/crypt4gh/stream.h"
#include "libs/crypto/hash.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/erase_rows.h"
#include "libs/genomics/person_records.h"
#include "libs/genomics/subset.h"
#include "libs/genomics/vcf_reader.h"
#include "libs/obs/log.h"
#include "libs/qc/fingerprints.h"
#include "services/onboarding/app/cohort_rows.h"
#include "services/onboarding/app/files.h"
#include "services/onboarding/app/seal_objects.h"
#include "services/onboarding/app/snapshot_files.h"

namespace genofed::onboarding {
namespace {

namespace fs = std::filesystem;

bool HasAll(const std::set<std::int32_t>& rows, const std::set<std::int32_t>& wanted) {
  return std::includes(rows.begin(), rows.end(), wanted.begin(), wanted.end());
}

Status OtherRows() {
  return Error(StatusCode::kDataLoss, "CONSENT_ANSWER_INVALID",
               "the consent service knows other rows");
}

}  // namespace

// One dataset.
class Erasure::Work {
 public:
  Work(Erasure& erasure, const Context& ctx, std::string dataset,
       std::vector<StoredVersion> versions, const RowsByVersion& forgotten)
      : e_(erasure), ctx_(ctx), versions_(std::move(versions)) {
    rewrite_.dataset = std::move(dataset);
    for (const auto& [version, rows] : forgotten) {
      const auto found =
          std::find_if(versions_.begin(), versions_.end(),
                       [&, v = version](const auto& one) { return one.snapshot.version == v; });
      if (found == versions_.end() || HasAll(found->erased, rows)) continue;
      StoredVersion anew = *found;
      anew.erased.insert(rows.begin(), rows.end());
      rewrite_.versions.push_back(std::move(anew));
    }
  }
  bool empty() const { return rewrite_.versions.empty(); }
  // Nothing is stored any more: only that there is nothing to erase is written down.
  Status NoteOnly() { return e_.store_.Commit(ctx_, rewrite_); }

  Status Run() {
    for (const StoredVersion& version : rewrite_.versions) {
      if (!version.snapshot.is_folder()) FindSegments(version);
    }
    for (const auto& [path, segment] : segments_) GF_TRY(Segment(path, segment));
    for (StoredVersion& version : rewrite_.versions) {
      if (LosesRows(version)) GF_TRY(Version(version));
    }
    for (const StoredVersion& version : versions_) GF_TRY(DropQuarantine(version.submission));
    return e_.store_.Commit(ctx_, rewrite_);
  }

 private:
  struct SegmentWork {
    SegmentRef ref;
    // The first that has it, and where it begins there: a run is given keys of objects of its own
    // version and of those that this one goes on from, not of later ones.
    std::int32_t version = 0;
    std::int32_t first_row = 0;
    std::set<std::uint32_t> rows;  // of the segment
  };

  const StoredVersion& Stored(std::int32_t version) const {
    return *std::find_if(versions_.begin(), versions_.end(),
                         [&](const auto& one) { return one.snapshot.version == version; });
  }

  // Nothing but what was set aside is stored of those who were left out.
  bool LosesRows(const StoredVersion& version) const {
    const std::set<std::int32_t>& before = Stored(version.snapshot.version).erased;
    return std::ranges::any_of(version.erased,
                               [&](std::int32_t row) { return row >= 0 && !before.contains(row); });
  }

  void FindSegments(const StoredVersion& version) {
    const std::set<std::int32_t>& before = Stored(version.snapshot.version).erased;
    std::int32_t first = 0;
    for (const SegmentRef& segment : version.snapshot.segments) {
      for (const std::int32_t row : version.erased) {
        if (row < first || row >= first + segment.rows || before.contains(row)) continue;
        const auto [found, fresh] = segments_.try_emplace(segment.index_path);
        if (fresh) found->second = FirstOf(segment);
        found->second.rows.insert(static_cast<std::uint32_t>(row - first));
      }
      first += segment.rows;
    }
  }

  SegmentWork FirstOf(const SegmentRef& segment) const {
    const auto is_it = [&](const SegmentRef& one) { return one.index_path == segment.index_path; };
    const auto version = std::ranges::find_if(versions_, [&](const StoredVersion& one) {
      return std::ranges::any_of(one.snapshot.segments, is_it);
    });
    SegmentWork work{segment, version->snapshot.version, 0, {}};
    for (auto one = version->snapshot.segments.begin(); !is_it(*one); ++one)
      work.first_row += one->rows;
    return work;
  }

  // A new directory beside the others: "3.1" for something of version 3.
  Result<std::string> NewDirectory(std::int32_t version) {
    for (int i = 1;; ++i) {
      const std::string path =
          fmt::format("{}.{}", Layout::IndexPath(rewrite_.dataset, version), i);
      std::error_code error;
      if (fs::exists(e_.layout_.SitePath(path), error)) continue;
      GF_TRY(e_.store_.Discard(ctx_, {{Discarded::Kind::kPath, path, rewrite_.dataset}}));
      GF_TRY(MakeDirectory(e_.layout_.SitePath(path)));
      return path;
    }
  }

  Status Segment(const std::string& old_path, const SegmentWork& work) {
    GF_TRY(ctx_.Alive());
    const fs::path old = e_.layout_.SitePath(old_path);
    GF_ASSIGN(auto scratch, ScratchDirectory::Create(e_.layout_.Scratch()));
    const std::vector<std::uint32_t> rows(work.rows.begin(), work.rows.end());
    GF_ASSIGN(const auto objects, e_.store_.Objects(ctx_, work.ref.submission));
    GF_ASSIGN(const auto staying, Staying(work));
    GF_ASSIGN(const auto records, Records(objects, rows, staying, scratch / "people"));
    const fs::path made = scratch / "index";
    SegmentRef anew = work.ref;
    {
      GF_ASSIGN(const auto index, genomics::CohortIndex::Open(old, work.ref.manifest_sha256));
      GF_ASSIGN(const auto built, genomics::EraseRows(ctx_, *index, rows, records.get(), made));
      anew.manifest_sha256 = built.manifest_sha256;
    }
    std::error_code error;
    if (fs::exists(old / qc::kFingerprintsFile, error)) {
      GF_ASSIGN(auto fingerprints, qc::Fingerprints::Load(old / qc::kFingerprintsFile));
      for (const std::uint32_t row : rows) fingerprints.Forget(row);
      GF_TRY(fingerprints.Save(made / qc::kFingerprintsFile));
    }
    GF_ASSIGN(anew.index_path, NewDirectory(work.version));
    GF_TRY(MoveIntoPlace(made, e_.layout_.SitePath(anew.index_path)));
    rewrite_.segments.emplace(old_path, anew);
    if (records != nullptr)
      GF_TRY(ReplaceRecords(work, objects, *records, rows, scratch / "others"));
    return Genotypes(work, objects, staying);
  }

  // Pseudonyms of the segment's people. Who was forgotten is called otherwise by now.
  Result<std::set<std::string>> Staying(const SegmentWork& work) {
    GF_ASSIGN(const auto pseudonyms, e_.consent_.Pseudonyms(ctx_, rewrite_.dataset, work.version));
    const auto end =
        static_cast<std::size_t>(work.first_row) + static_cast<std::size_t>(work.ref.rows);
    if (pseudonyms.size() < end) return OtherRows();
    return std::set<std::string>(pseudonyms.begin() + work.first_row,
                                 pseudonyms.begin() + static_cast<std::ptrdiff_t>(end));
  }

  // What the people of the segment carry; null for batches that came before there were such
  // records. What is erased is gone for good, so a row of somebody who stays is refused here.
  Result<std::unique_ptr<genomics::PersonRecords>> Records(
      const std::vector<ObjectRecord>& objects, const std::vector<std::uint32_t>& rows,
      const std::set<std::string>& staying, const fs::path& clear) {
    const auto object = std::ranges::find(objects, kPersonRecordsRole, &ObjectRecord::role);
    if (object == objects.end()) return std::unique_ptr<genomics::PersonRecords>();
    GF_TRY(Decrypt(*object, clear));
    GF_ASSIGN(auto records, genomics::PersonRecords::Open(clear));
    for (const std::uint32_t row : rows) {
      const auto* person = records->Find(row);
      if (person != nullptr && staying.contains(person->name)) return OtherRows();
    }
    return records;
  }

  Status ReplaceRecords(const SegmentWork& work, const std::vector<ObjectRecord>& objects,
                        const genomics::PersonRecords& records,
                        const std::vector<std::uint32_t>& rows, const fs::path& clear) {
    const bool nobody_left = std::ranges::all_of(records.people(), [&](const auto& person) {
      return person.bytes.empty() || std::ranges::binary_search(rows, person.row);
    });
    if (nobody_left) {
      Drop(objects, {kPersonRecordsRole});
      return absl::OkStatus();
    }
    GF_TRY(records.WriteWithout(rows, clear));
    GF_ASSIGN(const std::string recipient, e_.consent_.EncryptionKey(ctx_));
    GF_ASSIGN(auto sealed,
              SealPersonRecords(ctx_, e_.bodies_, clear, NewObject(work.ref.submission, recipient),
                                e_.clock_, e_.random_));
    return Keep({std::move(sealed)}, work.version);
  }

  Status Genotypes(const SegmentWork& work, const std::vector<ObjectRecord>& objects,
                   const std::set<std::string>& stay) {
    const auto old = std::find_if(objects.begin(), objects.end(),
                                  [](const auto& object) { return object.role == "genotypes"; });
    if (old == objects.end()) return absl::OkStatus();
    GF_ASSIGN(auto scratch, ScratchDirectory::Create(e_.layout_.Scratch()));
    const fs::path clear = scratch / "all.vcf.gz", anew = scratch / "genotypes.vcf.gz";
    GF_TRY(Decrypt(*old, clear));
    std::vector<genomics::SampleRename> keep;
    genomics::SubsetOptions options;
    {
      GF_ASSIGN(const auto reader, genomics::VcfReader::Open(clear));
      for (const std::string& sample : reader->header().samples) {
        if (stay.contains(sample))
          keep.push_back({sample, sample});
        else
          options.forgotten.push_back(sample);
      }
    }
    if (keep.empty()) {
      Drop(objects, {"genotypes", "index"});
      return absl::OkStatus();
    }
    GF_TRY(genomics::SubsetVcf(clear, keep, anew, options));
    GF_ASSIGN(const std::string recipient, e_.consent_.EncryptionKey(ctx_));
    GF_ASSIGN(auto sealed,
              SealGenotypes(ctx_, e_.bodies_, anew, NewObject(work.ref.submission, recipient),
                            e_.clock_, e_.random_));
    return Keep(std::move(sealed), work.version);
  }

  // Clear text lies in scratch only, as it does while data are taken in.
  Status Decrypt(const ObjectRecord& object, const fs::path& path) {
    const auto key = crypt4gh::SecretKey::Generate(e_.random_);
    GF_ASSIGN(const std::string header,
              e_.consent_.ReleaseForErasure(ctx_, object.id, key.public_key().raw()));
    crypt4gh::Manifest manifest;
    manifest.plain_size = static_cast<std::uint64_t>(object.plain_size);
    manifest.body_size = static_cast<std::uint64_t>(object.body_size);
    GF_ASSIGN(manifest.plain_sha256, HexDecode(object.plain_sha256));
    GF_ASSIGN(manifest.body_sha256, HexDecode(object.body_sha256));
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    GF_ASSIGN(auto decryptor, crypt4gh::Decryptor::Create(
                                  header, key, manifest, [&out](std::string_view bytes) -> Status {
                                    out.write(bytes.data(),
                                              static_cast<std::streamsize>(bytes.size()));
                                    if (out) return absl::OkStatus();
                                    return Error(StatusCode::kResourceExhausted, "STORAGE_FULL",
                                                 "a scratch file cannot be written");
                                  }));
    GF_TRY(e_.bodies_.Read(ctx_, BodyName(object.id), 0, objects::kToEnd,
                           [&](std::string_view bytes) { return decryptor.Push(bytes); }));
    GF_TRY(decryptor.Finish());
    out.close();
    if (!out)
      return Error(StatusCode::kResourceExhausted, "STORAGE_FULL",
                   "a scratch file cannot be written");
    return absl::OkStatus();
  }

  ObjectRequest NewObject(const std::string& submission, const std::string& recipient) {
    return {
        submission, recipient, [this](const std::string& object) {
          return e_.store_.Discard(ctx_, {{Discarded::Kind::kObject, object, rewrite_.dataset}});
        }};
  }

  Status Keep(std::vector<ObjectRecord> sealed, std::int32_t version) {
    for (ObjectRecord& object : sealed) {
      GF_TRY(e_.consent_.StoreHeader(ctx_, rewrite_.dataset, version, object));
      object.header_stored = true;
      rewrite_.objects.push_back(std::move(object));
    }
    return absl::OkStatus();
  }

  Status Version(StoredVersion& version) {
    GF_TRY(ctx_.Alive());
    const Snapshot before = version.snapshot;
    Snapshot& snapshot = version.snapshot;
    for (SegmentRef& segment : snapshot.segments) {
      const auto anew = rewrite_.segments.find(segment.index_path);
      if (anew != rewrite_.segments.end()) segment = anew->second;
    }
    GF_ASSIGN(const std::string directory, NewDirectory(snapshot.version));
    GF_ASSIGN(auto scratch, ScratchDirectory::Create(e_.layout_.Scratch()));
    const std::string file =
        snapshot.is_folder() ? beacon::kSnapshotFile : genomics::kIndividualsFile;
    snapshot.individuals_path = directory + "/" + file;
    const fs::path made = scratch / file;
    if (snapshot.is_folder()) {
      std::set<std::int32_t> rows = version.erased;
      rows.erase(-1);
      GF_ASSIGN(snapshot.individuals_sha256,
                beacon::WriteWithout(e_.layout_.SitePath(before.individuals_path),
                                     before.individuals_sha256, rows, made));
    } else {
      GF_ASSIGN(SnapshotContent content, ReadContent(e_.layout_, before));
      for (const std::int32_t row : version.erased) {
        if (row < 0) continue;
        if (static_cast<std::size_t>(row) >= content.individuals.size()) return OtherRows();
        content.individuals[static_cast<std::size_t>(row)] = {};
      }
      GF_TRY(genomics::WriteIndividuals(made, content.individuals));
      GF_ASSIGN(const std::string table, ReadFile(made, std::size_t{4} << 30));
      snapshot.individuals_sha256 = HexEncode(crypto::Sha256(table));
      GF_TRY(Phenotypes(version, content));
    }
    return MoveIntoPlace(made, e_.layout_.SitePath(snapshot.individuals_path));
  }

  Status Phenotypes(const StoredVersion& version, const SnapshotContent& content) {
    GF_ASSIGN(const auto pseudonyms,
              e_.consent_.Pseudonyms(ctx_, rewrite_.dataset, version.snapshot.version));
    if (pseudonyms.size() != content.individuals.size()) return OtherRows();
    GF_ASSIGN(const std::string recipient, e_.consent_.EncryptionKey(ctx_));
    GF_ASSIGN(auto sealed,
              SealPhenotypes(ctx_, e_.bodies_, PhenotypeTable(pseudonyms, content.individuals),
                             NewObject(version.submission, recipient), e_.clock_, e_.random_));
    return Keep(std::move(sealed), version.snapshot.version);
  }

  // Whose the records are that were set aside is not known, and lines of a VCF are everybody's, so
  // those of the whole dataset go.
  Status DropQuarantine(const std::string& submission) {
    GF_ASSIGN(const auto objects, e_.store_.Objects(ctx_, submission));
    Drop(objects, {kQuarantineRole});
    return absl::OkStatus();
  }

  void Drop(const std::vector<ObjectRecord>& objects, const std::set<std::string>& roles) {
    for (const ObjectRecord& object : objects) {
      if (roles.contains(object.role)) rewrite_.dropped.insert(object.id);
    }
  }

  Erasure& e_;
  const Context& ctx_;
  const std::vector<StoredVersion> versions_;
  Rewrite rewrite_;
  std::map<std::string, SegmentWork> segments_;  // by index path
};

Result<std::map<std::string, RowsByVersion>> Erasure::Forgotten(const Context& ctx) {
  std::map<std::string, RowsByVersion> forgotten;
  for (std::int64_t after = 0;;) {
    GF_ASSIGN(const ForgottenPage page, consent_.Forgotten(ctx, after));
    for (const ForgottenRow& row : page.rows) forgotten[row.dataset][row.version].insert(row.row);
    if (page.next == 0) return forgotten;
    if (page.next <= after)
      return Error(StatusCode::kDataLoss, "CONSENT_ANSWER_INVALID",
                   "the consent service's pages go backwards");
    after = page.next;
  }
}

Status Erasure::Erase(const Context& ctx, const std::string& dataset,
                      const RowsByVersion& forgotten) {
  GF_ASSIGN(auto versions, store_.Versions(ctx, dataset));
  Work work(*this, ctx, dataset, std::move(versions), forgotten);
  if (work.empty()) return absl::OkStatus();
  GF_ASSIGN(const bool busy, store_.IsBusy(ctx, dataset));
  if (busy) return absl::OkStatus();
  const auto listed = publisher_.ListedVersion(ctx, dataset);
  if (Reason(listed.status()) == "DATASET_DECOMMISSIONED") return work.NoteOnly();
  GF_TRY(listed);
  GF_TRY(work.Run());
  metrics_.Add("genofed_onboarding_erasures_total", {});
  GF_LOG(ctx, info, "dataset.erased", {"dataset", dataset});
  return absl::OkStatus();
}

Status Erasure::Announce(const Context& ctx) {
  GF_ASSIGN(const auto versions, store_.Unannounced(ctx));
  for (const StoredVersion& version : versions) {
    const Snapshot& snapshot = version.snapshot;
    GF_TRY(publisher_.ReplaceIndex(ctx, snapshot));
    GF_TRY(consent_.Log(
        ctx,
        fmt::format("erased:{}:{}:{}", snapshot.dataset, snapshot.version,
                    snapshot.individuals_sha256),
        {snapshot.dataset, snapshot.version, "erased", "", "", "people asked to be forgotten"}));
    GF_TRY(store_.Announced(ctx, snapshot.dataset, snapshot.version));
  }
  return absl::OkStatus();
}

// First nobody can open it, then it is gone, then it is forgotten that it was there.
Status Erasure::CleanUp(const Context& ctx) {
  GF_ASSIGN(const auto all, store_.ListDiscarded(ctx));
  for (const Discarded& one : all) {
    if (one.kind == Discarded::Kind::kObject) {
      GF_TRY(consent_.DestroyHeaders(ctx, one.dataset, {one.name}));
      GF_TRY(bodies_.Remove(ctx, BodyName(one.name)));
    } else {
      GF_TRY(RemoveTree(layout_.SitePath(one.name)));
    }
    GF_TRY(store_.Drop(ctx, one));
  }
  return absl::OkStatus();
}

Status Erasure::Run(const Context& ctx) {
  // What an earlier run left comes first: until discovery answers from what is new, the old files
  // stay.
  GF_TRY(Announce(ctx));
  GF_TRY(CleanUp(ctx));
  GF_ASSIGN(const auto forgotten, Forgotten(ctx));
  Status first;
  for (const auto& [dataset, rows] : forgotten) {
    GF_TRY(ctx.Alive());
    const Status erased = Erase(ctx, dataset, rows);
    if (!erased.ok()) {
      metrics_.Add("genofed_onboarding_erasures_delayed_total", {{"reason", Reason(erased)}});
      GF_LOG(ctx, warn, "dataset.erasure_delayed", {"dataset", dataset},
             {"reason", Reason(erased)});
    }
    first.Update(erased);
  }
  GF_TRY(Announce(ctx));
  GF_TRY(CleanUp(ctx));
  return first;
}

}  // namespace genofed::onboarding
