// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/app/seal_queue.h"

#include <algorithm>
#include <exception>

#include "libs/core/retry_after.h"

namespace genofed::onboarding {
namespace {

constexpr int kWorkers = 2;
constexpr std::chrono::milliseconds kLook{200};  // whether somebody still waits

}  // namespace

Result<FileFacts> SealQueue::ReadOf(const Job& job, const std::stop_token& stop) {
  try {
    return job.read(Context::Background().WithStop(stop));
  } catch (const std::exception& e) {
    // As for calls (rpc::Dispatcher): a defect of ours, but not a reason to die.
    return Error(StatusCode::kInternal, "UNEXPECTED_EXCEPTION", "{}", e.what());
  }
}

Status BeingSealed() {
  return WithRetryAfter(
      Error(StatusCode::kUnavailable, "FILE_BEING_SEALED", "the file is being read; ask again"),
      std::chrono::seconds(1));
}

SealQueue::SealQueue(std::chrono::milliseconds wait) : wait_(wait) {
  for (int i = 0; i < kWorkers; ++i)
    workers_.emplace_back([this](const std::stop_token& stop) { Work(stop); });
}

void SealQueue::Work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !queue_.empty(); })) {
    const std::shared_ptr<Job> job = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    auto facts = ReadOf(*job, stop);
    lock.lock();
    job->facts = std::move(facts);
    changed_.notify_all();
    if (stop.stop_requested()) return;
  }
}

void SealQueue::Begin(const std::string& file, Read read) {
  const std::lock_guard lock(mutex_);
  const auto [job, fresh] = jobs_.try_emplace(file);
  if (!fresh) return;
  job->second = std::make_shared<Job>(Job{std::move(read), std::nullopt});
  queue_.push_back(job->second);
  changed_.notify_all();
}

Status SealQueue::Wait(const Context& ctx, const std::string& file) {
  const auto until =
      std::chrono::steady_clock::now() + std::min(wait_, ctx.Remaining(2 * wait_) / 2);
  std::unique_lock lock(mutex_);
  const auto read = [&] {
    const auto job = jobs_.find(file);
    return job == jobs_.end() || job->second->facts;
  };
  while (!changed_.wait_for(lock, kLook, read)) {
    GF_TRY(ctx.Alive());
    if (ctx.has_deadline() && std::chrono::steady_clock::now() >= until) return BeingSealed();
  }
  return absl::OkStatus();
}

std::optional<Result<FileFacts>> SealQueue::Take(const std::string& file) {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(file);
  if (job == jobs_.end() || !job->second->facts) return std::nullopt;
  auto facts = std::move(job->second->facts);
  jobs_.erase(job);
  return facts;
}

bool SealQueue::Forget(const std::string& file) {
  const std::lock_guard lock(mutex_);
  const auto job = jobs_.find(file);
  if (job == jobs_.end()) return true;
  if (!job->second->facts) return false;
  jobs_.erase(job);
  changed_.notify_all();
  return true;
}

void SealQueue::ForgetAll() {
  const std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [](const auto& job) { return job.second->facts.has_value(); });
  changed_.notify_all();
}

}  // namespace genofed::onboarding
