// SPDX-License-Identifier: Apache-2.0
#include "genofed/spe/v1/spe.grpc.pb.h"
#include "services/spe/adapters/grpc_services.h"
#include "services/spe/adapters/proto_mapping.h"

namespace genofed::spe {
namespace {

#define GF_METHOD(name) "genofed.spe.v1.TaskService/" #name

// The dispatcher of the site, or a person with one of the roles through the gateway.
Status DispatcherOr(const Context& ctx, std::initializer_list<std::string_view> roles) {
  const Principal& principal = ctx.principal();
  if (principal.workload.service == "dispatcher") return {};
  for (const std::string_view role : roles) {
    if (principal.user && principal.user->HasRole(role)) return {};
  }
  return Error(StatusCode::kPermissionDenied, "ROLE_MISSING", "this needs another role");
}

class GrpcTaskService final : public v1::TaskService::CallbackService {
 public:
  GrpcTaskService(rpc::Dispatcher& rpc, Tasks& tasks) : rpc_(rpc), tasks_(tasks) {}

  grpc::ServerUnaryReactor* CreateTask(grpc::CallbackServerContext* call,
                                       const v1::CreateTaskRequest* request,
                                       v1::CreateTaskResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(CreateTask), request, response,
                      [this](const Context& ctx,
                             const v1::CreateTaskRequest& r) -> Result<v1::CreateTaskResponse> {
                        TaskOrder order = OrderFromProto(r.task());
                        order.approval_certificate_sha256 = ctx.principal().certificate_sha256;
                        GF_ASSIGN(const Task task, tasks_.Create(ctx, order));
                        v1::CreateTaskResponse answer;
                        *answer.mutable_task() = ToProto(task);
                        return answer;
                      });
  }

  grpc::ServerUnaryReactor* GetTask(grpc::CallbackServerContext* call,
                                    const v1::GetTaskRequest* request,
                                    v1::GetTaskResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetTask), request, response,
        [this](const Context& ctx, const v1::GetTaskRequest& r) -> Result<v1::GetTaskResponse> {
          GF_TRY(DispatcherOr(ctx, {"operator", "holder"}));
          GF_ASSIGN(const Task task, tasks_.Get(ctx, r.id()));
          v1::GetTaskResponse answer;
          *answer.mutable_task() = ToProto(task);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* ListTasks(grpc::CallbackServerContext* call,
                                      const v1::ListTasksRequest* request,
                                      v1::ListTasksResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(ListTasks), request, response,
        [this](const Context& ctx, const v1::ListTasksRequest& r) -> Result<v1::ListTasksResponse> {
          GF_TRY(DispatcherOr(ctx, {"operator", "holder"}));
          GF_ASSIGN(const std::vector<Task> tasks, tasks_.List(ctx, r.page_token(), r.page_size()));
          v1::ListTasksResponse answer;
          for (const Task& task : tasks) *answer.add_tasks() = ToProto(task);
          // A page may be the last although it is full; then the next one is empty.
          if (!tasks.empty()) answer.set_next_page_token(tasks.back().order.id);
          return answer;
        });
  }

  grpc::ServerUnaryReactor* CancelTask(grpc::CallbackServerContext* call,
                                       const v1::CancelTaskRequest* request,
                                       v1::CancelTaskResponse* response) override {
    return rpc_.Unary(call, GF_METHOD(CancelTask), request, response,
                      [this](const Context& ctx,
                             const v1::CancelTaskRequest& r) -> Result<v1::CancelTaskResponse> {
                        GF_TRY(DispatcherOr(ctx, {"operator"}));
                        GF_TRY(tasks_.Cancel(ctx, r.id()));
                        return v1::CancelTaskResponse();
                      });
  }

  grpc::ServerUnaryReactor* GetReleasedOutputs(grpc::CallbackServerContext* call,
                                               const v1::GetReleasedOutputsRequest* request,
                                               v1::GetReleasedOutputsResponse* response) override {
    return rpc_.Unary(
        call, GF_METHOD(GetReleasedOutputs), request, response,
        [this](const Context& ctx,
               const v1::GetReleasedOutputsRequest& r) -> Result<v1::GetReleasedOutputsResponse> {
          GF_ASSIGN(std::vector<ReleasedFile> files, tasks_.ReleasedOutputs(ctx, r.id()));
          v1::GetReleasedOutputsResponse answer;
          for (ReleasedFile& file : files) {
            auto* added = answer.add_files();
            added->set_name(file.name);
            added->set_content(std::move(file.content));
            added->set_sha256(file.sha256);
          }
          return answer;
        });
  }

 private:
  rpc::Dispatcher& rpc_;
  Tasks& tasks_;
};

#undef GF_METHOD

}  // namespace

std::unique_ptr<grpc::Service> MakeGrpcTaskService(rpc::Dispatcher& rpc, Tasks& tasks) {
  return std::make_unique<GrpcTaskService>(rpc, tasks);
}

}  // namespace genofed::spe
