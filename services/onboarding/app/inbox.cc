// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/inbox.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "libs/core/strings.h"
#include "libs/core/unique_fd.h"
#include "libs/crypto/hash.h"
#include "libs/obs/log.h"

namespace genofed::onboarding {
namespace {

constexpr const char* kDescription = "submission.json";
constexpr const char* kMarker = "READY";
constexpr const char* kSums = "SHA256SUMS";
constexpr const char* kResult = "result.json";
constexpr std::size_t kMaxText = 1U << 20;  // of submission.json and SHA256SUMS
constexpr std::size_t kPiece = 1U << 20;
constexpr std::size_t kMaxEntries = 10'000;
constexpr int kMaxDepth = 32;

int OpenDirectory(const std::filesystem::path& path) {
  return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}
int OpenBelow(int directory, const std::string& name) {
  return ::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

std::vector<std::string> EntriesOf(int directory) {
  std::vector<std::string> names;
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr) {
    if (copy >= 0) ::close(copy);
    return names;
  }
  while (const dirent* entry = ::readdir(stream)) {
    if (names.size() < kMaxEntries) names.emplace_back(entry->d_name);
  }
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

// What the sender keeps hidden or half sent begins with a dot.
bool IsDropName(const std::string& name) {
  return name.size() <= 100 && name != "accepted" && name != "refused" && name[0] != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '.' || c == '_' || c == '-';
         });
}

// The sender can mend it, and must; anything else this site can, so that it is tried again.
bool IsFinalError(const Status& status) {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kFailedPrecondition:
    case StatusCode::kPermissionDenied:
    case StatusCode::kNotFound:
    case StatusCode::kAlreadyExists:
      return Reason(status) != "CHECKSUM_MISMATCH";
    default:
      return false;
  }
}

// A file, a link itself, or a directory with what it holds.
void RemoveAt(int directory, const std::string& name, int depth) {
  if (name == "." || name == ".." || ::unlinkat(directory, name.c_str(), 0) == 0 || depth == 0)
    return;
  const UniqueFd below(OpenBelow(directory, name));
  if (!below.valid()) return;
  for (const std::string& inner : EntriesOf(below.get())) RemoveAt(below.get(), inner, depth - 1);
  ::unlinkat(directory, name.c_str(), AT_REMOVEDIR);
}

Status Refused(const std::string& name, std::string_view why) {
  return InvalidField("files", "FILE_REFUSED", "{}: {}", name, why);
}

// Rights, descriptors, the disk: the sender need not send it again.
Status Unreadable() {
  return Error(StatusCode::kUnavailable, "INBOX_UNREADABLE", "a file cannot be read");
}

}  // namespace

// One subdirectory, held open: whatever its name leads to later, the files are those of this one.
class Inbox::Drop {
 public:
  Drop(std::string name, int fd) : name_(std::move(name)), fd_(fd) {}

  const std::string& name() const { return name_; }
  bool ok() const { return fd_.valid(); }
  int fd() const { return fd_.get(); }
  bool Has(const char* name) const {
    struct stat facts {};
    return ::fstatat(fd_.get(), name, &facts, AT_SYMLINK_NOFOLLOW) == 0;
  }

