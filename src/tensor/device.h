// Device and precision as options name them.
#pragma once

#include <string>

#include "base/fields.h"

namespace limbeck {

enum class Precision { kFp32, kBf16 };  // of the matrix products; master weights and reductions stay fp32
enum class DeviceKind { kCpu, kCuda };

}  // namespace limbeck
