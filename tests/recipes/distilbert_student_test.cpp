#include "recipes/distilbert_student.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "base/message_of.h"

namespace limbeck::recipes {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DistilbertStudent : public ::testing::Test {
 protected:
  static std::shared_ptr<models::Encoder> teacher() {
    return models::make_encoder({.vocab_size = 23,
                                 .hidden_size = 8,
                                 .intermediate_size = 12,
                                 .num_hidden_layers = 5,
                                 .num_attention_heads = 2,
                                 .embedding_size = 8,
                                 .max_position_embeddings = 16,
                                 .initializer_range = 0.3},
                                {.kind = models::HeadKind::kMaskedLm}, Seed(1));
  }
  static at::Tensor weight(models::Encoder& encoder, const std::string& end_of_name) {
    nn::Parameters parameters;
    encoder.parameters(parameters);
    for (const auto& p : parameters.list())
      if (p.name.ends_with(end_of_name)) return p.tensor->detach().clone();
    throw Error("no weight " + end_of_name);
  }
  std::shared_ptr<models::Encoder> student(StartFrom start = StartFrom::kTeacher) {
    return distilbert_student(options_, *teacher_, {1, 4}, start, Seed(7));
  }
  DistilbertOptions options_;
  std::shared_ptr<models::Encoder> teacher_ = teacher();
};

TEST_F(DistilbertStudent, HasTheTeachersBlocksInDistilbertsArchitecture) {
  const auto made = student();
  EXPECT_EQ(made->config().model_type, "distilbert");
  ASSERT_EQ(made->config().num_hidden_layers, 2);
  EXPECT_TRUE(weight(*made, "layer.0.ffn.lin1.weight").equal(weight(*teacher_, "layer.1.intermediate.dense.weight")));
  EXPECT_TRUE(weight(*made, "layer.1.ffn.lin1.weight").equal(weight(*teacher_, "layer.4.intermediate.dense.weight")));
}

TEST_F(DistilbertStudent, HasANewTransformUnlessItIsCopied) {
  const at::Tensor theirs = weight(*teacher_, "predictions.transform.dense.weight");
  EXPECT_FALSE(weight(*student(), "vocab_transform.weight").equal(theirs));
  options_.copy_transform = true;
  EXPECT_TRUE(weight(*student(), "vocab_transform.weight").equal(theirs));
}

TEST_F(DistilbertStudent, OfRandomWeightsHasTheSameSizesAndNothingOfTheTeacher) {
  options_.family = StudentFamily::kTeachers;
  const auto made = student(StartFrom::kRandom), again = student(StartFrom::kRandom);
  EXPECT_EQ(made->config().model_type, "bert");
  EXPECT_EQ(made->config().num_hidden_layers, 2);
  const char* const kWeight = "layer.0.intermediate.dense.weight";
  EXPECT_FALSE(weight(*made, kWeight).equal(weight(*teacher_, "layer.1.intermediate.dense.weight")));
  EXPECT_TRUE(weight(*made, kWeight).equal(weight(*again, kWeight))) << "drawn by the seed";
}

TEST_F(DistilbertStudent, BlocksAreEvenlySpacedTheFirstAndLastAmongThem) {
  options_.num_layers = 3;
  EXPECT_THAT(student_blocks(options_, *teacher_, {}, Seed(1)), ElementsAre(0, 2, 4));
  options_.rule = models::DropRule::kTop;
  EXPECT_THAT(student_blocks(options_, *teacher_, {}, Seed(1)), ElementsAre(0, 1, 2));
  options_.layers = {3, 4};
  EXPECT_THAT(student_blocks(options_, *teacher_, {}, Seed(1)), ElementsAre(3, 4));
  options_.layers.clear(), options_.num_layers = 6;
  EXPECT_THAT(message_of<UserError>([&] { student_blocks(options_, *teacher_, {}, Seed(1)); }),
              HasSubstr("expected at most the teacher's 5 but received 6"));
}

}  // namespace
}  // namespace limbeck::recipes
