// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/vcf_scanner.h"

namespace genofed::genomics {

VcfScanner::VcfScanner(std::unique_ptr<LineSource> source, VcfIssueSink sink)
    : source_(std::move(source)), sink_(std::move(sink)) {}

Result<std::unique_ptr<VcfScanner>> VcfScanner::Open(std::unique_ptr<LineSource> source,
                                                     VcfIssueSink sink, Reference* reference) {
  std::unique_ptr<VcfScanner> scanner(new VcfScanner(std::move(source), std::move(sink)));
  if (scanner->source_->plain_gzip()) scanner->sink_({VcfCode::kPlainGzip, 0, "", "", ""});
  GF_ASSIGN(scanner->header_, ReadVcfHeader(*scanner->source_, scanner->sink_));
  if (scanner->source_->byte_order_mark()) scanner->sink_({VcfCode::kByteOrderMark, 1, "", "", ""});
  if (scanner->header_.samples.empty()) {
    scanner->sink_({VcfCode::kNoSamples, scanner->header_.lines, "#CHROM", "", ""});
  }
  scanner->conformance_ =
      std::make_unique<VcfConformance>(scanner->header_, scanner->sink_, reference);
  return scanner;
}

void VcfScanner::ReportUndecodable() const {
  sink_({VcfCode::kMalformedRecord, source_->line_number(), "", "",
         "the BCF record cannot be decoded"});
}

Result<bool> VcfScanner::Next() { return Read(&VcfConformance::Check); }
Result<bool> VcfScanner::NextSite() { return Read(&VcfConformance::CheckSite); }

Result<bool> VcfScanner::Read(VcfVerdict (VcfConformance::*judge)(std::string_view, std::uint64_t,
                                                                  VcfSite&)) {
  while (true) {
    auto more = source_->Next(&line_);
    if (!more.ok()) {
      ReportStatus(more.status(), source_->line_number(), sink_);
      return more.status();
    }
    if (!*more) return false;
    if (source_->undecodable()) {
      ReportUndecodable();
      verdict_ = VcfVerdict::kSetAside;
      return true;
    }
    if (line_.empty()) {
      sink_({VcfCode::kBlankLine, source_->line_number(), "", "", ""});
      continue;
    }
    if (source_->unterminated())
      sink_({VcfCode::kNoFinalNewline, source_->line_number(), "", "", ""});
    verdict_ = ((*conformance_).*judge)(line_, source_->line_number(), site_);
    return true;
  }
}

}  // namespace genofed::genomics
