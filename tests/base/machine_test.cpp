#include "base/machine.h"

#include <gtest/gtest.h>

#include <thread>

namespace limbeck {
namespace {

TEST(Machine, CountsTheCoresThisProcessMayUse) {
  EXPECT_GE(num_cores(), 1);
  EXPECT_LE(num_cores(), static_cast<int>(std::thread::hardware_concurrency()));
}

TEST(Machine, NamesTheProcessorOnOneLine) {
  EXPECT_FALSE(processor_name().empty());
  EXPECT_EQ(processor_name().find('\n'), std::string::npos);
}

TEST(Machine, KnowsTheFeaturesTheCompilersRunTimeKnows) {
  const auto features = processor_features();
  const auto has = [&](const char* name) {
    return std::find(features.begin(), features.end(), name) != features.end();
  };
#if defined(__x86_64__)
  EXPECT_EQ(has("avx2"), __builtin_cpu_supports("avx2") != 0);
  EXPECT_EQ(has("avx512f"), __builtin_cpu_supports("avx512f") != 0);
  EXPECT_EQ(has("avx512_bf16"), __builtin_cpu_supports("avx512bf16") != 0);
#else
  EXPECT_TRUE(features.empty());
#endif
}

}  // namespace
}  // namespace limbeck
