#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "recipes/tinybert.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;

TEST(TinybertOptions, DefaultsAreThePapersAndTheOptimiserItsCodes) {
  const TinybertOptions options;
  EXPECT_EQ(options.layers, 4);
  EXPECT_EQ(options.width, 312);
  EXPECT_EQ(options.intermediate_size, 1200);
  for (const train::Options* phase : {&options.general.train, &options.intermediate, &options.train}) {
    EXPECT_FALSE(phase->bias_correction);
    EXPECT_EQ(phase->clip, train::Clip::kEach);
    EXPECT_DOUBLE_EQ(phase->epsilon, 1e-6);
  }
}

TEST(TinybertOptions, NameTextsThatAreNotThereAndArmsThatAreNotKnown) {
  const TemporaryFolder folder;
  TinybertOptions options;
  Fields fields = fields_of(options);
  const std::string message = message_of<UserErrors>([&] {
    read_options(fields, "",
                 {"--teacher=" + folder.path().string(), "--general.texts=" + (folder / "none.txt").string(),
                  "--arms=no_hiden"});
  });
  EXPECT_THAT(message, HasSubstr("none.txt"));
  EXPECT_THAT(message, HasSubstr("did you mean 'no_hidden'?"));
}

TEST(TinybertOptions, AllFilesThatAreReadBelongToTheRun) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "rows.csv", "text,label\ngood,yes\nbad,no\n");
  const std::string rows = (folder / "rows.csv").string();
  TinybertOptions options;
  options.data.source.data = {rows}, options.data.source.text = {"text"}, options.data.source.label = "label";
  options.teacher = "t", options.general.teacher = "g", options.general.texts = {"a.txt", "b.txt"};
  options.general.masked_lm = "l", options.augment.masked_lm = "m", options.augment.word_vectors = "v.txt";
  EXPECT_THAT(options.inputs(), ::testing::ElementsAre(rows, "t", "g", "l", "m", "a.txt", "b.txt", "v.txt"));
}

TEST(TinybertOptions, AStudentHasTheTeachersHeadsAndItsOwnSizes) {
  TinybertOptions options;
  options.layers = 2, options.width = 24, options.intermediate_size = 48;
  const models::EncoderConfig teacher{
      .vocab_size = 50, .hidden_size = 64, .num_hidden_layers = 6, .num_attention_heads = 4};
  const models::EncoderConfig student = options.student_config(teacher);
  EXPECT_EQ(student.vocab_size, 50);
  EXPECT_EQ(student.num_attention_heads, 4);
  EXPECT_EQ(student.num_hidden_layers, 2);
  EXPECT_EQ(student.hidden_size, 24);
  EXPECT_EQ(student.embedding_size, 24);
  EXPECT_EQ(student.intermediate_size, 48);
  options.width = 25;
  EXPECT_THAT(message_of<UserError>([&] { options.student_config(teacher); }),
              HasSubstr("a multiple of the teacher's 4"));
}

}  // namespace
}  // namespace limbeck::recipes
