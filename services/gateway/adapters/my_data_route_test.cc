// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/adapters/my_data_route.h"

#include <gtest/gtest.h>

#include "genofed/consent/v1/consent.pb.h"
#include "services/gateway/adapters/test_support.h"

namespace genofed::gateway {
namespace {

class MyDataTest : public ::testing::Test {
 protected:
  MyDataTest() {
    AddMyDataRoute(api_,
                   [this](const Context& ctx, std::string_view, std::string_view,
                          const google::protobuf::Message& asked,
                          google::protobuf::Message* answer) -> Status {
                     users_ += ctx.principal().user->subject + " ";
                     const std::string& token =
                         static_cast<const consent::v1::ExportMyDataRequest&>(asked).page_token();
                     if (token == fails_at_) return Error(StatusCode::kUnavailable, "AWAY", "away");
                     const std::size_t at = token.empty() ? 0 : std::stoul(token);
                     auto& piece = *static_cast<consent::v1::ExportMyDataResponse*>(answer);
                     piece.set_json(pieces_.at(at));
                     if (at + 1 < pieces_.size()) piece.set_next_page_token(std::to_string(at + 1));
                     return absl::OkStatus();
                   });
  }
  http::Response Get(const std::string& target = "/api/v1/me/data") {
    auto request = MakeRequest(http::Method::kGet, target, "", {{"Authorization", "Bearer good"}});
    return router_.Handle(request);
  }
  // As the server reads it, `most` bytes at a time.
  static Result<std::string> All(const http::Response& response, std::size_t most) {
    auto stream = std::get<http::StreamBody>(response.body);
    EXPECT_TRUE(stream.open_ended);
    std::string all;
    for (;;) {
      GF_ASSIGN(const std::string piece, stream.read(all.size(), most));
      EXPECT_LE(piece.size(), most);
      if (piece.empty()) return all;
      all += piece;
    }
  }

  http::Router router_;
  Api api_{router_, TestTokens()};
  std::vector<std::string> pieces_{"{\"accesses\": [", "1, 2", ", 3", "]}\n"};
  std::string fails_at_ = "none";
  std::string users_;
};

TEST_F(MyDataTest, AllPiecesAreOneDocument) {
  const http::Response response = Get();
  ASSERT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("Content-Disposition"), "attachment; filename=\"my-data.json\"");
  for (const std::size_t most : {1U, 3U, 1000U})
    EXPECT_EQ(All(response, most).value(), "{\"accesses\": [1, 2, 3]}\n");
  EXPECT_TRUE(users_.starts_with("maria maria maria maria ")) << users_;
}

TEST_F(MyDataTest, WhoeverIsRefusedHearsWhyAndAnIncompleteDocumentHasNoEnd) {
  fails_at_ = "2";
  EXPECT_FALSE(All(Get(), 1000).ok());
  fails_at_ = "";
  EXPECT_EQ(Get().status, 503);
  EXPECT_EQ(Get("/api/v1/me/data?page_token=1").status, 400);
}

}  // namespace
}  // namespace genofed::gateway
