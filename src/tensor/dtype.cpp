#include "tensor/dtype.h"

#include <array>

#include "base/errors.h"

namespace limbeck {
namespace {

struct Row {
  std::string_view name;
  at::ScalarType type;
};

// In the order of the reference implementation's enumeration (github.com/huggingface/safetensors, Dtype).
constexpr std::array kRows = {
    Row{"BOOL", at::ScalarType::Bool},
    Row{"U8", at::ScalarType::Byte},
    Row{"I8", at::ScalarType::Char},
    Row{"F8_E5M2", at::ScalarType::Float8_e5m2},
    Row{"F8_E4M3", at::ScalarType::Float8_e4m3fn},
    Row{"F8_E8M0", at::ScalarType::Float8_e8m0fnu},
    Row{"F8_E4M3FNUZ", at::ScalarType::Float8_e4m3fnuz},
    Row{"F8_E5M2FNUZ", at::ScalarType::Float8_e5m2fnuz},
    Row{"I16", at::ScalarType::Short},
    Row{"U16", at::ScalarType::UInt16},
    Row{"F16", at::ScalarType::Half},
    Row{"BF16", at::ScalarType::BFloat16},
    Row{"I32", at::ScalarType::Int},
    Row{"U32", at::ScalarType::UInt32},
    Row{"F32", at::ScalarType::Float},
    Row{"C64", at::ScalarType::ComplexFloat},
    Row{"F64", at::ScalarType::Double},
    Row{"I64", at::ScalarType::Long},
    Row{"U64", at::ScalarType::UInt64},
};

}  // namespace

std::optional<at::ScalarType> dtype_of(std::string_view safetensors_name) {
  for (const Row& row : kRows)
    if (row.name == safetensors_name) return row.type;
  return std::nullopt;
}

int dtype_rank(at::ScalarType type) {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (kRows[i].type == type) return static_cast<int>(i);
  fail("dtype", "expected a type that safetensors can store but received {}", c10::toString(type));
}

std::string_view safetensors_name(at::ScalarType type) {
  return kRows[static_cast<std::size_t>(dtype_rank(type))].name;
}

at::ScalarType dtype_of(Precision precision) {
  return precision == Precision::kBf16 ? at::ScalarType::BFloat16 : at::ScalarType::Float;
}

}  // namespace limbeck
