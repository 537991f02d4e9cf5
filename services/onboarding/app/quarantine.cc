// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/quarantine.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "libs/core/strings.h"
#include "services/onboarding/app/read_people.h"
#include "services/onboarding/domain/submission.h"

namespace genofed::onboarding {
namespace {

using SetAsides = std::vector<const clinical::SetAside*>;
// Lines [first, second) of a file, and what is wrong with the record that they are.
using ByLines = std::map<std::pair<std::uint32_t, std::uint32_t>, SetAsides>;

// A record ends where the next one begins that is not on the same line.
std::pair<std::uint32_t, std::uint32_t> LinesOf(const clinical::FileFacts& file, std::uint32_t record) {
  const std::uint32_t first = std::max(1U, file.records[record].line);
  const auto next = std::upper_bound(file.records.begin() + record, file.records.end(), first,
                                     [](std::uint32_t line, const clinical::Record& other) { return line < other.line; });
  return {first, next == file.records.end() ? UINT32_MAX : next->line};
}

class LineReader {
 public:
  explicit LineReader(const std::filesystem::path& path) : in_(path, std::ios::binary) {}
  bool ok() const { return in_.is_open() && !in_.bad(); }

  // Lines [first, end), without the last line end; must not be asked for less than before. Cut to the most of a record.
  std::string Read(std::uint32_t first, std::uint32_t end) {
    std::string text;
    auto& bytes = *in_.rdbuf();
    for (int c = 0; line_ < end && c != kEnd;) {
      c = bytes.sbumpc();
      if (c == kEnd) break;
      if (line_ >= first && text.size() < Quarantine::kMaxRecordBytes) text += static_cast<char>(c);
      if (c == '\n') ++line_;
    }
    while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
    return text;
  }

 private:
  static constexpr int kEnd = std::char_traits<char>::eof();
  std::ifstream in_;
  std::uint32_t line_ = 1;
};

}  // namespace

Result<std::unique_ptr<Quarantine>> Quarantine::Create(const Context& ctx, objects::ObjectStore& store,
                                                       std::string object, const crypt4gh::PublicKey& recipient,
                                                       Random& random) {
  GF_ASSIGN(auto body, store.Create(ctx, BodyName(object)));
  std::unique_ptr<Quarantine> quarantine(new Quarantine(ctx, std::move(object), std::move(body)));
  GF_ASSIGN(quarantine->encryptor_,
            crypt4gh::Encryptor::Create({&recipient, 1}, random, [made = quarantine.get()](std::string_view bytes) {
              return made->body_->Append(made->ctx_, bytes);
            }));
  return quarantine;
}

bool Quarantine::Add(const Finding& finding, std::optional<std::string_view> record) {
  nlohmann::ordered_json line = {
      {"code", finding.code}, {"file", finding.file}, {"line", finding.line}, {"field", finding.field}};
  if (record) {
    const std::string_view bytes = record->substr(0, kMaxRecordBytes);
    const bool text = IsUtf8(bytes);
    line["record"] = text ? std::string(bytes) : Base64Encode(bytes);
    if (!text) line["encoding"] = "base64";
    if (bytes.size() < record->size()) line["cut"] = true;
  }
  const std::string out = line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  if (bytes_ + out.size() > kMaxBytes) {
    ++not_kept_;
    return false;
  }
  bytes_ += out.size();
  if (status_.ok()) status_ = encryptor_->Push(out);
  return status_.ok();
}

Status Quarantine::AddClinical(std::span<const PeopleFile> files, const clinical::Collector& sources) {
  std::map<std::uint32_t, ByLines> by_file;
  for (const clinical::SetAside& one : sources.set_aside()) {
    by_file[one.origin.file][LinesOf(sources.files()[one.origin.file], one.origin.record)].push_back(&one);
  }
  not_kept_ += sources.set_aside_more();
  for (const auto& [number, records] : by_file) {
    const std::string& name = sources.files()[number].name;
    const auto file = std::find_if(files.begin(), files.end(), [&](const PeopleFile& f) { return f.name == name; });
    GF_CHECK(file != files.end());
    LineReader reader(file->path);
    for (const auto& [lines, set_asides] : records) {
      const std::string bytes = reader.Read(lines.first, lines.second);
      std::optional<std::string_view> record = bytes;
      for (const clinical::SetAside* one : set_asides) {
        const bool kept = Add({Severity::kWarning, one->code, name, one->line, one->field, ""}, record);
        if (kept) record.reset();
      }
    }
    if (!reader.ok()) return Error(StatusCode::kInternal, "FILE_FAILED", "cannot read an uploaded file");
  }
  return absl::OkStatus();
}

Result<std::optional<crypt4gh::Manifest>> Quarantine::Finish() {
  GF_TRY(status_);
  if (bytes_ == 0) return std::optional<crypt4gh::Manifest>();
  GF_ASSIGN(auto manifest, encryptor_->Finish());
  GF_TRY(body_->Commit(ctx_));
  return std::optional(std::move(manifest));
}

}  // namespace genofed::onboarding
