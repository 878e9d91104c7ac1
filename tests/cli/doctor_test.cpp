#include <gtest/gtest.h>

#include "cli/program.h"

namespace limbeck {
namespace {

TEST(Doctor, SaysOfEachPartWhetherItWorks) {
  const auto outcome = run_program({"doctor", "--no-rates"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  for (const char* part : {"processor: ", "avx2", "kernels", "LibTorch: 2.", "GPU", "sandbox", "Limbeck works here"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  EXPECT_EQ(outcome.out.find("GF/s"), std::string::npos);
}

TEST(Doctor, MeasuresProducts) {
  const auto outcome = run_program({"doctor"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  for (const char* name : {"fp32 products", "bf16 products"}) {
    const auto at = outcome.out.find(name);
    ASSERT_NE(at, std::string::npos);
    EXPECT_GT(std::stod(outcome.out.substr(at + std::string(name).size())), 0.1);
  }
}

TEST(Doctor, SaysHowToGetTheGpuPartWhereItIsNotThere) {
  const auto outcome = run_program({"doctor", "--no-rates"});
  if (outcome.out.find("sees") != std::string::npos) GTEST_SKIP() << "LibTorch's GPU part is installed";
  EXPECT_NE(outcome.out.find("scripts/setup --cuda"), std::string::npos) << outcome.out;
}

}  // namespace
}  // namespace limbeck
