#include "base/files.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <set>
#include <thread>

#include "base/errors.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

namespace fs = std::filesystem;

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

// Runs f in a forked child and returns its wait status; the child exits 0 unless f exits otherwise.
template <class F>
int in_child(F&& f) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    f();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST(ReadFile, ReturnsEveryByte) {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\nc\xff", 6);
  write_file_atomically(folder / "x", bytes);
  EXPECT_EQ(read_file(folder / "x"), bytes);
}

TEST(ReadFile, NamesThePathAndTheReason) {
  const TemporaryFolder folder;
  const std::string missing = message_of<UserError>([&] { read_file(folder / "nowhere.txt"); });
  EXPECT_NE(missing.find("nowhere.txt"), std::string::npos);
  EXPECT_NE(missing.find("No such file"), std::string::npos);
  EXPECT_NE(message_of<UserError>([&] { read_file(folder.path()); }).find("Is a directory"), std::string::npos);
}

TEST(ReadFile, RefusesMoreThanItMayTake) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", "1234567890");
  EXPECT_EQ(read_file(folder / "x", 10), "1234567890");
  EXPECT_NE(message_of<UserError>([&] {
              read_file(folder / "x", 9);
            }).find("x] expected a file of at most 9 bytes but received 10"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] {
              read_file("/dev/zero", 1 << 20);
            }).find("[/dev/zero] expected a file of at most 1048576 bytes but received more"),
            std::string::npos);
}

TEST(ReadFile, ReadsAFileWhoseSizeIsNotKnown) {
  EXPECT_NE(read_file("/proc/self/status").find("Name:"), std::string::npos);
}

TEST(WriteFile, ReplacesTheOldFileAndLeavesNoTemporary) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", "old");
  write_file_atomically(folder / "x", "new");
  EXPECT_EQ(read_file(folder / "x"), "new");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"x"});
}

TEST(WriteFile, TakesPiecesOfAnySizeInOrder) {
  const TemporaryFolder folder;
  std::string expected;
  write_file_atomically(folder / "x", [&](const Sink& sink) {
    for (int i = 0; i < 40; ++i) {
      const std::string piece(static_cast<std::size_t>(i % 7 == 6 ? 300000 : i * 997), static_cast<char>('a' + i % 26));
      expected += piece;
      sink(piece);
    }
  });
  EXPECT_EQ(read_file(folder / "x"), expected);
}

TEST(WriteFile, KeepsTheOldFileWhenTheWriterThrows) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", "old");
  EXPECT_THROW(write_file_atomically(folder / "x",
                                     [](const Sink& sink) {
                                       sink("half");
                                       throw std::runtime_error("stopped");
                                     }),
               std::runtime_error);
  EXPECT_EQ(read_file(folder / "x"), "old");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"x"});
}

TEST(WriteFile, KeepsTheOldFileWhenTheDiskTakesNoMore) {
  // A limit on file size fails write(2) half-way as a full disk does, and needs no rights.
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", "old");
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1 << 20, 1 << 20};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomically(folder / "x", std::string(3 << 20, 'n'));
    } catch (const Error& e) {
      ::_exit(std::string(e.what()).find("File too large") != std::string::npos ? 42 : 1);
    }
  });
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(read_file(folder / "x"), "old");
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"x"});
}

TEST(WriteFile, ReportsAFullDevice) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full";
  const std::string said = message_of<Error>([] { write_file_atomically("/dev/full", "x"); });
  EXPECT_NE(said.find("No space left on device; make room there and run the same command again"), std::string::npos)
      << said;
}

TEST(WriteFile, SaysWhichFolderIsMissing) {
  const TemporaryFolder folder;
  EXPECT_NE(message_of<UserError>([&] { write_file_atomically(folder / "no/such/x", "x"); }).find("no/such/x"),
            std::string::npos);
}

TEST(WriteFile, WritesThroughALink) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "target", "old");
  fs::create_symlink("target", folder / "link");
  write_file_atomically(folder / "link", "new");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_EQ(read_file(folder / "target"), "new");
}

void fill_with(const fs::path& folder, const std::string& content) {
  fs::create_directory(folder / "inner");
  for (const char* name : {"a", "b", "inner/c"}) std::ofstream(folder / name) << content;
}

bool is_whole(const fs::path& folder, const std::string& content) {
  for (const char* name : {"a", "b", "inner/c"})
    if (!fs::exists(folder / name) || read_file(folder / name) != content) return false;
  return true;
}

TEST(WriteFolder, ReplacesAnOlderFolderWhole) {
  const TemporaryFolder folder;
  write_folder_atomically(folder / "model",
                          [](const fs::path& f) { fill_with(f, "1"), std::ofstream(f / "extra") << "x"; });
  write_folder_atomically(folder / "model", [](const fs::path& f) { fill_with(f, "2"); });
  EXPECT_TRUE(is_whole(folder / "model", "2"));
  EXPECT_FALSE(fs::exists(folder / "model/extra"));
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"model"});
}

TEST(WriteFolder, KeepsTheOlderFolderWhenFillingThrows) {
  const TemporaryFolder folder;
  write_folder_atomically(folder / "model", [](const fs::path& f) { fill_with(f, "1"); });
  EXPECT_THROW(write_folder_atomically(folder / "model",
                                       [](const fs::path& f) {
                                         std::ofstream(f / "a") << "2";
                                         throw std::runtime_error("stopped");
                                       }),
               std::runtime_error);
  EXPECT_TRUE(is_whole(folder / "model", "1"));
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"model"});
}

