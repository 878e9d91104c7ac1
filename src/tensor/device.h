// Device and precision as options name them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fields.h"

namespace limbeck {

enum class Precision { kFp32, kBf16 };  // of the matrix products; master weights and reductions stay fp32
enum class DeviceKind { kCpu, kCuda };

// The choices of an option: f("precision", precision, "of the matrix products", precision_choices());
std::vector<std::pair<std::string, Precision>> precision_choices();  // fp32, bf16
std::vector<std::pair<std::string, DeviceKind>> device_choices();    // cpu, cuda

std::string_view name_of(Precision precision);
std::string_view name_of(DeviceKind device);
// The inverse; throws UserError naming the choices.
Precision precision_of(std::string_view name);
DeviceKind device_of(std::string_view name);

}  // namespace limbeck
