#include "base/errors.h"

#include <gtest/gtest.h>

#include <csignal>

#include "base/message_of.h"

namespace limbeck {
namespace {

TEST(Fail, NamesThePlaceFirst) {
  EXPECT_EQ(message_of<Error>([] { fail("load", "expected {} but received {}", 3, "four"); }),
            "[load] expected 3 but received four");
}

TEST(InContext, PutsTheContextBeforeTheMessageAndKeepsTheType) {
  EXPECT_EQ(message_of<UserError>([] { in_context("loading teacher x", [] { user_fail("config", "no width"); }); }),
            "loading teacher x: [config] no width");
  EXPECT_EQ(message_of<Error>([] { in_context("outer", [] { in_context("inner", [] { fail("a", "b"); }); }); }),
            "outer: inner: [a] b");
}

TEST(InContext, TurnsErrorsOfLibrariesIntoErrors) {
  EXPECT_EQ(message_of<Error>([] { in_context("parsing", [] { throw std::out_of_range("index"); }); }),
            "parsing: index");
}

TEST(InContext, LetsAnInterruptThroughAsItIs) {
  try {
    in_context("training", [] { throw Interrupted(SIGINT, "run the same command again"); });
    FAIL() << "nothing was thrown";
  } catch (const Interrupted& e) {
    EXPECT_EQ(e.signal(), SIGINT);
    EXPECT_STREQ(e.what(), "run the same command again");
  }
}

TEST(InContext, ReturnsWhatTheCallReturns) {
  int x = 1;
  int& same = in_context("c", [&]() -> int& { return x; });
  EXPECT_EQ(&same, &x);
}

TEST(UserErrors, ShowsOneAloneAndSeveralAsAList) {
  EXPECT_STREQ(UserErrors({"one"}).what(), "one");
  EXPECT_STREQ(UserErrors({"one", "two"}).what(), "2 mistakes:\n  one\n  two");
}

}  // namespace
}  // namespace limbeck
