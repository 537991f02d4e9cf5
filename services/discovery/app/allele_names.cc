// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/app/allele_names.h"

#include "libs/genomics/sequence_digests.h"

namespace genofed::discovery {
namespace {

using genomics::Assembly;
using genomics::Reference;
using genomics::VariantNames;

std::vector<std::string> PrimaryContigs() {
  std::vector<std::string> contigs;
  for (int number = 1; number <= 22; ++number) contigs.push_back(std::to_string(number));
  contigs.insert(contigs.end(), {"X", "Y", "MT"});
  return contigs;
}

}  // namespace

AlleleNames::AlleleNames(OpenReference open) : open_(std::move(open)) {
  if (open_ != nullptr) return;
  for (const Assembly assembly : {Assembly::kGrch37, Assembly::kGrch38}) {
    for (const std::string& contig : PrimaryContigs())
      Know(assembly, contig,
           {std::string(genomics::RefgetAccession(assembly, contig).value_or("")), false});
  }
}

Status AlleleNames::Prepare(const Context& ctx) {
  if (open_ == nullptr) return absl::OkStatus();
  GF_ASSIGN(const std::unique_ptr<Reference> reference, open_());
  genomics::SequenceDigests digests(*reference);
  for (const std::string& contig : PrimaryContigs()) {
    for (const Assembly assembly : {Assembly::kGrch37, Assembly::kGrch38}) {
      GF_TRY(ctx.Alive());
      // By its length a sequence is of an assembly; a masked one is another sequence all the same.
      if (genomics::ContigLength(assembly, contig) == reference->Length(contig)) {
        GF_ASSIGN(std::string refget, digests.Accession(contig));
        Know(assembly, contig, {std::move(refget), true});
      } else {
        Know(assembly, contig,
             {std::string(genomics::RefgetAccession(assembly, contig).value_or("")), false});
      }
    }
  }
  return absl::OkStatus();
}

VariantNames AlleleNames::Of(Assembly assembly, const genomics::Variant& variant) const {
  Sequence sequence;
  {
    MutexLock lock(mutex_);
    const auto known = known_.find({assembly, variant.contig});
    if (known == known_.end()) return {};
    sequence = known->second;
  }
  if (!sequence.has_bases)
    return genomics::NameVariant(variant, assembly, sequence.refget, nullptr);
  auto reference = Take();
  if (!reference.ok()) return {};
  VariantNames names;
  const auto bases =
      (*reference)
          ->Fetch(variant.contig, variant.pos, static_cast<std::int64_t>(variant.ref.size()));
  if (bases.ok() && *bases == variant.ref)
    names = genomics::NameVariant(variant, assembly, sequence.refget, reference->get());
  GiveBack(*std::move(reference));
  return names;
}

void AlleleNames::Know(Assembly assembly, const std::string& contig, Sequence sequence) {
  MutexLock lock(mutex_);
  known_[{assembly, contig}] = std::move(sequence);
}

Result<std::unique_ptr<Reference>> AlleleNames::Take() const {
  {
    MutexLock lock(mutex_);
    if (!free_.empty()) {
      auto reference = std::move(free_.back());
      free_.pop_back();
      return reference;
    }
  }
  return open_();
}

void AlleleNames::GiveBack(std::unique_ptr<Reference> reference) const {
  MutexLock lock(mutex_);
  if (free_.size() < kMaxFree) free_.push_back(std::move(reference));
}

}  // namespace genofed::discovery
