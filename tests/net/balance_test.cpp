#include "net/balance.h"

#include <gtest/gtest.h>

#include <limits>

namespace limbeck::net {
namespace {

const BackOff kBackOff{.first = 1, .longest = 8};

TEST(Balance, TakesTheServerWithTheFewestUnderWay) {
  Balance balance(3, kBackOff);
  for (const std::size_t expected : {0u, 1u, 2u, 0u}) {
    ASSERT_EQ(balance.pick(0), expected);
    balance.started(expected);
  }
  balance.succeeded(2);
  EXPECT_EQ(balance.pick(0), 2u);
}

TEST(Balance, EqualServersTakeTurnsEvenOneRequestAtATime) {
  Balance balance(2, kBackOff);
  for (const std::size_t expected : {0u, 1u, 0u, 1u}) {
    ASSERT_EQ(balance.pick(0), expected);
    balance.started(expected);
    balance.succeeded(expected);
  }
}

TEST(Balance, AFailingServerRestsLongerEachTimeFromTheSecondFailureInARowOn) {
  Balance balance(1, kBackOff);
  double now = 10;
  const auto fails = [&] {
    balance.started(0);
    balance.failed(0, now, {}, 1);
  };
  fails();
  EXPECT_EQ(balance.pick(now), 0u) << "once is chance";
  for (const double rest : {1.0, 2.0, 4.0, 8.0, 8.0}) {
    fails();
    EXPECT_EQ(balance.pick(now), std::nullopt);
    EXPECT_EQ(balance.wakes_at(), now + rest);
    now += rest;
    EXPECT_EQ(balance.pick(now), 0u);
  }
  balance.started(0);
  balance.succeeded(0);
  fails();
  EXPECT_EQ(balance.pick(now), 0u) << "a success forgives";
}

TEST(Balance, ARequestThatFailedBeforeGoesToAServerThatAnswers) {
  Balance balance(2, kBackOff);
  balance.started(0);  // busy
  balance.started(1);
  balance.failed(1, 0, {}, 1);
  EXPECT_EQ(balance.pick(0), 1u);
  EXPECT_EQ(balance.pick(0, true), 0u);
}

TEST(Balance, RestsAsLongAsTheServerAskedForWhileOthersWork) {
  Balance balance(2, kBackOff);
  balance.started(0);
  balance.failed(0, 5, 30, 1);
  EXPECT_EQ(balance.pick(34.9), 1u);
  balance.started(1);
  EXPECT_EQ(balance.pick(34.9), 1u);
  EXPECT_EQ(balance.pick(35), 0u);
  EXPECT_EQ(balance.wakes_at(), 0) << "the second one never rested";
}

TEST(Balance, RequestsThatOneRestartCutsOffAreFewFailures) {
  Balance balance(1, kBackOff);
  for (int i = 0; i < 8; ++i) balance.started(0);
  for (int i = 0; i < 8; ++i) balance.failed(0, 1, {}, 1);
  EXPECT_EQ(balance.wakes_at(), 2);
}

}  // namespace
}  // namespace limbeck::net
