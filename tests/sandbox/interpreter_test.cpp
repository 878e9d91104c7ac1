#include "sandbox/interpreter.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/temporary_folder.h"
#include "sandbox/isolation_lacks.h"

namespace limbeck::sandbox {
namespace {

std::string fake_interpreter(const TemporaryFolder& folder, const std::string& text) {
  const auto path = folder / "python3";
  std::ofstream(path) << "#!/bin/sh\n" << text << "\n";
  chmod(path.c_str(), 0755);
  return path;
}

TEST(FindInterpreter, FindsOneWithItsLibraryAndSharedObjects) {
  if (const std::string lacks = python_lacks(); !lacks.empty()) GTEST_SKIP() << lacks;
  const FoundInterpreter found = find_interpreter("");
  ASSERT_TRUE(found.interpreter) << found.why_not;
  EXPECT_TRUE(found.interpreter->version.starts_with("3."));
  EXPECT_TRUE(std::filesystem::is_regular_file(found.interpreter->executable));
  EXPECT_FALSE(std::filesystem::is_symlink(found.interpreter->executable));
  const auto& folders = found.interpreter->folders;
  EXPECT_TRUE(std::any_of(folders.begin(), folders.end(),
                          [](const auto& folder) { return std::filesystem::exists(folder + "/random.py"); }));
  for (const auto& folder : folders) {
    EXPECT_TRUE(std::filesystem::is_directory(folder)) << folder;
    for (const char* too_much : {"/", "/usr", "/etc", "/home", "/root"}) EXPECT_NE(folder, too_much);
  }
}

// A shared object that this process has loaded.
std::string shared_object() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);)
    if (const auto path = line.find('/'); path != std::string::npos && line.find(".so", path) != std::string::npos)
      return line.substr(path);
  return "";
}

TEST(FindInterpreter, ShowsNoFolderThatOnlyOurEnvironmentNames) {
  if (const std::string lacks = python_lacks(); !lacks.empty()) GTEST_SKIP() << lacks;
  const TemporaryFolder home;
  std::filesystem::copy_file(shared_object(), home / "libx.so");
  setenv("LD_PRELOAD", (home / "libx.so").c_str(), 1);
  const FoundInterpreter found = find_interpreter("");
  unsetenv("LD_PRELOAD");
  ASSERT_TRUE(found.interpreter) << found.why_not;
  const auto& folders = found.interpreter->folders;
  EXPECT_EQ(std::find(folders.begin(), folders.end(), home.path().string()), folders.end());
}

TEST(FindInterpreter, SaysWhatIsWrongWithTheNamedOne) {
  const TemporaryFolder folder;
  EXPECT_EQ(find_interpreter("/no/python3").why_not, "/no/python3 cannot be executed");
  EXPECT_EQ(find_interpreter(fake_interpreter(folder, "echo too old 3.8.10")).why_not,
            (folder / "python3").string() + " is Python 3.8.10, and 3.9 or newer is needed");
  const std::string why = find_interpreter(fake_interpreter(folder, "echo hello there; exit 1")).why_not;
  EXPECT_NE(why.find("does not work as an interpreter: it printed \"hello there"), std::string::npos) << why;
}

TEST(FindProgram, LooksThroughThePath) {
  const TemporaryFolder folder;
  const std::string before = std::getenv("PATH");
  fake_interpreter(folder, "exit 0");
  setenv("PATH", ("relative:" + folder.path().string() + ":" + before).c_str(), 1);
  EXPECT_EQ(find_program("python3"), (folder / "python3").string());
  EXPECT_EQ(find_program("no-such-program-here"), "");
  setenv("PATH", before.c_str(), 1);
}

}  // namespace
}  // namespace limbeck::sandbox
