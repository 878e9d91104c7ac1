#include "serve/reading.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "serve/started.h"

namespace limbeck::serve {
namespace {

class Reading : public testing::Test {
 protected:
  models::Pretrained source_ = generate::tiny_model();
  generate::KvPool pool_{generate::cache_shape(source_.model->config(), Precision::kFp32)};
};

TEST_F(Reading, GoesToTheEndOfTheBeginningFirst) {
  const auto one = started({.ids = {1, 2, 3, 4, 5, 6}}, pool_);
  one->cache.set_length(1);
  one->end_of_beginning = 4;
  EXPECT_EQ(one->num_next(100), 3);
  EXPECT_EQ(one->num_next(2), 2);
  one->end_of_beginning = 0;
  EXPECT_EQ(one->num_next(100), 5);
  EXPECT_FALSE(one->is_read());
  one->cache.set_length(6);
  EXPECT_TRUE(one->is_read());
  EXPECT_EQ(one->num_next(100), 0);
}

TEST_F(Reading, TellsEachTokenOfThePromptByTheStateBeforeIt) {
  const at::NoGradGuard no_grad;
  const std::vector<int32_t> ids = {10, 20, 30, 40, 50};
  const auto one = started({.ids = ids, .top_log_probs = 2, .tell_prompt = true}, pool_);
  const auto plan = nn::packed_causal({0, 5});
  const at::Tensor all = models::ids_tensor({10, 20, 30, 40, 50});
  const at::Tensor hidden = source_.model->forward(all, *plan).hidden;
  one->cache.set_length(3);  // in two parts
  tell_prompt(*one, *source_.model, hidden.narrow(0, 0, 3));
  ASSERT_EQ(one->prompt.size(), 3U);
  one->cache.reserve(5);
  one->cache.set_length(5);
  tell_prompt(*one, *source_.model, hidden.narrow(0, 3, 2));
  ASSERT_EQ(one->prompt.size(), 4U) << "the last one predicts what is drawn";
  const at::Tensor log_probs = at::log_softmax(source_.model->logits_of(hidden).to(at::kDouble), 1);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(one->prompt[i].id, ids[i + 1]);
    EXPECT_NEAR(one->prompt[i].log_prob, log_probs[static_cast<int64_t>(i)][ids[i + 1]].item<double>(), 1e-5);
    EXPECT_EQ(one->prompt[i].top.ids.size(), 2U);
  }
}

TEST_F(Reading, TellsNothingWhereNobodyAsked) {
  const at::NoGradGuard no_grad;
  const auto one = started({.ids = {1, 2, 3}}, pool_);
  tell_prompt(*one, *source_.model, at::zeros({3, source_.model->config().hidden_size}));
  EXPECT_TRUE(one->prompt.empty());
}

}  // namespace
}  // namespace limbeck::serve
