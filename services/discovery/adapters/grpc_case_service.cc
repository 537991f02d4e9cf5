// SPDX-License-Identifier: Apache-2.0
#include "services/discovery/adapters/grpc_case_service.h"

#include <algorithm>

#include "genofed/discovery/v1/case.grpc.pb.h"
#include "libs/obs/log.h"
#include "services/discovery/adapters/case_mapping.h"

namespace genofed::discovery {
namespace {

#define GF_METHOD(name) "genofed.discovery.v1.CaseService/" #name

constexpr int kDefaultPage = 50;
constexpr int kMaxPage = 200;

Status NodeOnly() {
  return Error(StatusCode::kUnimplemented, "NODE_ONLY",
               "those who hold the data are asked at their node");
}

// Exactly one of hub and match is set; contacts is set with match.
class GrpcCaseService final : public v1::CaseService::CallbackService {
 public:
  GrpcCaseService(rpc::Dispatcher& rpc, HubDiscovery* hub, CaseMatch* match, Contacts* contacts,
                  PayerOfCall payer)
      : rpc_(rpc), hub_(hub), match_(match), contacts_(contacts), payer_(std::move(payer)) {}

  grpc::ServerUnaryReactor* MatchCases(grpc::CallbackServerContext* call,
                                       const v1::MatchCasesRequest* request,
                                       v1::MatchCasesResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(MatchCases), request, response,
        [this](const Context& ctx,
               const v1::MatchCasesRequest& r) -> Result<v1::MatchCasesResponse> {
          GF_ASSIGN(Payer payer, payer_(ctx, r.account_token()));
          if (payer.account == kAnonymous)
            return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING",
                         "cases are matched for people who signed in");
          GF_ASSIGN(CaseQuery query, Validate(FromProto(r)));
          query.account = std::move(payer.account);
          query.account_tokens = std::move(payer.tokens);
          GF_ASSIGN(const CaseAnswer answer,
                    hub_ != nullptr ? hub_->Match(ctx, query) : match_->Run(ctx, query));
          GF_LOG(ctx, info, "discovery.case_match",
                 {"principal", obs::PrincipalTag(ctx.principal())}, {"terms", query.terms.size()},
                 {"datasets", answer.datasets.size()}, {"withheld", answer.withheld.size()},
                 {"epoch", answer.epoch}, {"members", answer.members.size()});
          return ToProto(answer);
        });
  }

  grpc::ServerUnaryReactor* RequestContact(grpc::CallbackServerContext* call,
                                           const v1::RequestContactRequest* request,
                                           v1::RequestContactResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(RequestContact), request, response,
        [this](const Context& ctx,
               const v1::RequestContactRequest& r) -> Result<v1::RequestContactResponse> {
          if (contacts_ == nullptr) return NodeOnly();
          ContactRequest contact;
          contact.dataset = r.dataset();
          contact.terms.assign(r.terms().begin(), r.terms().end());
          contact.message = r.message();
          contact.reply_to = r.reply_to();
          GF_ASSIGN(contact, contacts_->Request(ctx, std::move(contact)));
          GF_LOG(ctx, info, "discovery.contact_requested", {"contact", contact.id},
                 {"dataset", contact.dataset});
          v1::RequestContactResponse out;
          *out.mutable_contact() = ToProto(contact);
          return out;
        });
  }

  grpc::ServerUnaryReactor* ListContacts(grpc::CallbackServerContext* call,
                                         const v1::ListContactsRequest* request,
                                         v1::ListContactsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListContacts), request, response,
                      [this](const Context& ctx,
                             const v1::ListContactsRequest& r) -> Result<v1::ListContactsResponse> {
                        if (contacts_ == nullptr) return NodeOnly();
                        const int size =
                            r.page_size() <= 0 ? kDefaultPage : std::min(r.page_size(), kMaxPage);
                        GF_ASSIGN(auto contacts, contacts_->List(ctx, r.page_token(), size + 1));
                        v1::ListContactsResponse out;
                        if (contacts.size() > static_cast<std::size_t>(size)) {
                          contacts.pop_back();
                          out.set_next_page_token(contacts.back().id);
                        }
                        for (const ContactRequest& contact : contacts)
                          *out.add_contacts() = ToProto(contact);
                        return out;
                      });
  }

  grpc::ServerUnaryReactor* AnswerContact(grpc::CallbackServerContext* call,
                                          const v1::AnswerContactRequest* request,
                                          v1::AnswerContactResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(AnswerContact), request, response,
        [this](const Context& ctx,
               const v1::AnswerContactRequest& r) -> Result<v1::AnswerContactResponse> {
          if (contacts_ == nullptr) return NodeOnly();
          GF_ASSIGN(const ContactRequest contact,
                    contacts_->Answer(ctx, r.id(), r.accept(), r.reply()));
          GF_LOG(ctx, info, "discovery.contact_answered", {"contact", contact.id},
                 {"state", StateName(contact.state)});
          v1::AnswerContactResponse out;
          *out.mutable_contact() = ToProto(contact);
          return out;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  HubDiscovery* const hub_;
  CaseMatch* const match_;
  Contacts* const contacts_;
  const PayerOfCall payer_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeNodeCaseService(rpc::Dispatcher& rpc, CaseMatch& match,
                                                   Contacts& contacts, PayerOfCall payer) {
  return std::make_unique<GrpcCaseService>(rpc, nullptr, &match, &contacts, std::move(payer));
}

std::unique_ptr<grpc::Service> MakeHubCaseService(rpc::Dispatcher& rpc, HubDiscovery& discovery,
                                                  PayerOfCall payer) {
  return std::make_unique<GrpcCaseService>(rpc, &discovery, nullptr, nullptr, std::move(payer));
}

}  // namespace genofed::discovery
