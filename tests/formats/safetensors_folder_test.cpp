#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "formats/files.h"
#include "formats/safetensors.h"

namespace limbeck::formats {
namespace {

using testing::error_of;
using testing::TemporaryFolder;

NamedTensors ten_tensors() {
  NamedTensors tensors;
  for (int i = 0; i < 10; ++i) tensors.emplace_back("layer." + std::to_string(i), at::full({100}, i, at::kFloat));
  return tensors;
}

std::size_t num_files(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

// The refusal of an index with this weight_map, beside shards a (tensor x) and b (tensors x and y).
std::string index_refusal(const std::string& index) {
  const TemporaryFolder folder;
  write_safetensors(folder / "a.safetensors", {{"x", at::ones({1})}});
  write_safetensors(folder / "b.safetensors", {{"x", at::ones({1})}, {"y", at::ones({1})}});
  folder.write("model.safetensors.index.json", index);
  return error_of([&] { open_safetensors_folder(folder.path()); });
}

TEST(SafetensorsFolder, IsOneFileWhenTheTensorsFit) {
  const TemporaryFolder folder;
  write_safetensors_folder(folder.path(), ten_tensors(), 4000);
  EXPECT_EQ(num_files(folder), 1u);
  EXPECT_EQ(open_safetensors_folder(folder.path())->names().size(), 10u);
}

TEST(SafetensorsFolder, IsSplitIntoShardsThatReadBackAsOne) {
  const TemporaryFolder folder;
  write_safetensors_folder(folder.path(), ten_tensors(), 1200);  // three tensors of 400 bytes a shard
  EXPECT_EQ(num_files(folder), 5u);
  EXPECT_TRUE(std::filesystem::exists(folder / "model-00004-of-00004.safetensors"));
  const Json index = read_json(folder / "model.safetensors.index.json");
  EXPECT_EQ(index["metadata"]["total_size"], 4000);
  EXPECT_EQ(index["weight_map"]["layer.9"], "model-00004-of-00004.safetensors");
  const auto source = open_safetensors_folder(folder.path());
  EXPECT_EQ(source->names().size(), 10u);
  EXPECT_TRUE(source->contains("layer.3"));
  EXPECT_FALSE(source->contains("layer.10"));
  EXPECT_EQ(source->shape("layer.3"), std::vector<int64_t>{100});
  for (const auto& [name, tensor] : ten_tensors()) EXPECT_TRUE(at::equal(source->read(name), tensor)) << name;
  EXPECT_NE(error_of([&] { source->read("layer.10"); }).find("tensor 'layer.10'"), std::string::npos);
}

TEST(SafetensorsFolder, CountsShardsByWhatIsStored) {
  const TemporaryFolder folder;
  write_safetensors_folder(folder.path(), ten_tensors(), 2000, at::kBFloat16);
  EXPECT_EQ(num_files(folder), 1u);
  EXPECT_EQ(open_safetensors_folder(folder.path())->read("layer.7").scalar_type(), at::kBFloat16);
}

TEST(SafetensorsFolder, ATensorLargerThanAShardHasAShardOfItsOwn) {
  const TemporaryFolder folder;
  write_safetensors_folder(folder.path(), {{"a", at::ones({4})}, {"big", at::ones({1000})}, {"b", at::ones({4})}}, 100);
  EXPECT_EQ(num_files(folder), 4u);
  EXPECT_EQ(open_safetensors_folder(folder.path())->read("big").numel(), 1000);
}

TEST(SafetensorsFolder, ALaterSaveLeavesNothingOfTheEarlierOne) {
  const TemporaryFolder folder;
  folder.write("model-notes.safetensors.txt", "the user's own");
  write_safetensors_folder(folder.path(), ten_tensors(), 800);
  write_safetensors_folder(folder.path(), ten_tensors(), 1200);
  EXPECT_EQ(num_files(folder), 6u);
  write_safetensors_folder(folder.path(), {{"only", at::ones({1})}}, 1200);
  EXPECT_EQ(num_files(folder), 2u);
  EXPECT_EQ(open_safetensors_folder(folder.path())->names(), std::vector<std::string>{"only"});
  EXPECT_EQ(read_file(folder / "model-notes.safetensors.txt"), "the user's own");
}

TEST(SafetensorsFolder, SaysWhichShardIsMissing) {
  const std::string error = index_refusal(R"({"weight_map":{"x":"a.safetensors","z":"c.safetensors"}})");
  EXPECT_NE(
      error.find(
          "model.safetensors.index.json: tensor 'z': expected it in the shard 'c.safetensors' but received no such "
          "file"),
      std::string::npos)
      << error;
}

TEST(SafetensorsFolder, SaysWhichTensorIsMissingFromItsShard) {
  const std::string error = index_refusal(R"({"weight_map":{"y":"a.safetensors"}})");
  EXPECT_NE(error.find("tensor 'y': expected it in the shard 'a.safetensors' but received none of that name there"),
            std::string::npos)
      << error;
}

TEST(SafetensorsFolder, RefusesATensorInTwoShards) {
  const std::string error = index_refusal(R"({"weight_map":{"x":"a.safetensors","y":"b.safetensors"}})");
  EXPECT_NE(error.find("tensor 'x': expected it in one shard but received it in 'a.safetensors' and 'b.safetensors'"),
            std::string::npos)
      << error;
}

TEST(SafetensorsFolder, ATensorThatTheIndexDoesNotNameIsNotServed) {
  const TemporaryFolder folder;
  write_safetensors(folder / "b.safetensors", {{"x", at::ones({1})}, {"y", at::ones({1})}});
  folder.write("model.safetensors.index.json", R"({"weight_map":{"x":"b.safetensors"}})");
  EXPECT_FALSE(open_safetensors_folder(folder.path())->contains("y"));
}

TEST(SafetensorsFolder, ShardsCannotLieOutsideTheFolder) {
  for (const char* name :
       {"../a.safetensors", "/etc/passwd", "sub/a.safetensors", "..", ".", "", "a.safetensors\\u0000", "..\\\\a"})
    EXPECT_NE(index_refusal(std::string(R"({"weight_map":{"x":")") + name + R"("}})")
                  .find("expected the name of a file in the same folder"),
              std::string::npos)
        << name;
}

TEST(SafetensorsFolder, RefusesAnIndexThatIsNone) {
  for (const char* index :
       {"", "[]", "{}", "null", R"({"weight_map":[]})", R"({"weight_map":{"x":1}})", R"({"weight_map":{"x":null}})",
        R"({"weight_map":{"x":"a.safetensors")", R"({"weight_map":{"x":"a.safetensors","x":"b.safetensors"}})"})
    EXPECT_NE(index_refusal(index).find("model.safetensors.index.json"), std::string::npos) << index;
}

TEST(SafetensorsFolder, NamesWhatAFolderLacks) {
  const TemporaryFolder folder;
  EXPECT_NE(error_of([&] {
              open_safetensors_folder(folder.path());
            }).find("expected model.safetensors or model.safetensors.index.json"),
            std::string::npos);
  EXPECT_NE(error_of([&] { write_safetensors_folder(folder.path(), ten_tensors(), 0); }), "");
}

}  // namespace
}  // namespace limbeck::formats
