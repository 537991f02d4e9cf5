// SPDX-License-Identifier: Apache-2.0
//
// A wall clock that can be set, for tests: preloaded into a program (LD_PRELOAD), it adds to the
// time of day the nanoseconds that stand as eight bytes at the beginning of the file
// $GENOFED_CLOCK, which may change at any moment. Monotonic clocks go on as they are, as when
// somebody sets a machine's clock. Linux has no namespace for the time of day, and Debian's
// libfaketime does not see the absolute deadlines that Abseil gives to futexes, so that gRPC's
// timers would wait for as long as the clock was set forward.
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

template <typename Function>
Function* Real(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

const volatile std::int64_t* Opened() {
  static const std::int64_t none = 0;
  const char* file = std::getenv("GENOFED_CLOCK");
  const int fd = file == nullptr ? -1 : open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return &none;
  void* shown = mmap(nullptr, sizeof none, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  return shown == MAP_FAILED ? &none : static_cast<const volatile std::int64_t*>(shown);
}

std::int64_t Offset() {
  static const volatile std::int64_t* const offset = Opened();
  return *offset;
}

timespec Moved(const timespec& time, std::int64_t by) {
  const std::int64_t at = time.tv_sec * kSecond + time.tv_nsec + by;
  return at < 0 ? timespec{0, 0} : timespec{at / kSecond, at % kSecond};
}

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto real = Real<int(clockid_t, timespec*)>("clock_gettime");
  const int result = real(clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    *time = Moved(*time, Offset());
  return result;
}

int gettimeofday(timeval* time, void* /*zone*/) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return 0;
}

time_t time(time_t* out) noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  if (out != nullptr) *out = now.tv_sec;
  return now.tv_sec;
}

// Deadlines by the time of day are the kernel's, whose clock nobody has set.
long syscall(long number, ...) noexcept {
  static const auto real = Real<long(long, long, long, long, long, long, long)>("syscall");
  va_list list;
  va_start(list, number);
  long a[6];
  for (long& argument : a) argument = va_arg(list, long);
  va_end(list);
  timespec deadline{};
  if (number == SYS_futex && (a[1] & FUTEX_CLOCK_REALTIME) != 0 && a[3] != 0) {
    deadline = Moved(*reinterpret_cast<const timespec*>(a[3]), -Offset());
    a[3] = reinterpret_cast<long>(&deadline);
  }
  return real(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

}  // extern "C"
