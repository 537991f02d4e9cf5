// SPDX-License-Identifier: Apache-2.0
//
// The real S3 server of the tests: tests/infra/swift_s3.py as a child that ends when this process
// does.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "libs/objects/s3_store.h"

namespace genofed::objects {

class SwiftServer {
 public:
  // Started at first use (a few seconds). Null, with a line that says why, when its packages are
  // not installed; with CI=true in the environment that ends the process instead, as every other
  // failure does.
  static SwiftServer* Get();
  ~SwiftServer();
  SwiftServer(const SwiftServer&) = delete;
  SwiftServer& operator=(const SwiftServer&) = delete;

  // Its bucket, path style, the smallest parts; without a prefix.
  const S3Options& options() const { return options_; }
  // Of somebody who may do nothing.
  const Credentials& stranger() const { return stranger_; }

 private:
  SwiftServer();
  pid_t child_ = -1;
  int input_ = -1;  // the child ends when it closes
  bool missing_ = false;
  S3Options options_;
  Credentials stranger_;
};

}  // namespace genofed::objects
