// SPDX-License-Identifier: Apache-2.0
#include "libs/objects/store_contract.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libs/crypto/hash.h"

namespace genofed::objects {

TEST_P(StoreContract, ProbeSaysThatItWorks) { EXPECT_THAT(store_->Probe(ctx_), IsOk()); }

TEST_P(StoreContract, WhatIsPutIsRead) {
  for (const std::size_t size : {0U, 1U, 100'000U}) {
    const std::string name = Name("object-" + std::to_string(size)), bytes = SomeBytes(size);
    GF_ASSERT_OK_AND_ASSIGN(const Written written, Put(name, bytes));
    EXPECT_EQ(written.size, size);
    EXPECT_EQ(written.sha256, crypto::Sha256(bytes));
    EXPECT_FALSE(written.existed);
    EXPECT_TRUE(Get(name).value() == bytes);
    GF_ASSERT_OK_AND_ASSIGN(const ObjectInfo info, store_->Stat(ctx_, name));
    EXPECT_EQ(info.name, name);
    EXPECT_EQ(info.size, size);
    EXPECT_EQ(info.etag, store_->Stat(ctx_, name)->etag);
  }
}

TEST_P(StoreContract, NothingIsVisibleBeforeCommit) {
  GF_ASSERT_OK_AND_ASSIGN(auto writer, store_->Create(ctx_, Name("a")));
  ASSERT_THAT(writer->Append(ctx_, "bytes"), IsOk());
  EXPECT_THAT(store_->Stat(ctx_, Name("a")), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Names(folder_).value(), ::testing::IsEmpty());
  ASSERT_THAT(writer->Commit(ctx_), IsOk());
  EXPECT_THAT(Names(folder_).value(), ::testing::ElementsAre("a"));
}

TEST_P(StoreContract, AnAbandonedWriterLeavesNothing) {
  GF_ASSERT_OK_AND_ASSIGN(auto writer, store_->Create(ctx_, Name("a")));
  ASSERT_THAT(writer->Append(ctx_, "bytes"), IsOk());
  writer.reset();
  EXPECT_THAT(Get(Name("a")), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Put(Name("a"), "others"), IsOk());
}

TEST_P(StoreContract, WhatFailedOnceCannotBeCommitted) {
  GF_ASSERT_OK_AND_ASSIGN(auto writer, store_->Create(ctx_, Name("a")));
  ASSERT_THAT(writer->Append(ctx_, "first"), IsOk());
  std::stop_source stop;
  stop.request_stop();
  EXPECT_THAT(writer->Append(ctx_.WithStop(stop.get_token()), "second"),
              HasCode(StatusCode::kCancelled));
  EXPECT_THAT(writer->Append(ctx_, "third"), HasCode(StatusCode::kCancelled));
  EXPECT_THAT(writer->Commit(ctx_), HasCode(StatusCode::kCancelled));
  EXPECT_THAT(Get(Name("a")), HasReason("OBJECT_NOT_FOUND"));
  GF_ASSERT_OK_AND_ASSIGN(writer, store_->Create(ctx_, Name("a")));
  ASSERT_THAT(writer->Commit(ctx_), IsOk());
  EXPECT_THAT(writer->Append(ctx_, "more"), HasReason("OBJECT_COMMITTED"));
}

TEST_P(StoreContract, Ranges) {
  const std::string bytes = SomeBytes(1000);
  ASSERT_THAT(Put(Name("a"), bytes), IsOk());
  for (const auto& [offset, size] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 1}, {0, 999}, {0, 1000}, {1, 1}, {500, 500}, {999, 1}, {10, 0}, {1000, 0}}) {
    EXPECT_EQ(Get(Name("a"), offset, size).value(), bytes.substr(offset, size))
        << offset << " " << size;
  }
  // As many as there are.
  EXPECT_EQ(Get(Name("a"), 990, 100).value(), bytes.substr(990));
  EXPECT_EQ(Get(Name("a"), 990, kToEnd).value(), bytes.substr(990));
  EXPECT_EQ(Get(Name("a"), 990, kToEnd - 1).value(), bytes.substr(990));
  EXPECT_EQ(Get(Name("a"), 1000, 10).value(), "");
  EXPECT_THAT(Get(Name("a"), 1001, 1), HasReason("RANGE_NOT_SATISFIABLE"));
  EXPECT_THAT(Get(Name("a"), 1001, 0), HasReason("RANGE_NOT_SATISFIABLE"));
  ASSERT_THAT(Put(Name("empty"), ""), IsOk());
  EXPECT_EQ(Get(Name("empty"), 0, 10).value(), "");
  EXPECT_THAT(Get(Name("empty"), 1, 10), HasReason("RANGE_NOT_SATISFIABLE"));
}

