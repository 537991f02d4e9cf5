// SPDX-License-Identifier: Apache-2.0
#include "services/onboarding/adapters/grpc_onboarding_service.h"

#include "genofed/onboarding/v1/onboarding.grpc.pb.h"
#include "services/onboarding/adapters/proto_mapping.h"

namespace genofed::onboarding {
namespace {

#define GF_METHOD(name) "genofed.onboarding.v1.OnboardingService/" #name

// The gateway speaks for people, so it needs one; tasks stage data in without.
Status CheckObjectsCaller(const Context& ctx) {
  const Principal& principal = ctx.principal();
  if (principal.workload.service != "gateway") return absl::OkStatus();
  if (!principal.user) return Error(StatusCode::kUnauthenticated, "TOKEN_MISSING", "only holders list objects");
  if (principal.user->HasRole("holder")) return absl::OkStatus();
  return Error(StatusCode::kPermissionDenied, "ROLE_MISSING", "listing objects needs the role holder");
}

class GrpcOnboardingService final : public v1::OnboardingService::CallbackService {
 public:
  GrpcOnboardingService(rpc::Dispatcher& rpc, Submissions& submissions, Objects& objects, Connectors& connectors,
                        std::string intake_key, obs::Metrics& metrics)
      : rpc_(rpc),
        submissions_(submissions),
        objects_(objects),
        connectors_(connectors),
        intake_key_(std::move(intake_key)),
        metrics_(metrics) {}

