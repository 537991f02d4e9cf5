// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <google/protobuf/timestamp.pb.h>

#include "libs/core/clock.h"

namespace genofed::rpc {

// Time on the wire. Microseconds survive the round trip.
inline void SetTime(google::protobuf::Timestamp* out, Time time) {
  auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  out->set_seconds(seconds.time_since_epoch().count());
  out->set_nanos(static_cast<std::int32_t>((time - seconds).count() * 1000));
}

inline Time GetTime(const google::protobuf::Timestamp& in) {
  return FromUnixMicros(in.seconds() * 1'000'000 + in.nanos() / 1000);
}

}  // namespace genofed::rpc
