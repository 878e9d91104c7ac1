#include "formats/tensorboard.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <limits>
#include <set>

#include "formats/files.h"

namespace limbeck::formats {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

double standing_clock() {
  return 1700000000.25;
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return {names.begin(), names.end()};
}

TEST(TensorBoard, WritesTheBytesThatTensorBoardsOwnWriterWrites) {
  const TemporaryFolder folder;
  TensorBoardWriter writer(folder.path(), 3, standing_clock);
  writer.scalar(3, "train/loss", 1.25);
  writer.scalars(300, {{"train/loss", 1e-30}, {"dev/pass@1", std::numeric_limits<double>::quiet_NaN()}});
  writer.scalar(int64_t{1} << 40, "l\xc3\xa4nge", -0.0);
  writer.scalar(-1, std::string(200, 'x'), std::numeric_limits<double>::infinity());
  writer.scalars(0, {});
  EXPECT_EQ(read_file(writer.path()), read_file(testing::golden("events.tfevents")));
}

TEST(TensorBoard, EachRecordIsInTheFileWhenTheCallReturns) {
  const TemporaryFolder folder;
  TensorBoardWriter writer(folder.path());
  const auto before = std::filesystem::file_size(writer.path());
  EXPECT_GT(before, 0u);  // the version record
  writer.scalar(1, "a", 2);
  EXPECT_GT(std::filesystem::file_size(writer.path()), before);
}

TEST(TensorBoard, EveryWriterHasAFileOfItsOwnThatSortsAfterTheEarlierOnes) {
  const TemporaryFolder folder;
  std::string last;
  for (int i = 0; i < 3; ++i) {
    TensorBoardWriter writer(folder / "events", 0, standing_clock);
    const std::string name = writer.path().filename().string();
    EXPECT_NE(name.find("tfevents"), std::string::npos);  // what TensorBoard looks for
    EXPECT_GT(name, last);
    last = name;
  }
  TensorBoardWriter later(folder / "events", 0, [] { return 1700000001.0; });
  EXPECT_EQ(names_in(folder / "events").size(), 4u);
  EXPECT_EQ(names_in(folder / "events").back(), later.path().filename().string());
}

TEST(TensorBoard, AFileThatAKillCutShortIsLeftAlone) {
  const TemporaryFolder folder;
  std::filesystem::path torn;
  {
    TensorBoardWriter writer(folder.path(), 0, standing_clock);
    writer.scalar(1, "a", 2);
    torn = writer.path();
  }
  std::filesystem::resize_file(torn, std::filesystem::file_size(torn) - 3);
  const std::string before = read_file(torn);
  TensorBoardWriter(folder.path(), 1, standing_clock).scalar(1, "a", 2);
  EXPECT_EQ(read_file(torn), before);
}

TEST(TensorBoard, AFullDiskIsAnErrorThatNamesTheFile) {
  const TemporaryFolder folder;
  TensorBoardWriter writer(folder.path());
  rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {.rlim_cur = std::filesystem::file_size(writer.path()) + 10, .rlim_max = old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string error = error_of([&] { writer.scalar(1, "a", 2); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(error.find("[tensorboard] " + writer.path().string() + ": cannot write"), std::string::npos) << error;
}

TEST(TensorBoard, AFolderThatCannotBeMadeIsAnError) {
  const TemporaryFolder folder;
  folder.write("file", "");
  EXPECT_NE(error_of([&] { TensorBoardWriter(folder / "file" / "events"); }).find("cannot create the folder"),
            std::string::npos);
}

}  // namespace
}  // namespace limbeck::formats
