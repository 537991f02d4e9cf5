// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace genofed::dispatcher {

// A descriptor of the shape of deploy/images/allele-counts/workflow.json.
inline std::string TestWorkflow() {
  return R"({"name": "allele-counts", "version": "1.0.0", "title": "Counts",
  "image": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
  "command": ["/usr/local/bin/allele-counts"], "inputs": ["genotypes", "phenotypes"],
  "environment": ["CASE_TERM", "REGION"],
  "outputs": [{"path": "allele_counts.tsv", "format": "tsv", "keys": ["chrom", "pos", "ref", "alt"],
               "counts": ["ac", "an"], "derived": {"af": "ac/an"}}],
  "limits": {"cpus": 1, "memory_mb": 512, "minutes": 10}})";
}

inline std::string TestTable(const std::string& rows) {
  return "chrom\tpos\tref\talt\tac\tan\n" + rows;
}

}  // namespace genofed::dispatcher
