// SPDX-License-Identifier: Apache-2.0
#include "libs/genomics/norm_align.h"

#include <algorithm>

namespace genofed::genomics {
AlleleShift::AlleleShift(std::span<const std::string_view> alleles, std::int64_t pos)
    : alleles_(alleles), pos_(pos), shortest_(alleles[0].size()) {
  for (std::string_view allele : alleles) shortest_ = std::min(shortest_, allele.size());
}

Status AlleleShift::MoveLeft(const BaseAt& base_at, std::int64_t leftmost) {
  while (AllEndAlike()) {
    if (prefix_.size() + shortest_ - cut_back_ == 1) {
      if (!base_at || pos_ <= leftmost) break;
      GF_ASSIGN(char base, base_at(pos_ - 1));
      if (base == '\0') break;
      prefix_.push_back(base);
      --pos_;
    }
    ++cut_back_;
  }
  return absl::OkStatus();
}

void AlleleShift::TrimFront() {
  auto alike = [&] {
    for (std::size_t i = 1; i < alleles_.size(); ++i) {
      if (UpperBase(At(i, cut_front_)) != UpperBase(At(0, cut_front_))) return false;
    }
    return true;
  };
  while (prefix_.size() + shortest_ - cut_back_ - cut_front_ > 1 && alike()) {
    ++cut_front_;
    ++pos_;
  }
}

std::string AlleleShift::Allele(std::size_t index) const {
  std::string out;
  for (std::size_t i = cut_front_; i < Length(index); ++i) out.push_back(At(index, i));
  return out;
}

char AlleleShift::At(std::size_t allele, std::size_t index) const {
  return index < prefix_.size() ? prefix_[prefix_.size() - 1 - index]
                                : alleles_[allele][index - prefix_.size()];
}

std::size_t AlleleShift::Length(std::size_t allele) const {
  return prefix_.size() + alleles_[allele].size() - cut_back_;
}

bool AlleleShift::AllEndAlike() const {
  char last = UpperBase(At(0, Length(0) - 1));
  for (std::size_t i = 1; i < alleles_.size(); ++i) {
    if (UpperBase(At(i, Length(i) - 1)) != last) return false;
  }
  return true;
}

}  // namespace genofed::genomics
