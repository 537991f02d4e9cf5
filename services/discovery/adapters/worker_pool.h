// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "services/discovery/app/ports.h"

namespace genofed::discovery {

std::unique_ptr<WorkerPool> MakeWorkerPool(int threads, std::size_t max_queue);

}  // namespace genofed::discovery
