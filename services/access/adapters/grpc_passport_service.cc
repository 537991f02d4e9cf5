// SPDX-License-Identifier: Apache-2.0
#include "genofed/access/v1/passport.grpc.pb.h"
#include "libs/rpc/time_codec.h"
#include "services/access/adapters/grpc_services.h"
#include "services/access/adapters/published_keys.h"

namespace genofed::access {
namespace {

#define GF_METHOD(name) "genofed.access.v1.PassportService/" #name
using Call = grpc::CallbackServerContext;
using Reactor = grpc::ServerUnaryReactor;

Status NotHere() {
  return Error(StatusCode::kUnimplemented, "NOT_AT_THIS_SITE",
               "this kind of site does not do that");
}

class GrpcPassportService final : public v1::PassportService::CallbackService {
 public:
  GrpcPassportService(rpc::Dispatcher& rpc, PassportParts parts) : rpc_(rpc), parts_(parts) {}

  Reactor* DeliverVisas(Call* call, const v1::DeliverVisasRequest* request,
                        v1::DeliverVisasResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(DeliverVisas), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::DeliverVisasResponse> {
          if (parts_.passports == nullptr) return NotHere();
          for (const auto& visa : r.visas()) {
            GF_TRY(parts_.passports->Take(ctx, CallingCountry(ctx),
                                          {visa.application(), visa.dataset(), visa.value(),
                                           visa.visa(), visa.id(), rpc::GetTime(visa.expires())}));
          }
          return v1::DeliverVisasResponse();
        });
  }
  Reactor* ExchangeToken(Call* call, const v1::ExchangeTokenRequest* request,
                         v1::ExchangeTokenResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ExchangeToken), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::ExchangeTokenResponse> {
          if (parts_.passports == nullptr) return NotHere();
          GF_ASSIGN(const auto passport, parts_.passports->Exchange(ctx, r.audience()));
          v1::ExchangeTokenResponse answer;
          answer.set_passport(passport.token);
          answer.set_expires_in_s(static_cast<std::int32_t>(passport.lifetime.count()));
          return answer;
        });
  }
  Reactor* IssueAccountTokens(Call* call, const v1::IssueAccountTokensRequest* request,
                              v1::IssueAccountTokensResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(IssueAccountTokens), request, response,
        [this](const Context& ctx, const auto&) -> Result<v1::IssueAccountTokensResponse> {
          if (parts_.passports == nullptr) return NotHere();
          GF_ASSIGN(const auto tokens, parts_.passports->NameAccount(ctx));
          v1::IssueAccountTokensResponse answer;
          for (const auto& [site, token] : tokens.by_site) {
            auto* one = answer.add_tokens();
            one->set_site(site);
            one->set_token(token);
          }
          answer.set_expires_in_s(static_cast<std::int32_t>(tokens.lifetime.count()));
          return answer;
        });
  }
  Reactor* GetPermissions(Call* call, const v1::GetPermissionsRequest* request,
                          v1::GetPermissionsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetPermissions), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::GetPermissionsResponse> {
          Result<std::vector<std::string>> visas = std::vector<std::string>();
          if (parts_.passports != nullptr) {
            visas = parts_.passports->Permissions(ctx, r.user());
          } else if (parts_.visas != nullptr) {
            visas = parts_.visas->Mint(ctx, r.user());
          }
          if (!visas.ok()) return visas.status();
          v1::GetPermissionsResponse answer;
          answer.mutable_visas()->Add(visas->begin(), visas->end());
          return answer;
        });
  }
  Reactor* CheckPassport(Call* call, const v1::CheckPassportRequest* request,
                         v1::CheckPassportResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CheckPassport), request, response,
        [this](const Context& ctx, const auto& r) -> Result<v1::CheckPassportResponse> {
          if (parts_.check == nullptr) return NotHere();
          GF_ASSIGN(const auto opened, parts_.check->Run(ctx, r.passport(), r.dataset()));
          v1::CheckPassportResponse answer;
          for (const auto& one : opened) {
            auto* dataset = answer.add_datasets();
            dataset->set_dataset(one.dataset);
            rpc::SetTime(dataset->mutable_until(), one.until);
            dataset->set_visa(one.visa);
            dataset->set_visa_source(one.visa_source);
            dataset->set_application(one.application);
            dataset->set_project(one.content.title);
            dataset->set_organisation(one.organisation);
            dataset->set_purpose(one.content.purpose);
            dataset->set_purpose_code(one.content.purpose_code);
            dataset->set_decision_sha256(one.decision_sha256);
          }
          return answer;
        });
  }
  Reactor* GetKeys(Call* call, const v1::GetKeysRequest* request,
                   v1::GetKeysResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetKeys), request, response,
                      [this](const Context&, const auto&) -> Result<v1::GetKeysResponse> {
                        v1::GetKeysResponse answer;
                        answer.set_jwks(parts_.keys->Jwks());
                        return answer;
                      });
  }

 private:
  rpc::Dispatcher& rpc_;
  const PassportParts parts_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcPassportService(rpc::Dispatcher& rpc, PassportParts parts) {
  return std::make_unique<GrpcPassportService>(rpc, parts);
}

}  // namespace genofed::access
