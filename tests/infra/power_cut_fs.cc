// SPDX-License-Identifier: Apache-2.0
//
// A file system whose power can be cut, for tests: shows a directory, and keeps what is written in
// memory until somebody syncs the file. On SIGUSR1 the power is cut: of what was not synced each
// block of 4 KiB is lost, or, as a kernel may have written any of it back by itself, is on the disk
// with the probability given; then the process ends, and everybody gets errors until it is started
// again. From SIGUSR2 on it lies: what is synced is not kept either, which a test must notice.
//
// Names, sizes made smaller, owners and modes are on the disk at once, as with a journal that never
// falls behind: who renames a file that was not synced is left with a new name and old bytes.
//
//   power_cut_fs DIRECTORY MOUNTPOINT [SURVIVES [SEED]]     until unmounted; needs root
#define FUSE_USE_VERSION 31
#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <utility>

namespace {

constexpr off_t kBlock = 4096;

// What was written to a file and not synced.
struct Unsynced {
  std::map<off_t, std::array<char, kBlock>> blocks;  // by number; whole blocks as they are now
  off_t size = 0;                                    // as it is now
  std::string path;                                  // where the file is opened to write it out
};

struct State {
  std::string directory;
  double survives = 0;
  std::mt19937 random;
  std::map<ino_t, Unsynced> files;  // one thread only
} g_state;
std::atomic<bool> g_cut{false}, g_lies{false};

std::string Real(const char* path) { return g_state.directory + path; }
int Outcome(long result) { return result < 0 ? -errno : 0; }

ino_t InodeOf(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 ? info.st_ino : 0;
}

// The file's entry; new ones are as the disk is.
Unsynced& Touch(int fd) {
  struct stat info {};
  if (fstat(fd, &info) != 0) std::abort();
  auto [entry, is_new] = g_state.files.try_emplace(info.st_ino);
  if (is_new) entry->second.size = info.st_size;
  return entry->second;
}

std::array<char, kBlock>& BlockOf(Unsynced& file, int fd, off_t number) {
  auto [entry, is_new] = file.blocks.try_emplace(number);
  if (is_new) {
    entry->second.fill(0);
    if (pread(fd, entry->second.data(), kBlock, number * kBlock) < 0) std::abort();
  }
  return entry->second;
}

// Writes a block and never more of it than the file has.
void WriteOut(int fd, const Unsynced& file, off_t number, const std::array<char, kBlock>& block) {
  const off_t end = std::min(file.size, (number + 1) * kBlock);
  if (end <= number * kBlock) return;
  const auto bytes = static_cast<std::size_t>(end - number * kBlock);
  if (pwrite(fd, block.data(), bytes, number * kBlock) != static_cast<ssize_t>(bytes)) std::abort();
}

int Sync(int fd) {
  if (g_lies) return 0;
  const auto found = g_state.files.find(InodeOf(fd));
  if (found == g_state.files.end()) return 0;
  for (const auto& [number, block] : found->second.blocks)
    WriteOut(fd, found->second, number, block);
  if (ftruncate(fd, found->second.size) != 0) return -errno;
  g_state.files.erase(found);
  return 0;
}

// The file of an entry, wherever it was renamed to: by its open descriptor.
std::map<ino_t, int> g_descriptors;

void Cut() {
  std::bernoulli_distribution survives(g_state.survives);
  std::size_t lost = 0, kept = 0;
  for (const auto& [inode, file] : g_state.files) {
    const auto fd = g_descriptors.find(inode);
    for (const auto& [number, block] : file.blocks) {
      const bool written = fd != g_descriptors.end() && survives(g_state.random);
      if (written) WriteOut(fd->second, file, number, block);
      ++(written ? kept : lost);
    }
  }
  std::printf("{\"files\":%zu,\"lost\":%zu,\"kept\":%zu}\n", g_state.files.size(), lost, kept);
  std::fflush(stdout);
  _exit(0);
}

int Open(const char* path, fuse_file_info* info) {
  // The entry's blocks are read from the disk, too.
  const int flags = (info->flags & ~(O_ACCMODE | O_APPEND | O_EXCL | O_DIRECT)) | O_RDWR;
  const int fd = open(Real(path).c_str(), flags, 0600);
  if (fd < 0) return -errno;
  if ((info->flags & O_TRUNC) != 0) g_state.files.erase(InodeOf(fd));
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}

int Create(const char* path, mode_t mode, fuse_file_info* info) {
  const int fd =
      open(Real(path).c_str(), O_CREAT | O_RDWR | (info->flags & (O_EXCL | O_TRUNC)), mode);
  if (fd < 0) return -errno;
  const fuse_context* caller = fuse_get_context();
  if (fchown(fd, caller->uid, caller->gid) != 0) return -errno;
  info->fh = static_cast<std::uint64_t>(fd);
  return 0;
}

int Read(const char*, char* out, std::size_t size, off_t offset, fuse_file_info* info) {
  const int fd = static_cast<int>(info->fh);
  const auto found = g_state.files.find(InodeOf(fd));
  if (found == g_state.files.end()) {
    const ssize_t got = pread(fd, out, size, offset);
    return got < 0 ? -errno : static_cast<int>(got);
  }
  const Unsynced& file = found->second;
  const off_t end = std::min(file.size, offset + static_cast<off_t>(size));
  if (end <= offset) return 0;
  const auto bytes = static_cast<std::size_t>(end - offset);
  std::memset(out, 0, bytes);
  if (pread(fd, out, bytes, offset) < 0) return -errno;
  for (auto block = file.blocks.lower_bound(offset / kBlock); block != file.blocks.end(); ++block) {
    const off_t first = std::max(offset, block->first * kBlock);
    const off_t last = std::min(end, (block->first + 1) * kBlock);
    if (first >= last) break;
    std::memcpy(out + (first - offset), block->second.data() + (first - block->first * kBlock),
                static_cast<std::size_t>(last - first));
  }
  return static_cast<int>(bytes);
}

int Write(const char*, const char* data, std::size_t size, off_t offset, fuse_file_info* info) {
  const int fd = static_cast<int>(info->fh);
  Unsynced& file = Touch(fd);
  // Kept open until it is synced or gone, so that it can be written to after a rename.
  if (auto [entry, is_new] = g_descriptors.try_emplace(InodeOf(fd), -1); is_new)
    entry->second = dup(fd);
  const off_t end = offset + static_cast<off_t>(size);
  for (off_t at = offset; at < end;) {
    const off_t number = at / kBlock;
    const off_t last = std::min(end, (number + 1) * kBlock);
    std::memcpy(BlockOf(file, fd, number).data() + (at - number * kBlock), data + (at - offset),
                static_cast<std::size_t>(last - at));
    at = last;
  }
  file.size = std::max(file.size, end);
  return static_cast<int>(size);
}

void Forget(ino_t inode) {
  const auto fd = g_descriptors.find(inode);
  if (fd == g_descriptors.end()) return;
  close(fd->second);
  g_descriptors.erase(fd);
}

int Fsync(const char*, int, fuse_file_info* info) {
  const int fd = static_cast<int>(info->fh);
  const int result = Sync(fd);
  if (result == 0 && !g_lies) Forget(InodeOf(fd));
  return result;
}

int Release(const char*, fuse_file_info* info) {
  const int fd = static_cast<int>(info->fh);
  struct stat gone {};
  if (fstat(fd, &gone) == 0 && gone.st_nlink == 0) {
    g_state.files.erase(gone.st_ino);
    Forget(gone.st_ino);
  }
  return Outcome(close(fd));
}

int GetAttr(const char* path, struct stat* out, fuse_file_info* info) {
  const long result =
      info != nullptr ? fstat(static_cast<int>(info->fh), out) : lstat(Real(path).c_str(), out);
  if (result != 0) return -errno;
  const auto found = g_state.files.find(out->st_ino);
  if (found != g_state.files.end() && S_ISREG(out->st_mode)) out->st_size = found->second.size;
  return 0;
}

int Truncate(const char* path, off_t size, fuse_file_info* info) {
  const int fd = info != nullptr ? dup(static_cast<int>(info->fh))
                                 : open(Real(path).c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return -errno;
  Unsynced& file = Touch(fd);
  file.blocks.erase(file.blocks.upper_bound((size - 1) / kBlock), file.blocks.end());
  if (size == 0) file.blocks.clear();
  if (size < file.size && size % kBlock != 0) {
    auto& last = BlockOf(file, fd, size / kBlock);
    std::fill(last.begin() + size % kBlock, last.end(), '\0');
  }
  struct stat disk {};
  const bool smaller = fstat(fd, &disk) == 0 && size < disk.st_size;
  const long result = smaller ? ftruncate(fd, size) : 0;
  file.size = size;
  close(fd);
  return Outcome(result);
}

int Allocate(const char*, int mode, off_t offset, off_t size, fuse_file_info* info) {
  if (mode != 0) return -EOPNOTSUPP;
  Unsynced& file = Touch(static_cast<int>(info->fh));
  file.size = std::max(file.size, offset + size);
  return 0;
}

int Unlink(const char* path) {
  struct stat info {};
  const bool last = lstat(Real(path).c_str(), &info) == 0 && info.st_nlink == 1;
  const long result = unlink(Real(path).c_str());
  // Somebody may have it open still: Release looks again.
  if (result == 0 && last && g_descriptors.count(info.st_ino) == 0)
    g_state.files.erase(info.st_ino);
  return Outcome(result);
}

int ReadDir(const char* path, void* out, fuse_fill_dir_t fill, off_t, fuse_file_info*,
            fuse_readdir_flags) {
  DIR* directory = opendir(Real(path).c_str());
  if (directory == nullptr) return -errno;
  while (const dirent* entry = readdir(directory))
    fill(out, entry->d_name, nullptr, 0, fuse_fill_dir_flags{});
  closedir(directory);
  return 0;
}

int Rename(const char* from, const char* to, unsigned flags) {
  return Outcome(renameat2(AT_FDCWD, Real(from).c_str(), AT_FDCWD, Real(to).c_str(), flags));
}

int MakeNode(const char* path, mode_t mode, dev_t device) {
  if (mknod(Real(path).c_str(), mode, device) != 0) return -errno;
  const fuse_context* caller = fuse_get_context();
  return Outcome(lchown(Real(path).c_str(), caller->uid, caller->gid));
}

int MakeDirectory(const char* path, mode_t mode) {
  if (mkdir(Real(path).c_str(), mode) != 0) return -errno;
  const fuse_context* caller = fuse_get_context();
  return Outcome(lchown(Real(path).c_str(), caller->uid, caller->gid));
}

int ReadLink(const char* path, char* out, std::size_t size) {
  const ssize_t length = readlink(Real(path).c_str(), out, size - 1);
  if (length < 0) return -errno;
  out[length] = '\0';
  return 0;
}

fuse_operations Operations() {
  fuse_operations ops{};
  ops.getattr = GetAttr;
  ops.readlink = ReadLink;
  ops.mknod = MakeNode;
  ops.mkdir = MakeDirectory;
  ops.unlink = Unlink;
  ops.rmdir = [](const char* path) { return Outcome(rmdir(Real(path).c_str())); };
  ops.symlink = [](const char* target, const char* path) {
    return Outcome(symlink(target, Real(path).c_str()));
  };
  ops.rename = Rename;
  ops.link = [](const char* from, const char* to) {
    return Outcome(link(Real(from).c_str(), Real(to).c_str()));
  };
  ops.chmod = [](const char* path, mode_t mode, fuse_file_info*) {
    return Outcome(chmod(Real(path).c_str(), mode));
  };
  ops.chown = [](const char* path, uid_t user, gid_t group, fuse_file_info*) {
    return Outcome(lchown(Real(path).c_str(), user, group));
  };
  ops.truncate = Truncate;
  ops.open = Open;
  ops.create = Create;
  ops.read = Read;
  ops.write = Write;
  ops.fsync = Fsync;
  ops.release = Release;
  ops.readdir = ReadDir;
  ops.fallocate = Allocate;
  ops.fsyncdir = [](const char*, int, fuse_file_info*) { return 0; };
  ops.statfs = [](const char* path, struct statvfs* out) {
    return Outcome(statvfs(Real(path).c_str(), out));
  };
  ops.utimens = [](const char* path, const timespec times[2], fuse_file_info*) {
    return Outcome(utimensat(AT_FDCWD, Real(path).c_str(), times, AT_SYMLINK_NOFOLLOW));
  };
  // Every read and write comes here, and sizes are never remembered.
  ops.init = [](fuse_conn_info*, fuse_config* config) -> void* {
    config->direct_io = 1;
    config->kernel_cache = 0;
    config->attr_timeout = config->entry_timeout = config->negative_timeout = 0;
    return nullptr;
  };
  return ops;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  g_state.directory = argv[1];
  if (argc > 3) g_state.survives = std::stod(argv[3]);
  g_state.random.seed(argc > 4 ? static_cast<unsigned>(std::stoul(argv[4])) : 1);
  umask(0);
  std::string options = "-oallow_other,default_permissions,fsname=power_cut_fs";
  char* arguments[] = {argv[0], options.data()};
  fuse_args args = FUSE_ARGS_INIT(2, arguments);
  const fuse_operations ops = Operations();
  fuse* const file_system = fuse_new(&args, &ops, sizeof ops, nullptr);
  if (file_system == nullptr || fuse_mount(file_system, argv[2]) != 0) return 1;
  struct sigaction cut {};
  cut.sa_handler = [](int) { g_cut = true; };  // without SA_RESTART: the loop's read ends
  sigaction(SIGUSR1, &cut, nullptr);
  struct sigaction lie {};
  lie.sa_handler = [](int) { g_lies = true; };
  sigaction(SIGUSR2, &lie, nullptr);
  std::printf("ready\n");
  std::fflush(stdout);
  // One thread, so that the power is cut between two operations and not within one.
  fuse_session* const session = fuse_get_session(file_system);
  fuse_buf buffer{};
  while (!fuse_session_exited(session)) {
    const int got = fuse_session_receive_buf(session, &buffer);
    if (g_cut) Cut();
    if (got == -EINTR) continue;
    if (got <= 0) break;
    fuse_session_process_buf(session, &buffer);
    if (g_cut) Cut();
  }
  fuse_unmount(file_system);
  return 0;
}
