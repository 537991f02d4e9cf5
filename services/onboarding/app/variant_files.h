// SPDX-License-Identifier: Apache-2.0
//
// Clinicians' files: what variants a patient carries, normalised and under the names that
// laboratories and databases exchange. The patient is nobody of this node's datasets, so nothing is
// kept: file and list have no name on disk, belong to one person, and go with their use.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/clock.h"
#include "libs/core/context.h"
#include "libs/core/mutex.h"
#include "libs/core/random.h"
#include "libs/core/status.h"
#include "libs/genomics/variant.h"

namespace genofed::onboarding {

// Thread-safe. A file is what the user of the context began; for everybody else it is
// NotFound FILE_UNKNOWN.
class VariantFiles {
 public:
  struct Options {
    std::filesystem::path directory;        // for files without a name
    std::filesystem::path reference_fasta;  // empty: none
    std::uint64_t max_file_bytes = std::uint64_t{1} << 30;
    std::uint64_t max_list_bytes = std::uint64_t{4} << 30;
    std::size_t max_files = 16;
    std::size_t max_files_of_person = 2;
    int max_described_at_once = 2;
    std::chrono::seconds max_idle = std::chrono::minutes(5);
    std::chrono::milliseconds wait{5000};  // of Describe, for the end of the work
  };
  struct Written {
    std::string file;
    std::int64_t size = 0;  // of what is there now
  };
  struct Progress {
    bool done = false;
    std::int64_t records = 0;    // read so far
    std::int64_t variants = 0;   // described so far
    std::int64_t list_size = 0;  // bytes, once done
  };
  struct Piece {
    std::string bytes;
    std::int64_t list_size = 0;
  };

  VariantFiles(Options options, const Clock& clock, Random& random);
  ~VariantFiles();

  // An empty `file` begins one. Errors: FAILED_PRECONDITION/OFFSET_GAP, FILE_DESCRIBED;
  // RESOURCE_EXHAUSTED/TOO_MANY_FILES, STORAGE_FULL; INVALID_ARGUMENT/OFFSET_INVALID, FILE_TOO_LARGE.
  Result<Written> Write(const Context& ctx, const std::string& file, std::int64_t offset,
                        std::string_view data);
  // Makes the list and then lets go of the file: begins, waits a while, and says how far it is; to
  // be repeated until it is done. `name` is what findings call the file, `assembly` is "", "GRCh37"
  // or "GRCh38". With the node's reference genome if that is of the assembly. Errors: those of
  // genomics::DescribeVariants, after which the file can be described otherwise; INVALID_ARGUMENT/ASSEMBLY_UNKNOWN, FILE_NAME_INVALID;
  // RESOURCE_EXHAUSTED/BUSY, LIST_TOO_LARGE.
  Result<Progress> Describe(const Context& ctx, const std::string& file, const std::string& name,
                            const std::string& assembly);
  // Up to `size` bytes of the list, 1 MiB at most; fewer only at its end. Errors:
  // FAILED_PRECONDITION/NOT_DESCRIBED; INVALID_ARGUMENT/OFFSET_INVALID, SIZE_INVALID.
  Result<Piece> Read(const Context& ctx, const std::string& file, std::int64_t offset,
                           std::int32_t size);
  void Discard(const Context& ctx, const std::string& file);
  // Lets go of what was not touched for max_idle. Called from time to time.
  void DiscardIdle();

 private:
  struct File;

  Result<std::shared_ptr<File>> Begin(const Context& ctx);
  Result<std::shared_ptr<File>> Find(const Context& ctx, const std::string& file);
  static Status WriteInto(File& file, std::int64_t offset, std::string_view data);
  Status Start(File& file, const std::string& name, std::optional<genomics::Assembly> assembly);
  Result<std::int64_t> MakeList(const Context& ctx, File& file, const std::string& name,
                                std::optional<genomics::Assembly> assembly) const;

  const Options options_;
  const Clock& clock_;
  Random& random_;
  Mutex mutex_;
  std::map<std::string, std::shared_ptr<File>> files_ ABSL_GUARDED_BY(mutex_);
  std::atomic<int> describing_{0};
};

}  // namespace genofed::onboarding
