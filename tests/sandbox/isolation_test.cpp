#include "sandbox/isolation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/message_of.h"

namespace limbeck::sandbox {
namespace {

bool holds(const std::vector<std::string>& words, const std::vector<std::string>& part) {
  return std::search(words.begin(), words.end(), part.begin(), part.end()) != words.end();
}

const Interpreter kPython = {.executable = "/opt/p/bin/python3.12",
                             .version = "3.12.0",
                             .folders = {"/opt/p/lib"},
                             .symlinks = {{"usr/lib", "/lib"}}};

TEST(CommandOf, UnsharesEverythingAndShowsOnlyTheInterpreter) {
  const auto words =
      command_of({.bubblewrap = "/usr/bin/bwrap", .interpreter = kPython, .limits = {.file_bytes = 65536}});
  EXPECT_EQ(words.front(), "/usr/bin/bwrap");
  for (const char* word : {"--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
                           "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--as-pid-1", "--clearenv"})
    EXPECT_TRUE(holds(words, {word})) << word;
  EXPECT_TRUE(holds(words, {"--cap-drop", "ALL"}));
  EXPECT_TRUE(holds(words, {"--ro-bind", "/opt/p/lib", "/opt/p/lib"}));
  EXPECT_TRUE(holds(words, {"--ro-bind", kPython.executable, kPython.executable}));
  EXPECT_TRUE(holds(words, {"--symlink", "usr/lib", "/lib"}));
  EXPECT_TRUE(holds(words, {"--size", "65536", "--tmpfs", "/tmp"}));
  EXPECT_TRUE(holds(words, {"--remount-ro", "/", "--seccomp", "3", "--", kPython.executable}));
  for (const char* word : {"--bind", "--dev-bind", "--share-net", "--proc", "--dev"})
    EXPECT_FALSE(holds(words, {word})) << word;
  EXPECT_EQ(std::count(words.begin(), words.end(), "--ro-bind"), 2);
}

TEST(CommandOf, MakesTheFolderReadOnlyWhenNoFilesAreAllowed) {
  const auto words = command_of({.bubblewrap = "bwrap", .interpreter = kPython, .limits = {.file_bytes = 0}});
  EXPECT_TRUE(holds(words, {"--remount-ro", "/tmp"}));
}

TEST(PlanIsolation, NamesEverythingThatIsMissingAtOnce) {
  const std::string before = std::getenv("PATH");
  setenv("PATH", "/nowhere", 1);
  const std::string why = message_of<UserError>([] { plan_isolation({}, "/no/python3"); });
  setenv("PATH", before.c_str(), 1);
  EXPECT_EQ(
      why,
      "[sandbox] programs are judged in isolation only, and it cannot be set up: bubblewrap is not installed (apt-get "
      "install bubblewrap); /no/python3 cannot be executed");
}

TEST(AdviceOn, HasNoneForWhatItDoesNotKnow) {
  EXPECT_EQ(advice_on("the moon is full"), "");
}

TEST(AdviceOn, SaysWhatAContainerMustLetThrough) {
  for (const char* complaint : {"bwrap: setting up uid map: Permission denied", "bwrap: Creating new namespace failed",
                                "bwrap: Failed to mount tmpfs: Operation not permitted"})
    EXPECT_NE(advice_on(complaint).find("user namespaces"), std::string::npos) << complaint;
}

}  // namespace
}  // namespace limbeck::sandbox