TEST(SlowWriteFolder, LeavesTheOldOrTheNewWheneverItIsKilled) {
  const TemporaryFolder folder;
  write_folder_atomically(folder / "model", [](const fs::path& f) { fill_with(f, "0"); });
  for (int round = 0; round < 60; ++round) {
    const pid_t pid = ::fork();
    if (pid == 0)
      for (int i = 1;; ++i)
        write_folder_atomically(folder / "model", [&](const fs::path& f) { fill_with(f, std::to_string(i)); });
    std::this_thread::sleep_for(std::chrono::microseconds(300 + 437 * round));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    remove_temporaries(folder.path());
    ASSERT_EQ(names_in(folder.path()), std::set<std::string>{"model"}) << "round " << round;
    ASSERT_TRUE(is_whole(folder / "model", read_file(folder / "model/a"))) << "round " << round;
  }
}

TEST(RemoveTemporaries, TakesOnlyWhatDeadProcessesLeft) {
  const TemporaryFolder folder;
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ::waitpid(dead, nullptr, 0);
  const std::string of_dead = ".tmp-" + std::to_string(dead), of_living = ".tmp-" + std::to_string(::getppid());
  for (const std::string& name :
       {"x" + of_dead, "y" + of_living, std::string("notes.tmp-1a"), std::string("z.tmp-"), std::string(".tmp-7")})
    std::ofstream(folder / name) << "?";
  fs::create_directory(folder / ("folder" + of_dead));
  std::ofstream(folder / ("folder" + of_dead + "/inside")) << "?";
  remove_temporaries(folder.path());
  EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"y" + of_living, "notes.tmp-1a", "z.tmp-", ".tmp-7"}));
}

TEST(RemoveTemporaries, PutsBackAFolderThatWasMovedAside) {
  // What a kill between two renames leaves where the file system cannot exchange names.
  const TemporaryFolder folder;
  const std::string aside = "model.old-" + std::to_string(::getpid());
  fs::create_directory(folder / aside);
  std::ofstream(folder / (aside + "/a")) << "1";
  remove_temporaries(folder.path());
  EXPECT_EQ(read_file(folder / "model/a"), "1");
  fs::create_directory(folder / aside);
  remove_temporaries(folder.path());
  EXPECT_EQ(names_in(folder.path()), std::set<std::string>{"model"});
}

TEST(MappedFile, HoldsTheBytesAndMoves) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "x", "abc");
  MappedFile first(folder / "x");
  MappedFile second = std::move(first);
  EXPECT_EQ(second.bytes().size(), 3u);
  EXPECT_EQ(static_cast<char>(second.bytes()[1]), 'b');
  write_file_atomically(folder / "empty", "");
  second = MappedFile(folder / "empty");
  EXPECT_TRUE(second.bytes().empty());
}

TEST(MappedFile, RefusesFoldersAndPipes) {
  const TemporaryFolder folder;
  EXPECT_THROW(MappedFile{folder.path()}, UserError);
  EXPECT_THROW(MappedFile{folder / "nothing"}, UserError);
  EXPECT_THROW(MappedFile{"/dev/null"}, Error);
}

TEST(LineAppender, CutsOffATornLastLine) {
  const TemporaryFolder folder;
  std::ofstream(folder / "log") << "one\ntwo\nthr";
  LineAppender(folder / "log").append("three");
  EXPECT_EQ(read_file(folder / "log"), "one\ntwo\nthree\n");
}

TEST(LineAppender, CutsOffATornLineLongerThanAnyBlock) {
  const TemporaryFolder folder;
  std::ofstream(folder / "log") << "one\n" << std::string(300000, 'x');
  LineAppender(folder / "log").append("two");
  EXPECT_EQ(read_file(folder / "log"), "one\ntwo\n");
  std::ofstream(folder / "only") << std::string(300000, 'x');
  LineAppender(folder / "only").append("one");
  EXPECT_EQ(read_file(folder / "only"), "one\n");
}

TEST(LineAppender, KeepsWholeLines) {
  const TemporaryFolder folder;
  for (const char* line : {"one", "two"}) LineAppender(folder / "log").append(line);
  EXPECT_EQ(read_file(folder / "log"), "one\ntwo\n");
}

TEST(LineAppender, RefusesALineWithANewline) {
  const TemporaryFolder folder;
  LineAppender lines(folder / "log");
  EXPECT_THROW(lines.append("a\nb"), Error);
  EXPECT_EQ(read_file(folder / "log"), "");
}

TEST(LineAppender, TakesBackAPartOfALineWhenTheDiskTakesNoMore) {
  const TemporaryFolder folder;
  const int status = in_child([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {10000, 10000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    LineAppender lines(folder / "log");
    lines.append("one");
    try {
      lines.append(std::string(20000, 'x'));
    } catch (const Error&) {
      lines.append("two");
      ::_exit(42);
    }
  });
  EXPECT_EQ(WEXITSTATUS(status), 42);
  EXPECT_EQ(read_file(folder / "log"), "one\ntwo\n");
}

}  // namespace
}  // namespace limbeck
