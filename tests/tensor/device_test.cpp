#include "tensor/device.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck {
namespace {

TEST(Device, NamesReadBackAsWhatTheyName) {
  for (const auto& [name, precision] : precision_choices()) {
    EXPECT_EQ(precision_of(name), precision);
    EXPECT_EQ(name_of(precision), name);
  }
  for (const auto& [name, device] : device_choices()) {
    EXPECT_EQ(device_of(name), device);
    EXPECT_EQ(name_of(device), name);
  }
  EXPECT_EQ(precision_of("bf16"), Precision::kBf16);
  EXPECT_EQ(device_of("cuda"), DeviceKind::kCuda);
}

TEST(Device, AnUnknownNameIsTheUsersMistakeAndNamesTheChoices) {
  try {
    precision_of("fp8");
    FAIL() << "accepted fp8";
  } catch (const UserError& e) {
    EXPECT_STREQ(e.what(), "[precision] expected fp32 or bf16 but received 'fp8'");
  }
  EXPECT_THROW(device_of("tpu"), UserError);
}

}  // namespace
}  // namespace limbeck
