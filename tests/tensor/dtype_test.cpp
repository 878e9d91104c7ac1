#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck {
namespace {

TEST(Dtype, NamesReadBackAsTheTypeTheyName) {
  for (const char* name : {"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "I16", "U16", "F16", "BF16", "I32", "U32", "F32",
                           "F64", "I64", "U64"}) {
    const auto type = dtype_of(name);
    ASSERT_TRUE(type) << name;
    EXPECT_EQ(safetensors_name(*type), name);
  }
  EXPECT_EQ(dtype_of("BF16"), at::ScalarType::BFloat16);
}

TEST(Dtype, WiderTypesRankLater) {
  EXPECT_LT(dtype_rank(at::ScalarType::Byte), dtype_rank(at::ScalarType::Half));
  EXPECT_LT(dtype_rank(at::ScalarType::Half), dtype_rank(at::ScalarType::Float));
  EXPECT_LT(dtype_rank(at::ScalarType::Float), dtype_rank(at::ScalarType::Long));
}

TEST(Dtype, UnknownNamesAreNoneAndUnstorableTypesAreErrors) {
  EXPECT_FALSE(dtype_of("F4"));
  EXPECT_FALSE(dtype_of("f32"));
  EXPECT_FALSE(dtype_of(""));
  EXPECT_THROW(safetensors_name(at::ScalarType::QInt8), Error);
}

TEST(Dtype, PrecisionIsStoredAsItsOwnType) {
  EXPECT_EQ(dtype_of(Precision::kFp32), at::ScalarType::Float);
  EXPECT_EQ(dtype_of(Precision::kBf16), at::ScalarType::BFloat16);
}

}  // namespace
}  // namespace limbeck
