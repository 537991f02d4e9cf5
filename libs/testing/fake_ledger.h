// SPDX-License-Identifier: Apache-2.0
//
// A ledger in this process, which takes and refuses entries as consent does.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <string>
#include <vector>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/core/mutex.h"
#include "libs/ledger/entry.h"
#include "libs/rpc/channel.h"
#include "libs/rpc/status_codec.h"

namespace genofed::testing {

class FakeLedger final : public consent::v1::LedgerService::Service {
 public:
  FakeLedger() {
    grpc::ServerBuilder builder;
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  ~FakeLedger() override { server_->Shutdown(); }

  rpc::ChannelSource Channel() {
    return {[this] { return server_->InProcessChannel({}); }, "fi/consent", "test", nullptr};
  }

  grpc::Status AppendEntry(grpc::ServerContext*, const consent::v1::AppendEntryRequest* request,
                           consent::v1::AppendEntryResponse* response) override {
    MutexLock lock(mutex_);
    ++calls_;
    if (away_) return {grpc::StatusCode::UNAVAILABLE, "away"};
    auto entry = ledger::DecodeEntry(request->entry());
    if (!entry.ok()) return rpc::ToGrpc(entry.status());
    for (std::size_t i = 0; i < appended_.size(); ++i) {
      if (appended_[i].first != request->idempotency_key()) continue;
      if (*ledger::EncodeEntry(appended_[i].second) != request->entry()) {
        return rpc::ToGrpc(
            Error(StatusCode::kAlreadyExists, "IDEMPOTENCY_KEY_REUSED", "another entry"));
      }
      response->set_index(static_cast<std::int64_t>(i));
      return grpc::Status::OK;
    }
    response->set_index(static_cast<std::int64_t>(appended_.size()));
    appended_.emplace_back(request->idempotency_key(), *std::move(entry));
    if (loses_answers_) return {grpc::StatusCode::DATA_LOSS, "the answer is lost"};
    return grpc::Status::OK;
  }

  std::vector<ledger::Entry> Entries() const {
    MutexLock lock(mutex_);
    std::vector<ledger::Entry> entries;
    for (const auto& [key, entry] : appended_) entries.push_back(entry);
    return entries;
  }
  int Calls() const {
    MutexLock lock(mutex_);
    return calls_;
  }
  void SetAway(bool away) {
    MutexLock lock(mutex_);
    away_ = away;
  }
  // What is appended is kept, and whoever appends does not hear of it.
  void SetLosesAnswers(bool loses) {
    MutexLock lock(mutex_);
    loses_answers_ = loses;
  }

 private:
  mutable Mutex mutex_;
  std::vector<std::pair<std::string, ledger::Entry>> appended_ ABSL_GUARDED_BY(mutex_);
  int calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool away_ ABSL_GUARDED_BY(mutex_) = false;
  bool loses_answers_ ABSL_GUARDED_BY(mutex_) = false;
  std::unique_ptr<grpc::Server> server_;
};

}  // namespace genofed::testing
