// SPDX-License-Identifier: Apache-2.0
//
// From the variant files of a batch of people to a durable segment of the cohort index: one
// multi-sample file, one for each chromosome, or many files of single people that are joined by
// position.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "libs/core/finding.h"
#include "libs/core/status.h"
#include "libs/genomics/cohort_index.h"
#include "libs/genomics/ingest.h"

namespace genofed::genomics {

struct SegmentInput {
  std::filesystem::path path;
  // Row of each sample that is taken from this file; its other samples are ignored. Names are those
  // of this file: laboratories call everybody "SAMPLE".
  std::map<std::string, std::uint32_t> rows;
  std::string sha256;  // hex, of the file, where it is known already; else it is read for that
  // Stages that see the pass over this file alone, with text where they need it. Their rows are
  // those of the cohort, or, where files are joined, the rows of this file in ascending order: row
  // 0 is the lowest number of `rows`. Borrowed.
  std::vector<SiteConsumer*> stages = {};
};

// Whether BuildSegment would join these files: they are of different people.
bool NeedsJoin(std::span<const SegmentInput> inputs);

// What it means that a variant of somebody else is not listed in a file. A gVCF answers that itself
// by its reference blocks. A plain VCF lists variants only: by usual practice all else is like the
// reference, which is true where the genome was sequenced well, and a guess elsewhere.
enum class AbsentSite {
  kIsReference,  // two reference alleles; one on MT; not called on Y, as the sex is not known here
  kIsNotCalled,
};

struct SegmentOptions {
  PassOptions pass;
  IndexStageOptions index;
  AbsentSite absent = AbsentSite::kIsReference;
};

struct SegmentReport {
  BuildSummary build;
  bool reused = false;  // the directory had the segment of these very inputs: nothing was done
  bool joined = false;  // files of different people were joined by position
  // In a join, by row: whether the person's file tells by reference blocks who was called where
  // (CohortIndex::CoveredAt); for all others AbsentSite was assumed.
  std::vector<bool> has_blocks;
  PassReport pass;      // sums over all files
  std::uint64_t filtered = 0;  // records left out by IndexStageOptions::pass_only
  // REFERENCE_BLOCKS_KEPT, ABSENT_IS_REFERENCE, ABSENT_IS_NOT_CALLED: notes on what was assumed.
  std::vector<Finding> findings;
};

// Builds the segment `info` in `dir`, which appears whole and synced, or not at all; temporary
// files lie beside it, in dir.partial. Where `dir` has a segment of the same inputs (by their
// digests), options and rows already, no work is done and no stage is called.
//
// Files of the same rows must be of different contigs and are read one after the other. Files of
// different rows are joined: a site is there when any file lists it, and for everybody else the
// reference blocks of their own file or AbsentSite tell whether they were called. Joining keeps one
// file open at a time and sorts on disk, by eighths of a megabase; memory holds one of those for
// all people.
//
// Stages see records as RunPass shows them. In a join they see one SiteCall for each allele, in no
// order within an eighth of a megabase and without text, and Begin is not called; a stage that
// needs text is refused (STAGE_NEEDS_ONE_FILE) and can be one of SegmentInput::stages instead. Rows
// that no file has are called nowhere. Errors: those of RunPass and SegmentBuilder; ROW_INVALID
// when a row is twice in a file, or a file has none; INDEX_EXISTS when `dir` holds something else;
// INPUT_INVALID without files.
Result<SegmentReport> BuildSegment(const std::filesystem::path& dir, IndexInfo info,
                                   std::span<const SegmentInput> inputs,
                                   const SegmentOptions& options = {},
                                   std::span<SiteConsumer* const> stages = {});

}  // namespace genofed::genomics
