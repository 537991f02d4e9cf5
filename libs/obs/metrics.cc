// SPDX-License-Identifier: Apache-2.0
#include "libs/obs/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace genofed::obs {

struct Metrics::Impl {
  prometheus::Registry registry;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

// The registry returns the family that already has the name, so no map of ours is needed.
void Metrics::Add(const std::string& name, const Labels& labels, double amount) {
  prometheus::BuildCounter().Name(name).Register(impl_->registry).Add(labels).Increment(amount);
}

void Metrics::Set(const std::string& name, const Labels& labels, double value) {
  prometheus::BuildGauge().Name(name).Register(impl_->registry).Add(labels).Set(value);
}

void Metrics::Observe(const std::string& name, const Labels& labels, double seconds) {
  static const prometheus::Histogram::BucketBoundaries kBuckets = {
      0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30};
  prometheus::BuildHistogram()
      .Name(name)
      .Register(impl_->registry)
      .Add(labels, kBuckets)
      .Observe(seconds);
}

std::string Metrics::Expose() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace genofed::obs
