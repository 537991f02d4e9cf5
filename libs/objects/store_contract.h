// SPDX-License-Identifier: Apache-2.0
//
// What every ObjectStore must do, whatever keeps the bytes. Each binary links
// store_contract.cc and instantiates the suite for its stores.
#pragma once

#include <gmock/gmock.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/objects/object_store.h"
#include "libs/testing/matchers.h"

namespace genofed::objects {

using genofed::testing::HasCode;
using genofed::testing::HasReason;
using genofed::testing::IsOk;

// Bytes that do not repeat at any power of two.
inline std::string SomeBytes(std::size_t size, unsigned seed = 0) {
  std::string bytes(size, '\0');
  std::uint32_t state = seed * 2654435761U + 1;
  for (char& c : bytes) {
    state = state * 1664525U + 1013904223U;
    c = static_cast<char>(state >> 24);
  }
  return bytes;
}

struct StoreUnderTest {
  std::string label;
  // Opens the same store once more; null where it cannot be had on this machine.
  std::function<std::unique_ptr<ObjectStore>()> open;
};

inline std::ostream& operator<<(std::ostream& out, const StoreUnderTest& store) {
  return out << store.label;
}

class StoreContract : public ::testing::TestWithParam<StoreUnderTest> {
 protected:
  void SetUp() override {
    store_ = GetParam().open();
    if (store_ == nullptr) GTEST_SKIP() << GetParam().label << " is not available here";
    static int tests = 0;
    folder_ = fmt::format("t{}/", ++tests);  // tests share a store, not names
  }

  std::string Name(std::string_view name) const { return folder_ + std::string(name); }

  static Result<Written> Put(ObjectStore& store, const std::string& name, std::string_view bytes,
                             std::size_t piece = 1U << 20) {
    const Context ctx = Context::Background();
    GF_ASSIGN(auto writer, store.Create(ctx, name));
    for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
      GF_TRY(writer->Append(ctx, bytes.substr(0, piece)));
    }
    return writer->Commit(ctx);
  }
  Result<Written> Put(const std::string& name, std::string_view bytes) {
    return Put(*store_, name, bytes);
  }

  Result<std::string> Get(const std::string& name, std::uint64_t offset = 0,
                          std::uint64_t size = kToEnd) {
    return ReadObject(ctx_, *store_, name, offset, size);
  }

  Result<std::vector<std::string>> Names(const std::string& prefix, std::size_t limit = kMaxPage) {
    std::vector<std::string> names;
    std::string token;
    do {
      GF_ASSIGN(const ObjectPage page, store_->List(ctx_, prefix, token, limit));
      EXPECT_LE(page.objects.size(), limit);
      for (const ObjectInfo& object : page.objects)
        names.push_back(object.name.substr(folder_.size()));
      token = page.next;
    } while (!token.empty());
    return names;
  }

  const Context ctx_ = Context::Background();
  std::unique_ptr<ObjectStore> store_;
  std::string folder_;
};

}  // namespace genofed::objects
