// Element types under the names that safetensors files give them: "F32", "BF16", "I64", ...
#pragma once

#include <c10/core/ScalarType.h>

#include <optional>
#include <string_view>

#include "tensor/device.h"

namespace limbeck {

// None for a name that ATen has no type for (the sub-byte F4 and F6 kinds).
std::optional<at::ScalarType> dtype_of(std::string_view safetensors_name);
// "F32"; throws Error for a type that safetensors has no name for.
std::string_view safetensors_name(at::ScalarType type);
// Where a type stands in the order in which the reference implementation lays out a file: wider types come later.
int dtype_rank(at::ScalarType type);

at::ScalarType dtype_of(Precision precision);

}  // namespace limbeck
