#include "models/mistral.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/config.h"
#include "models/formula_weights.h"

namespace limbeck::models {
namespace {

TEST(Mistral, HasAWindowUnlessItsConfigSaysNone) {
  const auto window = [](const Json& changes) {
    Json json = small_config({{"model_type", "mistral"}});
    json.update(changes);
    return read_config(json, "test").sliding_window;
  };
  EXPECT_EQ(window(Json::object()), 4096);
  EXPECT_EQ(window({{"sliding_window", 9}}), 9);
  EXPECT_FALSE(window({{"sliding_window", nullptr}}));
  EXPECT_THROW(window({{"sliding_window", 0}}), Error);
  EXPECT_THROW(window({{"attention_bias", true}}), Error);
}

TEST(Mistral, ATokenBeyondTheWindowDoesNotMatter) {
  // One block: what the last token sees is its window and nothing further.
  auto model = small_model({{"model_type", "mistral"}, {"sliding_window", 4}, {"num_hidden_layers", 1}});
  const at::Tensor a = logits_of_document(*model, ids_tensor({9, 3, 4, 5, 6})),
                   b = logits_of_document(*model, ids_tensor({1, 3, 4, 5, 6}));
  EXPECT_TRUE(at::allclose(a[4], b[4], 0, 1e-6));
  EXPECT_FALSE(at::allclose(a[3], b[3], 0, 1e-3));
}

}  // namespace
}  // namespace limbeck::models
