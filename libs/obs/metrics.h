// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace genofed::obs {

// The process's metrics, named genofed_<area>_<what>_<unit>. Label values must come from closed
// sets. Thread-safe. Created once per process and passed by reference.
class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  Metrics();
  ~Metrics();

  void Add(const std::string& name, const Labels& labels = {}, double amount = 1);
  void Set(const std::string& name, const Labels& labels, double value);
  // Latency histograms in seconds with buckets from 0.1 ms to 30 s.
  void Observe(const std::string& name, const Labels& labels, double seconds);

  // Prometheus text exposition format.
  std::string Expose() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace genofed::obs
