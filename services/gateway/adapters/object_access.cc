// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/object_access.h"

#include <nlohmann/json.hpp>

#include "libs/core/strings.h"
#include "libs/crypt4gh/key_file.h"
#include "libs/crypto/hash.h"

namespace genofed::gateway {
namespace {

using http::Request;
using http::Response;
namespace cv1 = consent::v1;
namespace ov1 = onboarding::v1;

constexpr std::size_t kMaxPiece = 1U << 20;  // of one call
constexpr std::chrono::seconds kPieceTimeout{30};

constexpr char kGetObject[] = "genofed.onboarding.v1.ObjectService/GetObject";
constexpr char kReadObject[] = "genofed.onboarding.v1.ObjectService/ReadObject";
constexpr char kPlanRegions[] = "genofed.onboarding.v1.ObjectService/PlanRegions";
constexpr char kOpenAccess[] = "genofed.consent.v1.ReaderService/OpenAccess";
constexpr char kRelease[] = "genofed.consent.v1.ReaderService/ReleaseToReader";

Status InvalidPassports() {
  return InvalidField("passports", "BODY_INVALID", "must be a list of at most {} passports",
                      ObjectAccess::kMaxPassports);
}

}  // namespace

Result<std::shared_ptr<void>> StreamSlots::Take() {
  if (free_->fetch_sub(1) <= 0) {
    free_->fetch_add(1);
    return Error(StatusCode::kResourceExhausted, "TOO_MANY_STREAMS",
                 "too many files leave at this moment; try again");
  }
  return std::shared_ptr<void>(nullptr, [free = free_](void*) { free->fetch_add(1); });
}

Result<std::vector<std::string>> ObjectAccess::PassportsOf(const nlohmann::json& body) {
  std::vector<std::string> passports;
  if (!body.contains("passports")) return passports;
  const auto& list = body.at("passports");
  if (!list.is_array() || list.size() > kMaxPassports) return InvalidPassports();
  for (const auto& passport : list) {
    if (!passport.is_string() || passport.get_ref<const std::string&>().empty())
      return InvalidPassports();
    passports.push_back(passport.get<std::string>());
  }
  return passports;
}

Result<std::string> ObjectAccess::RecipientOf(const Request& request) {
  const auto values = request.headers.GetAll(kRecipientHeader);
  if (values.empty()) return std::string();
  const Status invalid =
      InvalidField(kRecipientHeader, "RECIPIENT_INVALID",
                   "must be base64 of an X25519 public key or of a Crypt4GH public key file");
  const auto bytes = values.size() == 1 ? Base64Decode(Trim(values[0])) : invalid;
  if (!bytes.ok()) return invalid;
  if (bytes->size() == crypt4gh::kKeyBytes) return *bytes;
  const auto key = crypt4gh::ParsePublicKeyFile(*bytes);
  if (!key.ok()) return invalid;
  return key->raw();
}

Result<std::string> ObjectAccess::AccessOf(const Request& request) {
  const auto values = request.headers.GetAll(kAccessHeader);
  if (values.size() == 1) return std::string(values[0]);
  return Error(StatusCode::kPermissionDenied, "ACCESS_MISSING",
               "open an access first: POST a passport to the object's /access/ in DRS, and send "
               "the header {} it gives",
               kAccessHeader);
}

Result<ov1::GetObjectResponse> ObjectAccess::Describe(
    const Request& request, const std::string& object,
    const std::vector<std::string>& passports) const {
  ov1::GetObjectRequest get;
  get.set_object(object);
  get.set_peer(request.peer);
  for (std::size_t i = 0;; ++i) {
    if (i < passports.size()) get.set_passport(passports[i]);
    auto answer = Call<ov1::GetObjectResponse>(caller_, request.ctx, "onboarding", kGetObject, get);
    if (i + 1 >= passports.size() || Reason(answer.status()) != "PASSPORT_REFUSED") return answer;
  }
}

Result<cv1::OpenAccessResponse> ObjectAccess::Open(
    const Request& request, const std::string& object,
    const std::vector<std::string>& passports) const {
  cv1::OpenAccessRequest open;
  open.set_object(object);
  open.set_peer(request.peer);
  GF_ASSIGN(*open.mutable_recipient(), RecipientOf(request));
  for (std::size_t i = 0;; ++i) {
    if (i < passports.size()) open.set_passport(passports[i]);
    auto answer = Call<cv1::OpenAccessResponse>(caller_, request.ctx, "consent", kOpenAccess, open);
    if (i + 1 >= passports.size() || Reason(answer.status()) != "PASSPORT_REFUSED") return answer;
  }
}

Result<std::string> ObjectAccess::Header(const Request& request, const std::string& object,
                                         const std::string& access,
                                         const std::vector<std::uint64_t>& edit_list) const {
  cv1::ReleaseToReaderRequest release;
  release.set_object(object);
  release.set_access(access);
  release.set_peer(request.peer);
  release.mutable_edit_list()->Add(edit_list.begin(), edit_list.end());
  GF_ASSIGN(auto answer,
            Call<cv1::ReleaseToReaderResponse>(caller_, request.ctx, "consent", kRelease, release));
  return std::move(*answer.mutable_header());
}

Result<ov1::ReadObjectResponse> ObjectAccess::Facts(const Request& request,
                                                    const std::string& object,
                                                    const std::string& access) const {
  ov1::ReadObjectRequest read;
  read.set_object(object);
  read.set_access(access);
  read.set_peer(request.peer);
  return Call<ov1::ReadObjectResponse>(caller_, request.ctx, "onboarding", kReadObject, read);
}

Result<ov1::PlanRegionsResponse> ObjectAccess::Plan(const Request& request,
                                                    const ov1::PlanRegionsRequest& plan) const {
  return Call<ov1::PlanRegionsResponse>(caller_, request.ctx, "onboarding", kPlanRegions, plan);
}

Result<Response> ObjectAccess::StreamFile(const Request& request, const std::string& object) const {
  GF_ASSIGN(const std::string access, AccessOf(request));
  GF_ASSIGN(std::string header, Header(request, object, access, {}));
  // The header stands for object, reader and key, and is the same each time; a body never changes.
  std::string etag = "\"" + HexEncode(crypto::Sha256(header)).substr(0, 32) + "\"";
  return Stream(request, object, access, std::move(header), std::move(etag));
}

Result<Response> ObjectAccess::StreamBody(const Request& request, const std::string& object) const {
  GF_ASSIGN(const std::string access, AccessOf(request));
  return Stream(request, object, access, "", "\"" + object + "\"");
}

Result<Response> ObjectAccess::Stream(const Request& request, const std::string& object,
                                      const std::string& access, std::string header,
                                      std::string etag) const {
  GF_ASSIGN(const ov1::ReadObjectResponse facts, Facts(request, object, access));
  GF_ASSIGN(auto slot, slots_.Take());
  http::StreamBody stream;
  stream.length = header.size() + static_cast<std::uint64_t>(facts.body_size());
  ov1::ReadObjectRequest read;
  read.set_object(object);
  read.set_access(access);
  read.set_peer(request.peer);
  // Outlives the request's deadline; each piece has its own, and its own answer whether it may
  // still leave.
  stream.read = [caller = caller_, ctx = request.ctx.Detach(), header = std::move(header),
                 slot = std::move(slot),
                 read](std::uint64_t offset, std::size_t most) mutable -> Result<std::string> {
    if (offset < header.size()) return header.substr(static_cast<std::size_t>(offset), most);
    read.set_offset(static_cast<std::int64_t>(offset - header.size()));
    read.set_size(static_cast<std::int32_t>(std::min(most, kMaxPiece)));
    GF_ASSIGN(auto piece, Call<ov1::ReadObjectResponse>(caller, ctx.WithTimeout(kPieceTimeout),
                                                        "onboarding", kReadObject, read));
    return std::move(*piece.mutable_data());
  };
  Response response = http::Stream(std::move(stream), "application/octet-stream", std::move(etag));
  response.headers.Set("Content-Disposition", "attachment; filename=\"" + object + ".c4gh\"");
  return response;
}

}  // namespace genofed::gateway
