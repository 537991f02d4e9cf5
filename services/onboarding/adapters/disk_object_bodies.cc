// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/disk_object_bodies.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace genofed::onboarding {

Result<std::string> DiskObjectBodies::Read(const std::string& object, std::uint64_t offset,
                                           std::size_t size) {
  const Status lost =
      Error(StatusCode::kDataLoss, "BODY_LOST", "the body of an object cannot be read");
  const int fd = ::open(layout_.Object(object).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return lost;
  std::string bytes(size, '\0');
  std::size_t done = 0;
  bool good = true;
  while (done < size) {
    const ssize_t got =
        ::pread(fd, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    good = got >= 0;
    if (got <= 0) break;
    done += static_cast<std::size_t>(got);
  }
  ::close(fd);
  if (!good) return lost;
  bytes.resize(done);
  return bytes;
}

}  // namespace genofed::onboarding