TEST_P(StoreContract, MissingObjects) {
  EXPECT_THAT(store_->Stat(ctx_, Name("a")), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Get(Name("a")), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Get(Name("a"), 5, 5), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Get(Name("a"), 0, 0), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(store_->Remove(ctx_, Name("a")), IsOk());
}

TEST_P(StoreContract, ANameBelongsToItsFirstBytes) {
  ASSERT_THAT(Put(Name("a"), "first"), IsOk());
  GF_ASSERT_OK_AND_ASSIGN(const Written again, Put(Name("a"), "first"));
  EXPECT_TRUE(again.existed);
  EXPECT_THAT(Put(Name("a"), "other"), HasReason("OBJECT_EXISTS"));
  EXPECT_THAT(Put(Name("a"), "longer bytes"), HasReason("OBJECT_EXISTS"));
  EXPECT_EQ(Get(Name("a")).value(), "first");
}

TEST_P(StoreContract, OfTwoWritersTheFirstToCommitWins) {
  GF_ASSERT_OK_AND_ASSIGN(auto first, store_->Create(ctx_, Name("a")));
  GF_ASSERT_OK_AND_ASSIGN(auto second, store_->Create(ctx_, Name("a")));
  ASSERT_THAT(first->Append(ctx_, "first"), IsOk());
  ASSERT_THAT(second->Append(ctx_, "second"), IsOk());
  EXPECT_THAT(second->Commit(ctx_), IsOk());
  EXPECT_THAT(first->Commit(ctx_), HasReason("OBJECT_EXISTS"));
  EXPECT_EQ(Get(Name("a")).value(), "second");
}

TEST_P(StoreContract, RemovedNamesAreFree) {
  ASSERT_THAT(Put(Name("a"), "first"), IsOk());
  ASSERT_THAT(store_->Remove(ctx_, Name("a")), IsOk());
  EXPECT_THAT(Get(Name("a")), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Names(folder_).value(), ::testing::IsEmpty());
  ASSERT_THAT(Put(Name("a"), "second"), IsOk());
  EXPECT_EQ(Get(Name("a")).value(), "second");
}

TEST_P(StoreContract, ListsInByteOrderPageByPage) {
  // '-' < '.' < '/' < digits < '_' < letters; "x" and "x/y" may both be objects.
  const std::vector<std::string> names{"x", "x-1", "x.1", "x/y", "x0", "x_1", "xy", "y"};
  for (const char* name : {"y", "x/y", "x_1", "x", "x.1", "xy", "x-1", "x0"}) {
    ASSERT_THAT(Put(Name(name), name), IsOk());
  }
  for (const std::size_t limit : {1U, 3U, 8U, 1000U}) {
    EXPECT_EQ(Names(folder_, limit).value(), names) << limit;
  }
  EXPECT_EQ(Names(Name("x")).value().size(), 7U);
  EXPECT_THAT(Names(Name("x/")).value(), ::testing::ElementsAre("x/y"));
  EXPECT_THAT(Names(Name("z")).value(), ::testing::IsEmpty());
  GF_ASSERT_OK_AND_ASSIGN(const ObjectPage page, store_->List(ctx_, Name("x."), "", 10));
  ASSERT_EQ(page.objects.size(), 1U);
  EXPECT_EQ(page.objects[0].size, 3U);
  // By the store's clock, which need not be ours.
  ASSERT_TRUE(page.objects[0].modified.has_value());
  EXPECT_GT(*page.objects[0].modified, SystemClock().Now() - std::chrono::hours(1));
  EXPECT_LT(*page.objects[0].modified, SystemClock().Now() + std::chrono::hours(1));
  EXPECT_EQ(page.next, "");
  EXPECT_THAT(store_->List(ctx_, "", "", 0), HasReason("OUT_OF_RANGE"));
  EXPECT_THAT(store_->List(ctx_, "", "", kMaxPage + 1), HasReason("OUT_OF_RANGE"));
}

TEST_P(StoreContract, RefusesNamesThatMeanDifferentThingsToDifferentStores) {
  const std::string longest(kMaxNameBytes, 'a');
  EXPECT_THAT(CheckName(longest), IsOk());
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".."), std::string("a/../b"),
        std::string("/a"), std::string("a/"), std::string("a//b"), std::string(".tmp-1"),
        std::string("a/.b"), std::string("A"), std::string("a b"), std::string("a%2fb"),
        std::string("a\\b"), std::string("a\nb"), std::string("a\0b", 3), std::string("é"),
        std::string("obj\xff"), std::string("-a"), longest + "a"}) {
    EXPECT_THAT(store_->Create(ctx_, name), HasReason("OBJECT_NAME_INVALID")) << name;
    EXPECT_THAT(store_->Stat(ctx_, name), HasReason("OBJECT_NAME_INVALID")) << name;
    EXPECT_THAT(Get(name), HasReason("OBJECT_NAME_INVALID")) << name;
    EXPECT_THAT(store_->Remove(ctx_, name), HasReason("OBJECT_NAME_INVALID")) << name;
    EXPECT_THAT(store_->PresignGet(name, std::chrono::seconds(60)),
                HasReason("OBJECT_NAME_INVALID"))
        << name;
  }
}

