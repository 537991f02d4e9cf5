// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/variant_routes.h"

#include <algorithm>

#include "genofed/onboarding/v1/variants.pb.h"

namespace genofed::gateway {
namespace {

using http::Method;
using http::Request;
using http::Response;
namespace v1 = onboarding::v1;

#define GF_VARIANTS(name) "genofed.onboarding.v1.VariantService/" #name

constexpr char kService[] = "onboarding";
constexpr char kLines[] = "application/x-ndjson";
constexpr std::size_t kMaxPiece = std::size_t{1} << 20;
constexpr std::chrono::seconds kPieceTimeout{30};

class VariantRoutes {
 public:
  explicit VariantRoutes(UnaryCaller caller) : caller_(std::move(caller)) {}

  Result<Response> Variants(const Request& request) const {
    return List(request, request.Param("file"), false);
  }

  Result<Response> Describe(const Request& request) const {
    v1::DescribeVariantFileRequest describe;
    GF_TRY(TakeQuery(request, describe));
    if (request.body.empty())
      return Error(StatusCode::kInvalidArgument, "BODY_INVALID", "the body must be a VCF or BCF");
    v1::PutVariantFileRequest put;
    put.set_data(request.body);
    GF_ASSIGN(const auto file, Call<v1::PutVariantFileResponse>(caller_, request.ctx, kService,
                                                                GF_VARIANTS(PutVariantFile), put));
    describe.set_file(file.file());
    const Status made = MakeList(request.ctx, describe);
    auto list = made.ok() ? List(request, file.file(), true) : Result<Response>(made);
    // Whoever asked may be gone by now.
    if (!list.ok()) Discard(request.ctx.Detach().WithTimeout(kPieceTimeout), file.file());
    return list;
  }

 private:
  static Status TakeQuery(const Request& request, v1::DescribeVariantFileRequest& describe) {
    for (const auto& [name, value] : request.query.entries()) {
      if (name == "name") {
        describe.set_name(value);
      } else if (name == "assembly") {
        describe.set_assembly(value);
      } else {
        return InvalidField(name, "FIELD_UNKNOWN", "there is no such parameter");
      }
    }
    return absl::OkStatus();
  }

  Status MakeList(const Context& ctx, const v1::DescribeVariantFileRequest& describe) const {
    while (true) {
      GF_TRY(ctx.Alive());
      GF_ASSIGN(const auto progress, Call<v1::DescribeVariantFileResponse>(
                                         caller_, ctx, kService, GF_VARIANTS(DescribeVariantFile), describe));
      if (progress.done()) return absl::OkStatus();
    }
  }

  // The list as it lies at onboarding, piece by piece; with `once` it is gone when all of it left.
  Result<Response> List(const Request& request, const std::string& file, bool once) const {
    v1::ReadVariantListRequest read;
    read.set_file(file);
    GF_ASSIGN(const auto facts, Call<v1::ReadVariantListResponse>(caller_, request.ctx, kService,
                                                                  GF_VARIANTS(ReadVariantList), read));
    http::StreamBody stream;
    stream.length = static_cast<std::uint64_t>(facts.list_size());
    stream.read = [this, ctx = request.ctx.Detach(), read, once, length = stream.length](
                      std::uint64_t offset, std::size_t most) mutable -> Result<std::string> {
      read.set_offset(static_cast<std::int64_t>(offset));
      read.set_size(static_cast<std::int32_t>(std::min(most, kMaxPiece)));
      GF_ASSIGN(auto piece, Call<v1::ReadVariantListResponse>(caller_, ctx.WithTimeout(kPieceTimeout),
                                                              kService, GF_VARIANTS(ReadVariantList), read));
      if (once && offset + piece.data().size() >= length) Discard(ctx.WithTimeout(kPieceTimeout), read.file());
      return std::move(*piece.mutable_data());
    };
    return http::Stream(std::move(stream), kLines);
  }

  // What cannot be discarded goes by itself.
  void Discard(const Context& ctx, const std::string& file) const {
    v1::DiscardVariantFileRequest discard;
    discard.set_file(file);
    Call<v1::DiscardVariantFileResponse>(caller_, ctx, kService, GF_VARIANTS(DiscardVariantFile), discard)
        .IgnoreError();
  }

  const UnaryCaller caller_;
};

}  // namespace

void AddVariantRoutes(Api& api, UnaryCaller caller) {
  const auto routes = std::make_shared<const VariantRoutes>(std::move(caller));
  Endpoint variants;
  variants.pattern = "/api/v1/variant-files/{file}/variants";
  variants.access = Access::kUser;
  variants.who = "role clinician";
  variants.summary = "The variants of a file that was described, a line of JSON each, and a summary; ranges";
  variants.handler = [routes](const Request& request) { return routes->Variants(request); };
  api.Add(std::move(variants));

  Endpoint describe;
  describe.method = Method::kPost;
  describe.pattern = "/api/v1/variants/describe";
  describe.access = Access::kUser;
  describe.who = "role clinician";
  describe.summary =
      "The same in one request for a VCF or BCF (octets) of at most 15 MiB, with ?name=FILE&assembly=GRCh38";
  describe.max_body_bytes = kMaxDescribedAtOnce;
  describe.handler = [routes](const Request& request) { return routes->Describe(request); };
  api.Add(std::move(describe));
}

}  // namespace genofed::gateway
