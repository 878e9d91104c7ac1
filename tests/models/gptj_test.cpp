#include "models/gptj.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(Gptj, LogitsAndGradientsEqualTransformers) {
  expect_golden("gptj");
}

TEST(Gptj, WhatTurnsIsAnEvenPartOfAHead) {
  const auto read = [](const Json& rotary) {
    const Json config = {{"model_type", "gptj"}, {"vocab_size", 61}, {"n_embd", 32},
                         {"n_layer", 1},         {"n_head", 4},      {"rotary_dim", rotary}};
    return read_config(config, "c.json");
  };
  EXPECT_EQ(read(4).head_dim, 8);
  for (const Json& wrong : {Json(3), Json(0), Json(-2), Json(10), Json("all"), Json()})
    EXPECT_NE(message_of([&] { read(wrong); }).find("rotary_dim"), std::string::npos) << wrong.dump();
}

TEST(Gptj, LogitsHaveABias) {
  const auto model = golden_model(golden_rows("architectures.json", {"gptj"})[0]);
  ASSERT_TRUE(model->output_bias().defined());
  const at::Tensor hidden = at::randn({3, 32});
  at::NoGradGuard no_grad;
  EXPECT_TRUE(at::allclose(model->logits_of(hidden),
                           at::matmul(hidden, model->output_weight().t()) + model->output_bias(), 1e-5, 1e-5));
}

}  // namespace
}  // namespace limbeck::models
