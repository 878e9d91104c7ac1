#include "recipes/patient_distil.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

using models::LayerPair;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

models::EncoderConfig of_blocks(int64_t blocks, int64_t width = 32) {
  models::EncoderConfig config = tiny_encoder_config();
  config.num_hidden_layers = blocks;
  config.hidden_size = config.embedding_size = width;
  return config;
}

class PatientDistilTest : public TinyTask {
 protected:
  PatientDistilTest()
      : task_(open(film_data())),
        student_(models::make_encoder(of_blocks(2), head_of(task_.data), Seed(1))),
        teacher_(models::make_encoder(of_blocks(4), head_of(task_.data), Seed(2))) {}
  data::Batch batch(const std::vector<int64_t>& rows) const {
    std::vector<data::Example> examples;
    for (const int64_t row : rows) examples.push_back(task_.train.examples[static_cast<std::size_t>(row)]);
    return data::collate(examples);
  }
  // States of the first token of each text after a block, normalised, in double precision.
  static at::Tensor first_states(const TaskPass& pass, const data::Batch& rows, int64_t block) {
    const auto firsts = std::vector<int64_t>(rows.offsets.begin(), rows.offsets.end() - 1);
    const at::Tensor states = pass.output.hidden_states[static_cast<std::size_t>(block + 1)].detach().to(at::kDouble);
    const at::Tensor first = states.index_select(0, at::tensor(firsts, at::kLong));
    return first / first.pow(2).sum(1, true).sqrt();
  }
  OpenTask task_;
  std::shared_ptr<models::Encoder> student_, teacher_;
};

// The paper's six blocks of twelve: 2, 4, 6, 8, 10 of them counted from 1, or 7 to 11.
TEST(PatientPairs, LeaveTheLastBlockOut) {
  EXPECT_THAT(patient_pairs(of_blocks(6), of_blocks(12), PatientBlocks::kSkip),
              ElementsAre(LayerPair{0, 1}, LayerPair{1, 3}, LayerPair{2, 5}, LayerPair{3, 7}, LayerPair{4, 9}));
  EXPECT_THAT(patient_pairs(of_blocks(6), of_blocks(12), PatientBlocks::kLast),
              ElementsAre(LayerPair{0, 6}, LayerPair{1, 7}, LayerPair{2, 8}, LayerPair{3, 9}, LayerPair{4, 10}));
}

TEST(PatientPairs, NeedTwoBlocksOfTheTeachersWidth) {
  EXPECT_THAT(message_of<UserError>([] { patient_pairs(of_blocks(2, 16), of_blocks(4), PatientBlocks::kSkip); }),
              HasSubstr("the teacher's width 32 but received 16"));
  EXPECT_THAT(message_of<UserError>([] { patient_pairs(of_blocks(1), of_blocks(4), PatientBlocks::kSkip); }),
              HasSubstr("at least two blocks"));
  EXPECT_THROW(patient_pairs(of_blocks(5), of_blocks(4), PatientBlocks::kSkip), UserError);
}

TEST_F(PatientDistilTest, AddsTheMeanDistanceOfNormalisedFirstStates) {
  PatientOptions options;
  options.patience = 7;
  const auto taught = taught_logits(*teacher_, task_, options);
  const TaskHooks hooks(*student_, task_, Seed(5));
  const data::Batch rows = batch({7, 2, 11});
  const auto loss = patiently(task_, *teacher_, taught, options)(*student_, hooks)(rows);
  const auto plain = distilling_step(*student_, task_, hooks, taught, options)(rows);
  ASSERT_EQ(loss.terms.size(), 3u);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(loss.terms[i].sum.item<double>(), plain.terms[i].sum.item<double>());

  const TaskPass ours = task_pass(*student_, rows, {.hidden_states = true, .dropout_salt = hooks.salt()}),
                 theirs = task_pass(*teacher_, rows, {.hidden_states = true});
  const at::Tensor error = first_states(ours, rows, 0) - first_states(theirs, rows, 1);
  const double mean = error.pow(2).mean().item<double>();
  const objectives::Term& patient = loss.terms[2];
  EXPECT_NEAR(patient.weight * patient.sum.item<double>() / patient.count, 7 * mean, 1e-6);
}

TEST_F(PatientDistilTest, WithoutPatienceIsLogitDistillation) {
  PatientOptions options;
  options.patience = 0;
  const auto taught = taught_logits(*teacher_, task_, options);
  const TaskHooks hooks(*student_, task_, Seed(5));
  EXPECT_EQ(patiently(task_, *teacher_, taught, options)(*student_, hooks)(batch({0, 1})).terms.size(), 2u);
}

TEST_F(PatientDistilTest, TeachesTheStudentAndNotTheTeacher) {
  const PatientOptions options;
  const auto taught = taught_logits(*teacher_, task_, options);
  const TaskHooks hooks(*student_, task_, Seed(5));
  const auto loss = patiently(task_, *teacher_, taught, options)(*student_, hooks)(batch({3, 4}));
  loss.terms[2].sum.backward();
  nn::Parameters parameters;
  teacher_->parameters(parameters);
  for (const auto& p : parameters.list()) EXPECT_FALSE(p.tensor->grad().defined()) << p.name;
  EXPECT_TRUE(student_->word_embeddings().grad().defined());
}

}  // namespace
}  // namespace limbeck::recipes
