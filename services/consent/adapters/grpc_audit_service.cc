// SPDX-License-Identifier: Apache-2.0
#include "services/consent/adapters/grpc_audit_service.h"

#include <limits>
#include <nlohmann/json.hpp>

#include "genofed/consent/v1/consent.grpc.pb.h"
#include "libs/core/strings.h"
#include "libs/rpc/time_codec.h"

namespace genofed::consent {
namespace {

#define GF_METHOD(name) "genofed.consent.v1.AuditService/" #name

Result<std::optional<Time>> ReadTime(const std::string& text, const char* field) {
  if (text.empty()) return std::optional<Time>();
  const auto time = ParseRfc3339(text);
  if (!time.ok()) return InvalidField(field, "AUDIT_QUERY_INVALID", "must be a time such as 2026-01-31T12:00:00Z");
  return std::optional<Time>(*time);
}

// Of either request: they have the same members.
template <typename Request>
Result<AuditQuery> FromProto(const Request& request) {
  AuditQuery query{request.project(), request.organisation(), request.dataset(), request.application(),
                   request.kind(),    std::nullopt,           std::nullopt};
  if (!query.kind.empty() && !ledger::ParseKind(query.kind).ok())
    return InvalidField("kind", "AUDIT_QUERY_INVALID", "must be a kind of ledger entries, such as run or access");
  GF_ASSIGN(query.from, ReadTime(request.from(), "from"));
  GF_ASSIGN(query.to, ReadTime(request.to(), "to"));
  return query;
}

class GrpcAuditService final : public v1::AuditService::CallbackService {
 public:
  GrpcAuditService(rpc::Dispatcher& rpc, Audit& audit, Ledger& ledger) : rpc_(rpc), audit_(audit), ledger_(ledger) {}

  grpc::ServerUnaryReactor* SearchEntries(grpc::CallbackServerContext* call, const v1::SearchEntriesRequest* request,
                                          v1::SearchEntriesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(SearchEntries), request, response,
        [this](const Context& ctx, const v1::SearchEntriesRequest& r) -> Result<v1::SearchEntriesResponse> {
          GF_ASSIGN(const AuditQuery query, FromProto(r));
          std::int64_t before = std::numeric_limits<std::int64_t>::max();
          if (!r.page_token().empty()) {
            const auto token = ParseInt(r.page_token());
            if (!token.ok()) return InvalidField("page_token", "PAGE_TOKEN_INVALID", "not one that was given out");
            before = *token;
          }
          GF_ASSIGN(const Audit::Page page, audit_.Search(ctx, query, before, r.page_size()));
          v1::SearchEntriesResponse answer;
          for (const AuditEntry& entry : page.entries) {
            v1::AuditEntry* row = answer.add_entries();
            row->set_index(entry.row.index);
            rpc::SetTime(row->mutable_at(), entry.row.at);
            row->set_kind(entry.row.kind);
            row->set_entry(entry.entry);
          }
          if (page.next >= 0) answer.set_next_page_token(std::to_string(page.next));
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ExportEntries(grpc::CallbackServerContext* call, const v1::ExportEntriesRequest* request,
                                          v1::ExportEntriesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ExportEntries), request, response,
        [this](const Context& ctx, const v1::ExportEntriesRequest& r) -> Result<v1::ExportEntriesResponse> {
          GF_ASSIGN(const AuditQuery query, FromProto(r));
          GF_ASSIGN(const Audit::Page page, audit_.Export(ctx, query, r.start_index(), 0));
          std::string lines;
          for (const AuditEntry& entry : page.entries) {
            const nlohmann::ordered_json line = {
                {"index", entry.row.index}, {"at", FormatRfc3339(entry.row.at)}, {"entry", entry.entry}};
            lines += line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
          }
          if (page.next < 0) {
            GF_ASSIGN(const std::string checkpoint, ledger_.Checkpoint(ctx));
            const nlohmann::ordered_json last = {{"checkpoint", checkpoint}, {"verifier_key", ledger_.VerifierKey()}};
            lines += last.dump() + "\n";
          }
          v1::ExportEntriesResponse answer;
          answer.set_ndjson(std::move(lines));
          answer.set_next_index(page.next);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetReconciliation(grpc::CallbackServerContext* call,
                                              const v1::GetReconciliationRequest* request,
                                              v1::GetReconciliationResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetReconciliation), request, response,
        [this](const Context& ctx, const v1::GetReconciliationRequest&) -> Result<v1::GetReconciliationResponse> {
          GF_ASSIGN(const Reconciliation now, audit_.Reconcile(ctx));
          v1::GetReconciliationResponse answer;
          answer.set_accounted(now.accounted);
          answer.set_released(now.released);
          answer.set_logged(now.logged);
          rpc::SetTime(answer.mutable_checked(), now.checked);
          answer.mutable_problems()->Add(now.problems.begin(), now.problems.end());
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Audit& audit_;
  Ledger& ledger_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcAuditService(rpc::Dispatcher& rpc, Audit& audit, Ledger& ledger) {
  return std::make_unique<GrpcAuditService>(rpc, audit, ledger);
}

}  // namespace genofed::consent
