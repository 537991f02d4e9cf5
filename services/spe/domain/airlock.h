// SPDX-License-Identifier: Apache-2.0
//
// What may leave the secure environment: tables of counts, declared beforehand, in which nobody is
// recognisable. Everything else stays. Standard output and error, exit details and the texts of
// failures never leave; a requester sees coded reasons only.
//
// Rules, in the order in which they are applied:
//   1. The output directory holds the declared files and nothing else: plain files with plain
//   names, no links,
//      devices or holes.
//   2. Each file is a UTF-8 table of tab-separated values with exactly the declared columns, within
//   its limits. Content
//      decides, not the name: VCF, compressed and high-entropy content is refused.
//   3. Key cells are short printable text; keys do not repeat. Count cells are plain non-negative
//   integers.
//   4. No cell holds an identifier of a person, in whole or in part.
//   5. A count that stands for 1 .. minimum_count-1 people is small (two alleles may be one
//      person's: per_person). So is a difference that a
//   reader can form: a
//      count column declared `part_of` another (alternate alleles among all alleles) is small as
//      well if the rest, whole - part, is. An allele frequency near 1 tells as much about the few
//      others as one near 0 about the few carriers, only with the alleles' roles exchanged. Zero is
//      not small: it is true of everybody.
//   6. A row with a small cell is left out, key and all: where keys come from the data, such as
//      variants, the key alone says that somebody has it. Or the whole file is refused, as the
//      policy says. Where rows add up to a public total and just one is left out, the row with the
//      smallest counts of the others goes with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "services/spe/domain/identifier_dictionary.h"

namespace genofed::spe {

struct CountColumn {
  std::string name;
  // Column of which this one is a part; empty: none.
  std::string part_of;
  // How often one person can be counted: 2 for alleles. A count c stands for at least c/2 people,
  // rounded up.
  std::int64_t per_person = 1;
};

// One file a workflow declares.
struct OutputDeclaration {
  std::string name;
  std::vector<std::string> keys;  // columns, in order, before the counts
  std::vector<CountColumn> counts;
  bool rows_add_up = false;  // the sum over all rows is public, so one missing row could be computed
};

enum class SmallCounts { kLeaveOut, kRefuse };

struct AirlockPolicy {
  std::int64_t minimum_count = 5;
  SmallCounts small_counts = SmallCounts::kLeaveOut;
  std::size_t max_files = 32;
  std::size_t max_file_bytes = 64U << 20;
  std::int64_t max_cells = 10'000'000;  // of one file
  std::size_t max_key_chars = 256;
};

// One entry of the output directory, as the sealer found it.
struct OutputEntry {
  enum class Kind { kFile, kLink, kOther };
  std::string name;
  Kind kind = Kind::kFile;
  bool sparse = false;
  std::uint64_t links = 1;
  std::uint64_t size = 0;
  std::string content;  // only of plain files within the size limit
};

// A rule that was broken. `code` may be told to the requester; `detail` is for the data holder.
struct Finding {
  std::string check;  // "declared-files", "file-kind", "content", "table-shape", "identifiers",
                      // "minimum-count"
  std::string code;
  std::string file;
  std::string detail;
};

struct CheckedFile {
  std::string name;
  std::string content;  // as it may be released
  std::string sha256;   // of content, hex
  std::int64_t rows = 0;           // that are released
  std::int64_t rows_left_out = 0;  // by rule 6
};

struct AirlockVerdict {
  std::vector<Finding> refusals;
  // What a reviewer should know although it is allowed: "ROWS_EQUAL_COHORT".
  std::vector<Finding> warnings;
  std::vector<CheckedFile> files;  // by name; empty if anything was refused
  std::string digest;              // ReleaseDigest of files

  bool passed() const { return refusals.empty(); }
};

// Judges a whole output directory; all or nothing. `cohort_size` is the number of people whose data
// were staged in.
AirlockVerdict CheckOutputs(const AirlockPolicy& policy,
                            const std::vector<OutputDeclaration>& declarations,
                            const std::vector<OutputEntry>& entries,
                            const IdentifierDictionary& identifiers, std::int64_t cohort_size);

// SHA-256 (hex) over the lines "<sha256>  <name>\n" in order of names: what `sha256sum * |
// sha256sum` prints in a directory of the released files. Decisions bind to it.
std::string ReleaseDigest(const std::vector<CheckedFile>& files);

}  // namespace genofed::spe