TEST_P(StoreContract, EndsWhenItsCallerDoes) {
  ASSERT_THAT(Put(Name("a"), SomeBytes(100'000)), IsOk());
  std::stop_source stop;
  const Context stoppable = ctx_.WithStop(stop.get_token());
  // In the middle of a transfer.
  EXPECT_THAT(store_->Read(stoppable, Name("a"), 0, kToEnd,
                           [&](std::string_view) -> Status {
                             stop.request_stop();
                             return stoppable.Alive();
                           }),
              HasCode(StatusCode::kCancelled));
  EXPECT_THAT(store_->Stat(stoppable, Name("a")), HasCode(StatusCode::kCancelled));
  EXPECT_THAT(store_->Create(stoppable, Name("b")), HasCode(StatusCode::kCancelled));
  EXPECT_THAT(store_->Stat(ctx_.WithTimeout(std::chrono::milliseconds(0)), Name("a")),
              HasCode(StatusCode::kDeadlineExceeded));
}

TEST_P(StoreContract, TheSinksErrorIsTheReadsError) {
  ASSERT_THAT(Put(Name("a"), SomeBytes(1'000'000)), IsOk());
  int calls = 0;
  EXPECT_THAT(store_->Read(ctx_, Name("a"), 0, kToEnd,
                           [&](std::string_view) {
                             ++calls;
                             return Error(StatusCode::kUnavailable, "FULL", "no more");
                           }),
              HasReason("FULL"));
  EXPECT_EQ(calls, 1);  // and is not tried again
  EXPECT_THAT(ReadObject(ctx_, *store_, Name("a"), 0, kToEnd, 999'999),
              HasReason("RANGE_TOO_LARGE"));
}

TEST_P(StoreContract, LargeObjects) {
  const std::string bytes = SomeBytes(50'000'000);
  GF_ASSERT_OK_AND_ASSIGN(const Written written, Put(Name("large"), bytes));
  EXPECT_EQ(written.size, bytes.size());
  EXPECT_EQ(written.sha256, crypto::Sha256(bytes));
  std::string read;
  std::size_t longest = 0;
  EXPECT_THAT(store_->Read(ctx_, Name("large"), 0, kToEnd,
                           [&](std::string_view piece) -> Status {
                             read.append(piece);
                             longest = std::max(longest, piece.size());
                             return {};
                           }),
              IsOk());
  EXPECT_TRUE(read == bytes);
  EXPECT_LE(longest, 1U << 20);  // bounded memory
  // Over the borders of parts, wherever a store has them.
  for (const std::size_t border : {5U << 20, 10U << 20, 16U << 20}) {
    EXPECT_TRUE(Get(Name("large"), border - 100, 200).value() == bytes.substr(border - 100, 200));
  }
  EXPECT_TRUE(Put(Name("large"), bytes)->existed);
  EXPECT_THAT(Put(Name("large"), bytes + "x"), HasReason("OBJECT_EXISTS"));
}

TEST_P(StoreContract, AnAbandonedLargeObjectLeavesNothing) {
  GF_ASSERT_OK_AND_ASSIGN(auto writer, store_->Create(ctx_, Name("large")));
  ASSERT_THAT(writer->Append(ctx_, SomeBytes(12'000'000)), IsOk());
  EXPECT_THAT(Get(Name("large")), HasReason("OBJECT_NOT_FOUND"));
  writer.reset();
  EXPECT_THAT(Names(folder_).value(), ::testing::IsEmpty());
}

TEST_P(StoreContract, AKilledWriterLeavesNothingVisible) {
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t writer = ::fork();
  ASSERT_GE(writer, 0);
  if (writer == 0) {
    const auto store = GetParam().open();
    auto object = store->Create(ctx_, Name("large"));
    const bool written = object.ok() && (*object)->Append(ctx_, SomeBytes(12'000'000)).ok();
    if (written) (void)!::write(ready[1], "x", 1);
    ::close(ready[1]);
    while (written) ::pause();
    ::_exit(1);
  }
  ::close(ready[1]);
  char byte = 0;
  EXPECT_EQ(::read(ready[0], &byte, 1), 1);
  ::close(ready[0]);
  ::kill(writer, SIGKILL);
  int status = 0;
  ASSERT_EQ(::waitpid(writer, &status, 0), writer);
  EXPECT_THAT(Get(Name("large")), HasReason("OBJECT_NOT_FOUND"));
  EXPECT_THAT(Names(folder_).value(), ::testing::IsEmpty());
  store_ = GetParam().open();
  EXPECT_THAT(Put(Name("large"), "whole"), IsOk());
  EXPECT_EQ(Get(Name("large")).value(), "whole");
}

}  // namespace genofed::objects
