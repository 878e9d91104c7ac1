#include <gtest/gtest.h>

#include <cstdlib>

#include "sandbox/isolation_lacks.h"
#include "sandbox/judge.h"

namespace limbeck::sandbox {
namespace {

const Diagnosis& line(const std::vector<Diagnosis>& lines, const std::string& what) {
  for (const auto& one : lines)
    if (one.what == what) return one;
  throw std::out_of_range(what);
}

TEST(Diagnose, HasALineForEveryPartAndAReasonForEach) {
  const auto lines = diagnose();
  for (const char* what : {"bubblewrap", "Python", "system-call filters", "isolation"})
    EXPECT_NE(line(lines, what).why, "") << what;
  const std::string lacks = isolation_lacks();
  EXPECT_EQ(line(lines, "isolation").works, lacks.empty()) << line(lines, "isolation").why << " / " << lacks;
  if (lacks.empty())
    for (const auto& one : lines) EXPECT_TRUE(one.works) << one.what << ": " << one.why;
}

TEST(Diagnose, SaysHowToInstallBubblewrap) {
  const std::string before = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const auto lines = diagnose();
  const std::string lacks = isolation_lacks();
  setenv("PATH", before.c_str(), 1);
  EXPECT_NE(lacks, "");
  EXPECT_FALSE(line(lines, "bubblewrap").works);
  EXPECT_EQ(line(lines, "bubblewrap").why, "not installed (apt-get install bubblewrap)");
  EXPECT_FALSE(line(lines, "isolation").works);
}

}  // namespace
}  // namespace limbeck::sandbox
