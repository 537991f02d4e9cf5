// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "libs/qc/fingerprints.h"
#include "libs/qc/site.h"

namespace genofed::qc {

struct PanelOptions {
  std::size_t max_sites = kMaxPanelSites;
  // Of the genotypes kept. With very many people fewer sites are kept, so that this holds.
  std::size_t max_bytes = std::size_t{256} << 20;
  // The genome is cut into windows of 2^n bases; each keeps one site. Windows double whenever more
  // than max_sites are filled.
  int min_window_bits = 10;
};

// Chooses, in one pass and with bounded memory, the common autosomal SNVs by which people are
// compared: minor allele frequency at least 5 %, at least 95 % of the people called, one of each
// window: the one whose hashed key is least. What is chosen depends on the set of sites alone,
// neither on their order nor on how the pass was divided; and two cohorts from one population
// mostly choose the same sites, as coarser windows keep a subset of what finer ones keep.
class SnvPanel {
 public:
  explicit SnvPanel(std::uint32_t rows, const PanelOptions& options = {});

  // `site.snv_key` is not 0.
  void Offer(const SiteFacts& site, const Carriers& carriers);
  // `other` is about the same rows.
  void Merge(const SnvPanel& other);

  std::size_t size() const { return chosen_.size(); }
  Fingerprints Genotypes() const;

 private:
  struct Chosen {
    std::uint64_t rank = 0;  // hash of the key
    std::uint64_t key = 0;
    std::vector<std::uint64_t> het;  // a bit for each row
    std::vector<std::uint64_t> hom;
    std::vector<std::uint32_t> missing;
  };

  std::uint64_t WindowOf(std::uint64_t key) const { return key >> 4 >> window_bits_; }
  void DoubleWindows();
  void Shrink();

  std::uint32_t rows_;
  std::size_t max_sites_;
  int window_bits_;
  std::map<std::uint64_t, Chosen> chosen_;  // by window
};

}  // namespace genofed::qc
