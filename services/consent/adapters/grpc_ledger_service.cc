// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_ledger_service.h"

#include "genofed/consent/v1/consent.grpc.pb.h"

namespace genofed::consent {
namespace {

#define GF_METHOD(name) "genofed.consent.v1.LedgerService/" #name

class GrpcLedgerService final : public v1::LedgerService::CallbackService {
 public:
  GrpcLedgerService(rpc::Dispatcher& rpc, Ledger& ledger) : rpc_(rpc), ledger_(ledger) {}

  grpc::ServerUnaryReactor* AppendEntry(grpc::CallbackServerContext* call,
                                        const v1::AppendEntryRequest* request,
                                        v1::AppendEntryResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(AppendEntry), request, response,
                      [this](const Context& ctx,
                             const v1::AppendEntryRequest& r) -> Result<v1::AppendEntryResponse> {
                        GF_ASSIGN(auto appended,
                                  ledger_.Append(ctx, ctx.principal().workload.service,
                                                 r.idempotency_key(), r.entry()));
                        v1::AppendEntryResponse answer;
                        answer.set_index(appended.index);
                        answer.set_checkpoint(appended.checkpoint);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* AppendEntries(grpc::CallbackServerContext* call,
                                          const v1::AppendEntriesRequest* request,
                                          v1::AppendEntriesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(AppendEntries), request, response,
        [this](const Context& ctx,
               const v1::AppendEntriesRequest& r) -> Result<v1::AppendEntriesResponse> {
          std::vector<Ledger::Request> entries;
          entries.reserve(static_cast<std::size_t>(r.entries_size()));
          for (const v1::AppendEntryRequest& entry : r.entries())
            entries.push_back({entry.idempotency_key(), entry.entry()});
          GF_ASSIGN(auto appended,
                    ledger_.AppendAll(ctx, ctx.principal().workload.service, entries));
          v1::AppendEntriesResponse answer;
          answer.mutable_indices()->Add(appended.indices.begin(), appended.indices.end());
          answer.set_checkpoint(std::move(appended.checkpoint));
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetTile(grpc::CallbackServerContext* call,
                                    const v1::GetTileRequest* request,
                                    v1::GetTileResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetTile), request, response,
        [this](const Context& ctx, const v1::GetTileRequest& r) -> Result<v1::GetTileResponse> {
          v1::GetTileResponse answer;
          GF_ASSIGN(*answer.mutable_content(), ledger_.Tile(ctx, "tile/" + r.tile()));
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetCheckpoint(grpc::CallbackServerContext* call,
                                          const v1::GetCheckpointRequest* request,
                                          v1::GetCheckpointResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetCheckpoint), request, response,
                      [this](const Context& ctx,
                             const v1::GetCheckpointRequest&) -> Result<v1::GetCheckpointResponse> {
                        v1::GetCheckpointResponse answer;
                        GF_ASSIGN(*answer.mutable_checkpoint(), ledger_.Published(ctx));
                        answer.set_verifier_key(ledger_.VerifierKey());
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* ListEntries(grpc::CallbackServerContext* call,
                                        const v1::ListEntriesRequest* request,
                                        v1::ListEntriesResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListEntries), request, response,
                      [this](const Context& ctx,
                             const v1::ListEntriesRequest& r) -> Result<v1::ListEntriesResponse> {
                        GF_ASSIGN(auto entries, ledger_.List(ctx, r.start(), r.limit()));
                        v1::ListEntriesResponse answer;
                        for (std::string& entry : entries) answer.add_entries(std::move(entry));
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* GetConsistencyProof(
      grpc::CallbackServerContext* call, const v1::GetConsistencyProofRequest* request,
      v1::GetConsistencyProofResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetConsistencyProof), request, response,
        [this](const Context& ctx,
               const v1::GetConsistencyProofRequest& r) -> Result<v1::GetConsistencyProofResponse> {
          GF_ASSIGN(auto proof, ledger_.Consistency(ctx, r.old_size(), r.new_size()));
          v1::GetConsistencyProofResponse answer;
          for (const ledger::Hash& hash : proof) answer.add_hashes(std::string(hash.view()));
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Ledger& ledger_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcLedgerService(rpc::Dispatcher& rpc, Ledger& ledger) {
  return std::make_unique<GrpcLedgerService>(rpc, ledger);
}

}  // namespace genofed::consent
