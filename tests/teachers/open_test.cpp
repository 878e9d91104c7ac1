#include "teachers/open.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "generate/tiny_model.h"

namespace limbeck::teachers {
namespace {

using ::testing::HasSubstr;

TEST(OpenTeacher, AFolderIsALocalModelThatIsLoadedWhenItIsNeeded) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "later");
  const auto teacher = open_teacher(folder / "later", {.batch = {.precision = Precision::kFp32}});
  EXPECT_THAT(message_of([&] { teacher->model(); }), HasSubstr("loading teacher " + (folder / "later").string()));
  models::save_pretrained(folder / "later", *models::small_model(generate::tiny_config()), *generate::byte_tokenizer());
  ASSERT_NE(teacher->model(), nullptr);
  EXPECT_EQ(teacher->model(), teacher->model());
  EXPECT_TRUE(is_local(folder / "later"));
  EXPECT_TRUE(is_local("some.gguf"));
}

TEST(OpenTeacher, AJsonlFileIsARecordedStore) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "r.jsonl", "{\"id\":\"a\",\"text\":\"x\"}\n");
  EXPECT_THAT(open_teacher(folder / "r.jsonl", {})->about(), HasSubstr("recorded in"));
  EXPECT_FALSE(is_local(folder / "r.jsonl"));
}

TEST(OpenTeacher, AnythingElseIsTheUsersMistake) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "r.txt", "x");
  EXPECT_THAT(message_of<UserError>([&] { open_teacher(folder / "r.txt", {}); }),
              HasSubstr("expected a Hugging Face folder"));
}

}  // namespace
}  // namespace limbeck::teachers
