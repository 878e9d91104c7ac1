#include "base/phases.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace limbeck {
namespace {

void pause(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

class Phases : public testing::Test {
 protected:
  void SetUp() override { forget_phases(); }
  void TearDown() override { forget_phases(); }
};

TEST_F(Phases, CountWithinEachOther) {
  for (int i = 0; i < 2; ++i) {
    const Phase outer("train");
    pause(2);
    const Phase inner("forward");
    pause(2);
  }
  { const Phase other("forward"); }  // not within: another one
  const auto times = phase_times();
  ASSERT_EQ(times.size(), 3U);
  EXPECT_EQ(times[0].name, "train");
  EXPECT_EQ(times[1].name, "train > forward");
  EXPECT_EQ(times[2].name, "forward");
  EXPECT_EQ(times[1].depth, 1);
  EXPECT_GE(times[0].seconds, 0.008);
  EXPECT_GE(times[1].seconds, 0.004);
  EXPECT_GE(times[0].seconds, times[1].seconds + 0.004);
  EXPECT_LT(times[2].seconds, times[1].seconds);
}

TEST_F(Phases, OpenOnesCountUpToNow) {
  const Phase open("judging");
  pause(2);
  const double early = phase_times().at(0).seconds;
  EXPECT_GE(early, 0.002);
  pause(2);
  EXPECT_GE(phase_times().at(0).seconds, early + 0.002);
  EXPECT_LE(phase_times().at(0).seconds, process_seconds());
}

TEST_F(Phases, OfOtherThreadsStandBeside) {
  const Phase own("sampling");
  std::thread([] {
    const Phase other("judging");
    pause(2);
  }).join();
  const auto times = phase_times();
  ASSERT_EQ(times.size(), 2U);
  EXPECT_FALSE(times[0].beside);
  EXPECT_EQ(times[1].name, "judging");
  EXPECT_TRUE(times[1].beside);
  EXPECT_EQ(times[1].depth, 0);
}

// Two threads in one phase at once: the time in which at least one was.
TEST_F(Phases, ThatRunOnSeveralThreadsAtOnceCountOnce) {
  const auto begun = std::chrono::steady_clock::now();
  std::thread a([] {
    const Phase phase("judging");
    pause(20);
  });
  std::thread b([] {
    const Phase phase("judging");
    pause(20);
  });
  a.join(), b.join();
  const double passed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  EXPECT_GE(phase_times().at(0).seconds, 0.02);
  EXPECT_LE(phase_times().at(0).seconds, passed);
}

}  // namespace
}  // namespace limbeck
