// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "genofed/spe/v1/spe.pb.h"
#include "services/spe/domain/task.h"

namespace genofed::spe {

// More or fewer than one input give an order without a dataset, which Tasks::Create refuses.
TaskOrder OrderFromProto(const v1::Task& task);
v1::Task OrderToProto(const TaskOrder& order);
// What callers see: the order without its approval token, and the progress.
v1::Task ToProto(const Task& task);

v1::Review ReviewToProto(const Review& review);
Review ReviewFromProto(const v1::Review& review);

}  // namespace genofed::spe