  grpc::ServerUnaryReactor* CreateSubmission(grpc::CallbackServerContext* call,
                                             const v1::CreateSubmissionRequest* request,
                                             v1::CreateSubmissionResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(CreateSubmission), request, response,
        [this](const Context& ctx, const v1::CreateSubmissionRequest& r) -> Result<v1::CreateSubmissionResponse> {
          GF_ASSIGN(auto submission,
                    submissions_.Create(ctx, {FromProto(r.dataset()), r.idempotency_key(), FromProto(r.mode()),
                                              r.target_version(), r.reason(), r.test_data()}));
          v1::CreateSubmissionResponse answer;
          *answer.mutable_submission() = ToProto(submission);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* PutChunk(grpc::CallbackServerContext* call, const v1::PutChunkRequest* request,
                                     v1::PutChunkResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(PutChunk), request, response,
                      [this](const Context& ctx, const v1::PutChunkRequest& r) -> Result<v1::PutChunkResponse> {
                        GF_ASSIGN(FileKind kind, FromProto(r.kind()));
                        v1::PutChunkResponse answer;
                        GF_ASSIGN(auto size, submissions_.PutChunk(ctx, r.submission(), {kind, r.name()}, r.offset(),
                                                                   r.data()));
                        metrics_.Add("genofed_onboarding_upload_bytes_total", {{"kind", std::string(KindName(kind))}},
                                     static_cast<double>(r.data().size()));
                        answer.set_size(size);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* SealFile(grpc::CallbackServerContext* call, const v1::SealFileRequest* request,
                                     v1::SealFileResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(SealFile), request, response,
                      [this](const Context& ctx, const v1::SealFileRequest& r) -> Result<v1::SealFileResponse> {
                        GF_ASSIGN(FileKind kind, FromProto(r.kind()));
                        GF_TRY(submissions_.Seal(ctx, r.submission(), {kind, r.name()}, r.size(), r.sha256()));
                        return v1::SealFileResponse();
                      });
  }

  grpc::ServerUnaryReactor* StartSubmission(grpc::CallbackServerContext* call,
                                            const v1::StartSubmissionRequest* request,
                                            v1::StartSubmissionResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(StartSubmission), request, response,
        [this](const Context& ctx, const v1::StartSubmissionRequest& r) -> Result<v1::StartSubmissionResponse> {
          GF_ASSIGN(auto submission, submissions_.Start(ctx, r.submission()));
          v1::StartSubmissionResponse answer;
          *answer.mutable_submission() = ToProto(submission);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetSubmission(grpc::CallbackServerContext* call, const v1::GetSubmissionRequest* request,
                                          v1::GetSubmissionResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetSubmission), request, response,
        [this](const Context& ctx, const v1::GetSubmissionRequest& r) -> Result<v1::GetSubmissionResponse> {
          GF_ASSIGN(auto submission, submissions_.Get(ctx, r.submission()));
          GF_ASSIGN(auto files, submissions_.Files(ctx, r.submission()));
          v1::GetSubmissionResponse answer;
          for (const UploadedFile& file : files) *answer.add_files() = ToProto(file);
          *answer.mutable_submission() = ToProto(submission);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ListSubmissions(grpc::CallbackServerContext* call,
                                            const v1::ListSubmissionsRequest* request,
                                            v1::ListSubmissionsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListSubmissions), request, response,
        [this](const Context& ctx, const v1::ListSubmissionsRequest&) -> Result<v1::ListSubmissionsResponse> {
          GF_ASSIGN(auto submissions, submissions_.List(ctx));
          v1::ListSubmissionsResponse answer;
          for (const Submission& submission : submissions) *answer.add_submissions() = ToProto(submission);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* GetReport(grpc::CallbackServerContext* call, const v1::GetReportRequest* request,
                                      v1::GetReportResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetReport), request, response,
                      [this](const Context& ctx, const v1::GetReportRequest& r) -> Result<v1::GetReportResponse> {
                        GF_ASSIGN(Report report, submissions_.GetReport(ctx, r.submission()));
                        v1::GetReportResponse answer;
                        answer.set_json(std::move(report.json));
                        answer.set_html(std::move(report.html));
                        answer.set_jws(std::move(report.jws));
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* GetIntakeKey(grpc::CallbackServerContext* call, const v1::GetIntakeKeyRequest* request,
                                         v1::GetIntakeKeyResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(GetIntakeKey), request, response,
                      [this](const Context&, const v1::GetIntakeKeyRequest&) -> Result<v1::GetIntakeKeyResponse> {
                        if (intake_key_.empty()) {
                          return Error(StatusCode::kNotFound, "CRYPT4GH_NO_KEY", "this node takes no encrypted files");
                        }
                        v1::GetIntakeKeyResponse answer;
                        answer.set_public_key(intake_key_);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* ReadQuarantine(grpc::CallbackServerContext* call,
                                           const v1::ReadQuarantineRequest* request,
                                           v1::ReadQuarantineResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ReadQuarantine), request, response,
        [this](const Context& ctx, const v1::ReadQuarantineRequest& r) -> Result<v1::ReadQuarantineResponse> {
          GF_ASSIGN(auto piece, objects_.ReadQuarantine(ctx, r.submission(), r.recipient(), r.offset(), r.size()));
          v1::ReadQuarantineResponse answer;
          answer.set_header(std::move(piece.header));
          answer.set_data(std::move(piece.bytes));
          answer.set_body_size(piece.body_size);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ListConnectors(grpc::CallbackServerContext* call, const v1::ListConnectorsRequest* request,
                                           v1::ListConnectorsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListConnectors), request, response,
        [this](const Context& ctx, const v1::ListConnectorsRequest&) -> Result<v1::ListConnectorsResponse> {
          GF_ASSIGN(auto connectors, connectors_.List(ctx));
          v1::ListConnectorsResponse answer;
          for (const ConnectorState& connector : connectors) *answer.add_connectors() = ToProto(connector);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ListObjects(grpc::CallbackServerContext* call, const v1::ListObjectsRequest* request,
                                        v1::ListObjectsResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(ListObjects), request, response,
                      [this](const Context& ctx, const v1::ListObjectsRequest& r) -> Result<v1::ListObjectsResponse> {
                        GF_TRY(CheckObjectsCaller(ctx));
                        GF_ASSIGN(auto objects,
                                  submissions_.Objects(ctx, r.dataset().dataset(), r.dataset().version()));
                        v1::ListObjectsResponse answer;
                        for (const ObjectRecord& object : objects) *answer.add_objects() = ToProto(object);
                        return answer;
                      });
  }

 private:
  rpc::Dispatcher& rpc_;
  Submissions& submissions_;
  Objects& objects_;
  Connectors& connectors_;
  const std::string intake_key_;
  obs::Metrics& metrics_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcOnboardingService(rpc::Dispatcher& rpc, Submissions& submissions,
                                                         Objects& objects, Connectors& connectors,
                                                         std::string intake_key, obs::Metrics& metrics) {
  return std::make_unique<GrpcOnboardingService>(rpc, submissions, objects, connectors, std::move(intake_key), metrics);
}

}  // namespace genofed::onboarding
