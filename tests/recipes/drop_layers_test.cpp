#include "recipes/drop_layers.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class DropLayersTest : public TinyEncoder {
 protected:
  DropLayersTest() : task_(open(film_data())), encoder_(models::load_encoder(body()).model) {}
  const std::vector<data::Example>& rows() const { return task_.dev.examples; }
  OpenTask task_;
  std::shared_ptr<models::Encoder> encoder_;
};

TEST_F(DropLayersTest, OfTheTopIsTheStateThatTheWholeModelHasThere) {
  const at::NoGradGuard no_grad;
  const auto dropped = drop_layers(encoder_, {.rule = models::DropRule::kTop, .drop = 3}, {}, Seed(1));
  EXPECT_EQ(dropped->config().num_hidden_layers, 1);
  const data::Batch batch = data::collate(rows());
  const auto plan = models::plan_for(encoder_->config(), batch.offsets),
             again = models::plan_for(encoder_->config(), batch.offsets);
  const auto whole = encoder_->forward(batch.ids, batch.types, *plan, {.hidden_states = true});
  EXPECT_TRUE(dropped->forward(batch.ids, batch.types, *again).hidden.equal(whole.hidden_states[1]));
}

TEST_F(DropLayersTest, OfNothingIsTheModelItself) {
  EXPECT_EQ(drop_layers(encoder_, {}, {}, Seed(1)), encoder_);
}

TEST_F(DropLayersTest, MeasuresContributionsThatDoNotDependOnTheBatch) {
  const auto whole = contribution_scores(*encoder_, rows()), alone = contribution_scores(*encoder_, rows(), 1);
  ASSERT_EQ(whole.size(), 4u);
  for (std::size_t b = 0; b < 4; ++b) {
    EXPECT_NEAR(whole[b], alone[b], 1e-6);
    EXPECT_LE(whole[b], 1);
  }
  EXPECT_EQ(scores_for(*encoder_, models::DropRule::kContribution, rows()), whole);
}

TEST_F(DropLayersTest, RanksBlocksByTheirWeights) {
  nn::Parameters parameters;
  encoder_->parameters(parameters);
  {
    const at::NoGradGuard no_grad;
    for (const auto& p : parameters.list())
      if (p.name.find("layer.2.") != std::string::npos) p.tensor->mul_(0.01);
  }
  for (const auto rule : {models::DropRule::kParameterSum, models::DropRule::kParameterVariance}) {
    const auto scores = scores_for(*encoder_, rule, {});
    EXPECT_EQ(models::blocks_to_drop(4, {.rule = rule, .drop = 1}, scores), (std::vector<int64_t>{2}));
  }
  EXPECT_TRUE(scores_for(*encoder_, models::DropRule::kTop, {}).empty());
}

}  // namespace
}  // namespace limbeck::recipes