  // By which a change is noticed.
  std::string Fingerprint() const {
    std::string text;
    for (const std::string& name : EntriesOf(fd_.get())) {
      struct stat facts {};
      if (::fstatat(fd_.get(), name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) continue;
      text += fmt::format("{} {} {} {}.{}\n", name, facts.st_ino, facts.st_size,
                          facts.st_mtim.tv_sec, facts.st_mtim.tv_nsec);
    }
    return HexEncode(crypto::Sha256(text));
  }

  // Never waits for a pipe, never follows a link.
  Result<std::shared_ptr<UniqueFd>> Open(const std::string& name) const {
    if (name.find('/') != std::string::npos) return Refused(name, "is not in the directory itself");
    auto file = std::make_shared<UniqueFd>(
        ::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file->valid()) {
      switch (errno) {
        case ELOOP:
          return Refused(name, "is a symbolic link");
        case ENXIO:
          return Refused(name, "is no regular file");
        case ENOENT:
        case ENAMETOOLONG:
          return Refused(name, "is missing");
        default:
          return Unreadable();
      }
    }
    struct stat facts {};
    if (::fstat(file->get(), &facts) != 0) return Unreadable();
    if (!S_ISREG(facts.st_mode)) return Refused(name, "is no regular file");
    return file;
  }

  Result<std::string> ReadText(const std::string& name) const {
    GF_ASSIGN(const auto file, Open(name));
    std::string text(kMaxText + 1, '\0');
    const ssize_t size = ::pread(file->get(), text.data(), text.size(), 0);
    if (size < 0) return Unreadable();
    if (static_cast<std::size_t>(size) > kMaxText) return Refused(name, "has more than a megabyte");
    text.resize(static_cast<std::size_t>(size));
    return text;
  }

  Result<IntakeFile> Take(const Context& ctx, FileKind kind, const std::string& name,
                          std::int64_t max_bytes) const {
    GF_ASSIGN(const auto descriptor, Open(name));
    IntakeFile file{{kind, name},
                    0,
                    "",
                    [descriptor](std::int64_t offset, std::size_t most) -> Result<std::string> {
                      std::string bytes(most, '\0');
                      const ssize_t size = ::pread(descriptor->get(), bytes.data(), most, offset);
                      if (size < 0) return Unreadable();
                      bytes.resize(static_cast<std::size_t>(size));
                      return bytes;
                    }};
    crypto::Sha256Stream hash;
    while (true) {
      GF_TRY(ctx.Alive());
      GF_ASSIGN(const std::string bytes, file.read(file.size, kPiece));
      if (bytes.empty()) break;
      hash.Update(bytes);
      file.size += static_cast<std::int64_t>(bytes.size());
      if (file.size > max_bytes) return Refused(name, "is larger than this site takes");
    }
    if (file.size == 0) return Refused(name, "is empty");
    file.sha256 = HexEncode(hash.Finish());
    return file;
  }

  Status WriteResult(const std::string& text) const {
    ::unlinkat(fd_.get(), kResult, 0);
    const UniqueFd file(
        ::openat(fd_.get(), kResult, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
    const bool written =
        file.valid() &&
        ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fsync(file.get()) == 0 && ::fsync(fd_.get()) == 0;
    if (written) return absl::OkStatus();
    return Error(StatusCode::kUnavailable, "INBOX_UNWRITABLE",
                 "the result cannot be written into the inbox");
  }

  // Data in clear stay no longer than needed.
  void RemoveData() const {
    for (const std::string& name : EntriesOf(fd_.get())) {
      if (name == kDescription || name == kSums || name == kResult) continue;
      RemoveAt(fd_.get(), name, kMaxDepth);
    }
  }

 private:
  const std::string name_;
  const UniqueFd fd_;
};

Inbox::Inbox(Options options, Intake& intake, const Clock& clock, InboxParser parse,
             InboxFormatter format)
    : options_(std::move(options)),
      intake_(intake),
      clock_(clock),
      parse_(std::move(parse)),
      format_(std::move(format)) {}

Status Inbox::Poll(const Context& ctx) {
  const UniqueFd directory(OpenDirectory(options_.directory));
  if (!directory.valid())
    return Error(StatusCode::kNotFound, "INBOX_MISSING", "the inbox directory cannot be opened");
  for (const char* name : {"accepted", "refused"}) {
    if (::mkdirat(directory.get(), name, 0750) != 0 && errno != EEXIST) {
      return Error(StatusCode::kUnavailable, "INBOX_UNWRITABLE",
                   "the inbox directory cannot be written");
    }
    if (!swept_) Sweep(name);
  }
  swept_ = true;
  const auto names = EntriesOf(directory.get());
  std::erase_if(unready_,
                [&](const auto& known) { return !std::ranges::binary_search(names, known.first); });
  for (const std::string& name : names) {
    GF_TRY(ctx.Alive());
    if (IsDropName(name)) TakeIn(ctx, name);
  }
  return absl::OkStatus();
}

void Inbox::TakeIn(const Context& ctx, const std::string& name) {
  const UniqueFd directory(OpenDirectory(options_.directory));
  Drop drop(name, OpenBelow(directory.get(), name));
  if (!drop.ok()) return;
  if (!drop.Has(kMarker) && !SumsAgree(ctx, drop)) return;
  auto submission = Submit(ctx, drop);
  if (!submission.ok() && !IsFinalError(submission.status())) {
    unready_.erase(name);
    GF_LOG(ctx, warn, "inbox.delayed", {"directory", name},
           {"reason", Reason(submission.status())});
    return;
  }
  InboxResult result{submission.ok() ? submission->id : "", submission.status(), clock_.Now()};
  const Status concluded = Conclude(drop, result);
  GF_LOG(ctx, info, "inbox.taken", {"directory", name}, {"submission", result.submission},
         {"reason", Reason(concluded.ok() ? submission.status() : concluded)});
}

namespace {

// As sha256sum writes it: 64 hex digits, a blank, a blank or '*', the name.
Result<std::map<std::string, std::string>> ParseSums(std::string_view text) {
  std::map<std::string, std::string> sums;
  for (std::string_view line : Split(text, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    if (line.size() < 67 || line[64] != ' ' || (line[65] != ' ' && line[65] != '*')) {
      return Refused(kSums, "has a line that sha256sum would not write");
    }
    sums[std::string(line.substr(66))] = ToLower(line.substr(0, 64));
  }
  return sums;
}

}  // namespace

// Sums may come before what they are about, and files take their time: only what has come to rest
// is read, and once.
bool Inbox::SumsAgree(const Context& ctx, const Drop& drop) {
  if (!drop.Has(kSums)) return false;
  Unready& known = unready_[drop.name()];
  if (std::string now = drop.Fingerprint(); known.fingerprint != now) {
    known = {std::move(now), false};
    return false;
  }
  if (known.read) return false;
  const auto agree = CompareSums(ctx, drop);
  known.read = agree.ok() || IsFinalError(agree.status());
  return agree.value_or(false);
}

Result<bool> Inbox::CompareSums(const Context& ctx, const Drop& drop) const {
  GF_ASSIGN(const std::string text, drop.ReadText(kSums));
  GF_ASSIGN(const auto sums, ParseSums(text));
  if (!sums.contains(kDescription)) return false;
  for (const auto& [name, digest] : sums) {
    GF_ASSIGN(const IntakeFile file,
              drop.Take(ctx, FileKind::kVariants, name, options_.max_file_bytes));
    if (file.sha256 != digest) return false;
  }
  return true;
}

Result<Submission> Inbox::Submit(const Context& ctx, const Drop& drop) {
  GF_ASSIGN(const std::string text, drop.ReadText(kDescription));
  GF_ASSIGN(const InboxDescription description, parse_(text));
  IntakeRequest request{options_.holder, description.dataset, description.mode, "", {}};
  std::map<std::string, std::string> digests = {{kDescription, HexEncode(crypto::Sha256(text))}};
  for (const auto& [kind, name] : description.files) {
    GF_ASSIGN(IntakeFile file, drop.Take(ctx, kind, name, options_.max_file_bytes));
    digests[name] = file.sha256;
    request.files.push_back(std::move(file));
  }
  std::string content;
  for (const auto& [name, digest] : digests) content += digest + "  " + name + "\n";
  request.idempotency_key = "inbox." + HexEncode(crypto::Sha256(content));
  if (drop.Has(kSums)) {
    GF_ASSIGN(const std::string sums_text, drop.ReadText(kSums));
    GF_ASSIGN(const auto sums, ParseSums(sums_text));
    for (const auto& [name, digest] : digests) {
      const auto stated = sums.find(name);
      if (stated == sums.end() || stated->second != digest) {
        return InvalidField("files", "SUMS_DIFFER",
                            "{}: SHA256SUMS does not have it, or another digest", name);
      }
    }
  }
  return intake_.Submit(ctx, request);
}

// The result first: killed after it, the same content gives the same submission again.
Status Inbox::Conclude(Drop& drop, const InboxResult& result) {
  GF_TRY(drop.WriteResult(format_(result)));
  const UniqueFd from(OpenDirectory(options_.directory));
  const UniqueFd to(OpenBelow(from.get(), result.status.ok() ? "accepted" : "refused"));
  std::string target = drop.name();
  struct stat taken {};
  for (int n = 2; ::fstatat(to.get(), target.c_str(), &taken, AT_SYMLINK_NOFOLLOW) == 0; ++n) {
    target = fmt::format("{}.{}", drop.name(), n);
  }
  if (::renameat(from.get(), drop.name().c_str(), to.get(), target.c_str()) != 0) {
    return Error(StatusCode::kUnavailable, "INBOX_UNWRITABLE", "cannot move {}", drop.name());
  }
  ::fsync(to.get());
  ::fsync(from.get());
  drop.RemoveData();
  unready_.erase(drop.name());
  return absl::OkStatus();
}

// What a killed process left behind.
void Inbox::Sweep(const char* where) {
  const UniqueFd directory(OpenDirectory(options_.directory));
  const UniqueFd below(OpenBelow(directory.get(), where));
  for (const std::string& name : EntriesOf(below.get())) {
    if (!IsDropName(name)) continue;
    const Drop drop(name, OpenBelow(below.get(), name));
    if (drop.ok()) drop.RemoveData();
  }
}

}  // namespace genofed::onboarding
