// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/sequence_digests.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <memory>

#include "libs/core/strings.h"

namespace genofed::genomics {
namespace {

constexpr std::size_t kDigestBytes = 24;
constexpr std::int64_t kBlock = 1 << 20;

struct ContigDigests {
  std::string_view contig;
  std::string_view grch37;
  std::string_view grch38;
};

constexpr std::array<ContigDigests, 25> kDigests = {{
    {"1", "SQ.S_KjnFVz-FE7M0W6yoaUDgYxLPc1jyWU", "SQ.Ya6Rs7DHhDeg7YaOSg1EoNi3U_nQ9SvO"},
    {"2", "SQ.9KdcA9ZpY1Cpvxvg8bMSLYDUpsX6GDLO", "SQ.pnAqCRBrTsUoBghSD1yp_jXWSmlbdh4g"},
    {"3", "SQ.VNBualIltAyi2AI_uXcKU7M9XUOuA7MS", "SQ.Zu7h9AggXxhTaGVsy7h_EZSChSZGcmgX"},
    {"4", "SQ.iy7Zfceb5_VGtTQzJ-v5JpPbpeifHD_V", "SQ.HxuclGHh0XCDuF8x6yQrpHUBL7ZntAHc"},
    {"5", "SQ.vbjOdMfHJvTjK_nqvFvpaSKhZillW0SX", "SQ.aUiQCzCPZ2d0csHbMSbh2NzInhonSXwI"},
    {"6", "SQ.KqaUhJMW3CDjhoVtBetdEKT1n6hM-7Ek", "SQ.0iKlIQk2oZLoeOG9P1riRU6hvL5Ux8TV"},
    {"7", "SQ.IW78mgV5Cqf6M24hy52hPjyyo5tCCd86", "SQ.F-LrLMe1SRpfUZHkQmvkVKFEGaoDeHul"},
    {"8", "SQ.tTm7wmhz0G4lpt8wPspcNkAD_qiminj6", "SQ.209Z7zJ-mFypBEWLk4rNC6S_OxY5p7bs"},
    {"9", "SQ.HBckYGQ4wYG9APHLpjoQ9UUe9v7NxExt", "SQ.KEO-4XBcm1cxeo_DIQ8_ofqGUkp4iZhI"},
    {"10", "SQ.-BOZ8Esn8J88qDwNiSEwUr5425UXdiGX", "SQ.ss8r_wB0-b9r44TQTMmVTI92884QvBiB"},
    {"11", "SQ.XXi2_O1ly-CCOi3HP5TypAw7LtC6niFG", "SQ.2NkFm8HK88MqeNkCgj78KidCAXgnsfV1"},
    {"12", "SQ.105bBysLoDFQHhajooTAUyUkNiZ8LJEH", "SQ.6wlJpONE3oNb4D69ULmEXhqyDZ4vwNfl"},
    {"13", "SQ.Ewb9qlgTqN6e_XQiRVYpoUfZJHXeiUfH", "SQ._0wi-qoDrvram155UmcSC-zA5ZK4fpLT"},
    {"14", "SQ.5Ji6FGEKfejK1U6BMScqrdKJK8GqmIGf", "SQ.eK4D2MosgK_ivBkgi6FVPg5UXs1bYESm"},
    {"15", "SQ.zIMZb3Ft7RdWa5XYq0PxIlezLY2ccCgt", "SQ.AsXvWL1-2i5U_buw6_niVIxD6zTbAuS6"},
    {"16", "SQ.W6wLoIFOn4G7cjopxPxYNk2lcEqhLQFb", "SQ.yC_0RBj3fgBlvgyAuycbzdubtLxq-rE0"},
    {"17", "SQ.AjWXsI7AkTK35XW9pgd3UbjpC3MAevlz", "SQ.dLZ15tNO1Ur0IcGjwc3Sdi_0A6Yf4zm7"},
    {"18", "SQ.BTj4BDaaHYoPhD3oY2GdwC_l0uqZ92UD", "SQ.vWwFhJ5lQDMhh-czg06YtlWqu0lvFAZV"},
    {"19", "SQ.ItRDD47aMoioDCNW_occY5fWKZBKlxCX", "SQ.IIB53T8CNeJJdUqzn9V_JnRtQadwWCbl"},
    {"20", "SQ.iy_UbUrvECxFRX5LPTH_KPojdlT7BKsf", "SQ.-A1QmD_MatoqxvgVxBLZTONHz9-c7nQo"},
    {"21", "SQ.LpTaNW-hwuY_yARP0rtarCnpCQLkgVCg", "SQ.5ZUqxCmDDgN4xTRbaSjN8LwgZironmB8"},
    {"22", "SQ.XOgHwwR3Upfp5sZYk6ZKzvV25a4RBVu8", "SQ.7B7SHsmchAR0dFcDCuSFjJAo7tX87krQ"},
    {"X", "SQ.v7noePfnNpK8ghYXEqZ9NukMXW7YeNsm", "SQ.w0WZEvgJF0zf_P4yyTzjjv9oW1z61HHP"},
    {"Y", "SQ.BT7QyW5iXaX_1PSX-msSGYsqRdMKqkj-", "SQ.8_liLu1aycC0tPQPFmUaGXJLDs5SbPZ5"},
    {"MT", "SQ.k3grVkjY-hoWcCUojHw6VU6GE3MZ8Sct", "SQ.k3grVkjY-hoWcCUojHw6VU6GE3MZ8Sct"},
}};

class Sha512Stream {
 public:
  Sha512Stream() : context_(EVP_MD_CTX_new()) {
    GF_CHECK(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha512(), nullptr) == 1);
  }
  void Update(std::string_view bytes) {
    GF_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
  }
  std::string Truncated() {
    std::array<unsigned char, 64> digest = {};
    unsigned size = 0;
    GF_CHECK(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    return Base64UrlEncode({reinterpret_cast<const char*>(digest.data()), kDigestBytes});
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

}  // namespace

std::string Sha512t24u(std::string_view bytes) {
  Sha512Stream stream;
  stream.Update(bytes);
  return stream.Truncated();
}

std::optional<std::string_view> RefgetAccession(Assembly assembly, std::string_view contig) {
  const auto* found = std::find_if(kDigests.begin(), kDigests.end(),
                                   [&](const ContigDigests& d) { return d.contig == contig; });
  if (found == kDigests.end()) return std::nullopt;
  return assembly == Assembly::kGrch37 ? found->grch37 : found->grch38;
}

Result<std::string> SequenceDigests::Accession(const std::string& contig) {
  if (auto found = known_.find(contig); found != known_.end()) return found->second;
  std::int64_t length = reference_.Length(contig);
  if (length < 0)
    return Error(StatusCode::kNotFound, "CONTIG_UNKNOWN", "the reference lacks this contig");
  Sha512Stream stream;
  for (std::int64_t at = 0; at < length; at += kBlock) {
    GF_ASSIGN(std::string bases, reference_.Fetch(contig, at, kBlock));
    stream.Update(UpperBases(bases));
  }
  return known_.emplace(contig, "SQ." + stream.Truncated()).first->second;
}

}  // namespace genofed::genomics
