// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/entry_log.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <fstream>

#include "libs/core/file.h"
#include "libs/crypto/hash.h"
#include "libs/testing/matchers.h"
#include "libs/testing/temporary_directory.h"

namespace genofed::consent {
namespace {

using testing::HasReason;
using testing::IsOk;

NewEntry Entry(const std::string& key, const std::string& text, bool is_access = false) {
  return {text, ledger::LeafHash(text), "dispatcher", key, Time(std::chrono::microseconds(1'800'000'000'000'001)), is_access};
}

Status Append(EntryLog& log, const std::vector<NewEntry>& entries, bool with_rows = false) {
  std::vector<const NewEntry*> pointers;
  for (const NewEntry& entry : entries) pointers.push_back(&entry);
  MutexLock lock(log.writer());
  return log.Append(pointers, with_rows);
}

std::vector<std::string> Texts(const EntryLog& log) {
  std::vector<std::string> texts;
  const auto all = log.List(0, 1'000'000);
  GF_CHECK(all.ok());
  for (const StoredEntry& entry : *all) texts.push_back(entry.entry);
  return texts;
}

class EntryLogTest : public ::testing::Test {
 protected:
  std::filesystem::path FirstFile() const { return directory_.path() / "00000000000000000000.entries"; }
  std::unique_ptr<EntryLog> Open() { return *EntryLog::Open(directory_.path()); }
  const testing::TemporaryDirectory directory_;
};

TEST_F(EntryLogTest, KeepsWhatWasAppended) {
  std::string id;
  for (int round = 0; round < 2; ++round) {
    const auto log = Open();
    if (round == 0) {
      id = log->id();
      ASSERT_THAT(Append(*log, {Entry("a", "one"), Entry("b", "two", true)}, true), IsOk());
      ASSERT_THAT(Append(*log, {Entry("c", "three", true)}), IsOk());
    }
    EXPECT_EQ(log->id(), id);
    EXPECT_EQ(log->Size(), 3);
    EXPECT_EQ(log->LastWithRows(), 1);
    EXPECT_EQ(Texts(*log), (std::vector<std::string>{"one", "two", "three"}));
    EXPECT_EQ(*log->Find("dispatcher", "c"), 2);
    EXPECT_EQ(*log->Find("access", "c"), std::nullopt);
    EXPECT_EQ(*log->Leaves(1), (std::vector<ledger::Hash>{ledger::LeafHash("two"), ledger::LeafHash("three")}));
    const auto two = log->List(1, 1);
    ASSERT_THAT(two, IsOk());
    EXPECT_EQ(two->at(0).index, 1);
    EXPECT_EQ(two->at(0).appended.time_since_epoch().count(), 1'800'000'000'000'001);
    const auto indices = [&](std::int64_t size, std::int64_t before, int limit) {
      const auto accesses = log->Accesses(size, before, limit);
      GF_CHECK(accesses.ok());
      std::vector<std::int64_t> found;
      for (const StoredEntry& entry : *accesses) found.push_back(entry.index);
      return found;
    };
    EXPECT_EQ(indices(3, 100, 10), (std::vector<std::int64_t>{2, 1}));
    EXPECT_EQ(indices(3, 100, 1), (std::vector<std::int64_t>{2}));
    EXPECT_EQ(indices(3, 2, 10), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(indices(2, 100, 10), (std::vector<std::int64_t>{1})) << "of the first two entries";
    EXPECT_TRUE(log->List(3, 10)->empty());
  }
}

// The layout by hand: another program reads it, too.
TEST_F(EntryLogTest, TheBytesAreThoseOfTheDescription) {
  const auto log = Open();
  ASSERT_THAT(Append(*log, {Entry("k", "{}", true)}, true), IsOk());
  const std::string bytes = *ReadFile(FirstFile());
  const std::string head("GFE1" "\x1e\0\0\0" "\x01\0\0\0" "\x01\0\0\0" "\0\0\0\0\0\0\0\0", 24);
  // 1,800,000,000,000,001 is 0x6651728988001.
  const std::string payload = std::string("\x02\0\0\0" "\x0a\0" "\x01\0" "\x01\x80\x98\x28\x17\x65\x06\0" "\x01", 17) + "dispatcher" + "k" + "{}";
  ASSERT_EQ(bytes.size(), 56u + payload.size());
  EXPECT_EQ(bytes.substr(0, 24), head);
  // The leaf of "{}" is SHA-256 of 00 7b 7d.
  const std::string without_entry = payload.substr(0, payload.size() - 2) + crypto::Sha256(std::string("\0{}", 3));
  EXPECT_EQ(bytes.substr(24, 32), crypto::Sha256(head + without_entry));
  EXPECT_EQ(bytes.substr(56), payload);
}

TEST_F(EntryLogTest, OneProcessHasIt) {
  const auto log = Open();
  EXPECT_THAT(EntryLog::Open(directory_.path(), {.patience = std::chrono::milliseconds(60)}), HasReason("ENTRY_LOG_IN_USE"));
}

// A crash or a power cut within the last write.
TEST_F(EntryLogTest, AGroupThatWasCutOffIsRemoved) {
  std::string whole;
  std::size_t first_group = 0;
  {
    const auto log = Open();
    ASSERT_THAT(Append(*log, {Entry("a", "one")}), IsOk());
    first_group = ReadFile(FirstFile())->size();
    ASSERT_THAT(Append(*log, {Entry("b", "two"), Entry("c", "three")}), IsOk());
    whole = *ReadFile(FirstFile());
  }
  for (std::size_t cut = first_group; cut < whole.size(); ++cut) {
    // The size may have come to the disk before the bytes.
    for (const bool zeros : {false, true}) {
      std::string bytes = whole.substr(0, cut);
      if (zeros) bytes.resize(whole.size());
      if (bytes == whole) continue;
      std::ofstream(FirstFile(), std::ios::binary) << bytes;
      const auto log = Open();
      ASSERT_EQ(Texts(*log), std::vector<std::string>{"one"}) << cut;
      ASSERT_EQ(ReadFile(FirstFile())->size(), first_group);
      ASSERT_THAT(Append(*log, {Entry("b", "again")}), IsOk());
      ASSERT_EQ(Texts(*log), (std::vector<std::string>{"one", "again"}));
    }
  }
}

TEST_F(EntryLogTest, AChangedByteIsNoticed) {
  std::string whole;
  std::size_t last_group = 0;
  {
    const auto log = Open();
    for (const char* key : {"a", "b"}) ASSERT_THAT(Append(*log, {Entry(key, "text of an entry")}), IsOk());
    last_group = ReadFile(FirstFile())->size();
    ASSERT_THAT(Append(*log, {Entry("c", "three")}), IsOk());
    whole = *ReadFile(FirstFile());
  }
  for (std::size_t at = 0; at < last_group; ++at) {
    for (const char flip : {'\x01', '\x80'}) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      std::ofstream(FirstFile(), std::ios::binary) << bytes;
      ASSERT_THAT(EntryLog::Open(directory_.path()), HasReason("ENTRY_LOG_BROKEN")) << at;
    }
  }
  // While it is open.
  std::ofstream(FirstFile(), std::ios::binary) << whole;
  const auto log = Open();
  std::fstream(FirstFile(), std::ios::in | std::ios::out | std::ios::binary).seekp(100) << 'X';
  EXPECT_THAT(log->List(0, 10), HasReason("ENTRY_LOG_BROKEN"));
  EXPECT_THAT(log->Leaves(0), HasReason("ENTRY_LOG_BROKEN"));
  EXPECT_EQ(log->List(2, 1)->at(0).entry, "three") << "in another group";
}

TEST_F(EntryLogTest, FilesFollowEachOther) {
  const EntryLog::Options small{.file_bytes = 300};
  std::vector<std::string> texts;
  {
    const auto log = *EntryLog::Open(directory_.path(), small);
    for (int i = 0; i < 20; ++i) {
      texts.push_back(fmt::format("entry {}", i));
      ASSERT_THAT(Append(*log, {Entry(std::to_string(i), texts.back())}), IsOk());
    }
    EXPECT_EQ(Texts(*log), texts);
  }
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(directory_.path())) {
    if (file.path().extension() == ".entries") files.push_back(file.path());
  }
  std::ranges::sort(files);
  ASSERT_GT(files.size(), 3u);
  EXPECT_EQ(Texts(**EntryLog::Open(directory_.path(), small)), texts);
  std::filesystem::rename(files[1], directory_.path() / "kept");
  EXPECT_THAT(EntryLog::Open(directory_.path(), small), HasReason("ENTRY_LOG_BROKEN"));
  std::filesystem::rename(directory_.path() / "kept", files[1]);
  // Only the last file can have been cut off.
  std::filesystem::resize_file(files[1], std::filesystem::file_size(files[1]) - 1);
  EXPECT_THAT(EntryLog::Open(directory_.path(), small), HasReason("ENTRY_LOG_BROKEN"));
}

// As on a full disk: nothing of a group stays that did not fit, and smaller ones still do.
TEST_F(EntryLogTest, WhatDoesNotFitIsNotThere) {
  const auto log = Open();
  ASSERT_THAT(Append(*log, {Entry("a", "one")}), IsOk());
  const auto size = std::filesystem::file_size(FirstFile());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = signal(SIGXFSZ, SIG_IGN);
  rlimit limited = before;
  limited.rlim_cur = size + 1000;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limited), 0);
  const Status too_large = Append(*log, {Entry("b", std::string(2000, 'x'))});
  const Status fits = Append(*log, {Entry("c", "three")});
  setrlimit(RLIMIT_FSIZE, &before);
  signal(SIGXFSZ, old_handler);
  EXPECT_THAT(too_large, HasReason("ENTRY_LOG_FAILED"));
  EXPECT_THAT(fits, IsOk());
  EXPECT_EQ(Texts(*log), (std::vector<std::string>{"one", "three"}));
  EXPECT_EQ(*log->Find("dispatcher", "b"), std::nullopt);
}

// Whether it came to the disk is not known then, and syncing again would not tell.
TEST_F(EntryLogTest, AfterASyncThatFailedNothingIsTaken) {
  std::filesystem::create_symlink("/dev/null", FirstFile());  // which takes everything and cannot be synced
  const auto log = Open();
  EXPECT_THAT(log->CheckUsable(), IsOk());
  EXPECT_THAT(Append(*log, {Entry("a", "one")}), HasReason("ENTRY_LOG_FAILED"));
  EXPECT_THAT(log->CheckUsable(), HasReason("ENTRY_LOG_FAILED"));
  EXPECT_THAT(Append(*log, {Entry("b", "two")}), HasReason("ENTRY_LOG_FAILED"));
  EXPECT_EQ(log->Size(), 0);
}

RC_GTEST_PROP(EntryLogProperty, IsAListThatSurvives, ()) {
  const testing::TemporaryDirectory directory;
  EntryLog::Options options{.file_bytes = *rc::gen::inRange<std::uint64_t>(1, 5000)};
  // Keys that look alike, as a hash may have it.
  if (*rc::gen::arbitrary<bool>()) options.number = [](std::string_view, std::string_view key) -> std::uint64_t { return key.size(); };
  auto log = *EntryLog::Open(directory.path(), options);
  std::vector<std::pair<std::string, std::string>> model;  // key, text
  const auto steps = *rc::gen::inRange(1, 12);
  for (int step = 0; step < steps; ++step) {
    std::vector<NewEntry> group;
    const auto entries = *rc::gen::inRange(1, 20);
    for (int i = 0; i < entries; ++i) {
      // Also what looks like the beginning of a group.
      auto text = *rc::gen::arbitrary<std::string>() + (*rc::gen::arbitrary<bool>() ? "GFE1" : "");
      group.push_back(Entry(std::to_string(model.size()), text));
      model.emplace_back(group.back().idempotency_key, text);
    }
    RC_ASSERT(Append(*log, group).ok());
    if (*rc::gen::arbitrary<bool>()) {
      log.reset();
      log = *EntryLog::Open(directory.path(), options);
    }
  }
  RC_ASSERT(log->Size() == static_cast<std::int64_t>(model.size()));
  RC_ASSERT(*log->Find("dispatcher", std::to_string(model.size())) == std::nullopt);
  RC_ASSERT(*log->Find("access", "0") == std::nullopt);
  const auto start = *rc::gen::inRange<std::size_t>(0, model.size() + 2);
  const auto limit = *rc::gen::inRange<std::size_t>(1, 30);
  const auto found = *log->List(static_cast<std::int64_t>(start), static_cast<int>(limit));
  RC_ASSERT(found.size() == (start < model.size() ? std::min(limit, model.size() - start) : 0));
  for (std::size_t i = 0; i < found.size(); ++i) {
    RC_ASSERT(found[i].entry == model[start + i].second);
    RC_ASSERT(*log->Find("dispatcher", model[start + i].first) == static_cast<std::int64_t>(start + i));
  }
}

}  // namespace
}  // namespace genofed::consent
