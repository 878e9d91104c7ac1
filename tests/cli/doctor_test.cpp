#include <gtest/gtest.h>

#include "cli/program.h"
#include "sandbox/isolation_lacks.h"

namespace limbeck {
namespace {

TEST(Doctor, SaysOfEachPartWhetherItWorks) {
  const auto outcome = run_program({"doctor", "--no-rates"});
  EXPECT_EQ(outcome.code, 0) << outcome.error;
  for (const char* part : {"processor: ", "avx2", "kernels", "LibTorch: 2.", "GPU", "sandbox"})
    EXPECT_NE(outcome.out.find(part), std::string::npos) << part;
  const std::string lacks = sandbox::isolation_lacks();
  const char* last = lacks.empty() ? "\nLimbeck works here.\n"
                                   : "\nLimbeck works here, except that it runs no programs: see the sandbox above.\n";
  EXPECT_TRUE(outcome.out.ends_with(last)) << lacks << outcome.out;
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
