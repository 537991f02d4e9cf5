// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/shard_client.h"

#include <condition_variable>
#include <mutex>

#include "genofed/discovery/v1/shards.grpc.pb.h"
#include "services/discovery/adapters/shard_mapping.h"

namespace genofed::discovery {
namespace {

using Service = v1::ShardService;
using std::chrono::milliseconds;

constexpr milliseconds kLongest{30'000};  // of a call without a deadline

// Until then, or until the call is cancelled.
void Pause(const Context& ctx, milliseconds pause) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, ctx.stop(), pause, [] { return false; });
}

class GrpcShardClient final : public ShardClient {
 public:
  GrpcShardClient(const cohort::Shard& shard, rpc::ChannelSource source, bool replicas,
                  std::function<void()> behind, milliseconds pause)
      : shard_(shard),
        peer_(std::move(source)),
        replicas_(replicas),
        behind_(std::move(behind)),
        pause_(pause) {}

  Result<std::uint64_t> Count(const Context& ctx, const ShardQuestion& question) override {
    GF_ASSIGN(const auto response, Ask(ctx, &Service::Stub::CountCarriers,
                                       OfVariant<v1::CountCarriersRequest>(question)));
    return response.people();
  }

  Result<genomics::Bitmap> Carriers(const Context& ctx, const ShardQuestion& question) override {
    GF_ASSIGN(const auto response,
              Ask(ctx, &Service::Stub::ListCarriers, OfVariant<v1::ListCarriersRequest>(question)));
    const auto rows = FromProto(response.carriers());
    if (!rows.ok() || rows->size() != question.rows.size())
      return Error(StatusCode::kInternal, "SHARD_CONFUSED", "a shard's rows are not of the cohort");
    return rows;
  }

  Result<std::vector<FoundAllele>> Alleles(const Context& ctx,
                                           const ShardQuestion& question) override {
    GF_ASSIGN(const auto response,
              Ask(ctx, &Service::Stub::CountAlleles, OfVariant<v1::CountAllelesRequest>(question)));
    return FromProto(response, question.pattern->contig);
  }

  Result<SitePiece> Sites(const Context& ctx, const ShardQuestion& question,
                          const std::string& contig, std::int64_t start,
                          std::int64_t end) override {
    v1::CountSitesRequest request;
    *request.mutable_cohort() = ToProto(shard_, question);
    request.set_contig(contig);
    request.set_start(start);
    request.set_end(end);
    GF_ASSIGN(const auto response, Ask(ctx, &Service::Stub::CountSites, request));
    return FromProto(response);
  }

 private:
  template <typename Request>
  Request OfVariant(const ShardQuestion& question) const {
    Request request;
    *request.mutable_cohort() = ToProto(shard_, question);
    *request.mutable_variant() = VariantToProto(*question.pattern);
    return request;
  }

  template <typename Request, typename Response>
  Result<Response> Ask(const Context& ctx,
                       grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                             Response*),
                       const Request& request) const {
    // Some of the time is left to say which shard it was.
    const Context limited = ctx.WithTimeout(ctx.Remaining(kLongest) * 9 / 10);
    auto result = Once(limited, method, request, replicas_ ? 3 : 1);
    const bool late = result.status().code() == StatusCode::kDeadlineExceeded;
    const bool behind = Reason(result.status()) == "SHARD_BEHIND";
    if (behind) {
      behind_();
      Pause(limited, std::min(pause_, limited.Remaining(kLongest) / 2));
    }
    if ((late && replicas_) || behind) result = Once(limited, method, request, 1);
    if (!result.ok()) return Explain(ctx, result.status());
    return result;
  }

  // Within that part of the time that is left.
  template <typename Request, typename Response>
  Result<Response> Once(const Context& ctx,
                        grpc::Status (Service::Stub::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                        const Request& request, int part) const {
    return peer_.Call(ctx, method, request, {ctx.Remaining(kLongest) / part, 3, false});
  }

  Status Explain(const Context& ctx, const Status& status) const {
    GF_TRY(ctx.Alive());
    const std::string reason(Reason(status));
    if (reason == "SHARD_BEHIND")
      return Error(StatusCode::kUnavailable, "SHARD_BEHIND",
                   "shard {} of {} has not opened the same files or table of frequencies yet, or "
                   "this one has not; ask again in a moment, and if that lasts look at its log",
                   shard_.number + 1, shard_.of);
    if (reason == "SHARD_MISMATCH")
      return Error(StatusCode::kUnavailable, "SHARD_MISMATCH",
                   "{} is not shard {} of {}: discovery.shards and discovery.shard do not fit",
                   peer_.name(), shard_.number + 1, shard_.of);
    if (status.code() == StatusCode::kUnavailable || status.code() == StatusCode::kDeadlineExceeded)
      return Error(StatusCode::kUnavailable, "SHARD_UNAVAILABLE",
                   "shard {} of {} does not answer, and has a part of the genome that was asked "
                   "about",
                   shard_.number + 1, shard_.of);
    return status;
  }

  const cohort::Shard shard_;
  const rpc::Peer<Service> peer_;
  const bool replicas_;
  const std::function<void()> behind_;
  const milliseconds pause_;
};

}  // namespace

std::unique_ptr<ShardClient> MakeShardClient(const cohort::Shard& shard, rpc::ChannelSource source,
                                             bool replicas, std::function<void()> behind,
                                             milliseconds pause) {
  return std::make_unique<GrpcShardClient>(shard, std::move(source), replicas, std::move(behind),
                                           pause);
}

}  // namespace genofed::discovery
