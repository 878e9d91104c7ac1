#include "models/qwen2.h"

#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/config.h"
#include "models/formula_weights.h"

namespace limbeck::models {
namespace {

TEST(Qwen2, HasBiasesOnQueriesKeysAndValuesOnly) {
  const auto model = small_model({{"model_type", "qwen2"}});
  int64_t biases = 0;
  for (const auto& p : parameters_of(*model))
    if (p.name.ends_with(".bias")) {
      ++biases;
      EXPECT_EQ(p.name.find("o_proj"), std::string::npos) << p.name;
      EXPECT_EQ(p.name.find("mlp"), std::string::npos) << p.name;
    }
  EXPECT_EQ(biases, 3 * 3);
  EXPECT_THROW(read_config(small_config({{"model_type", "qwen2"}, {"mlp_bias", true}}), "test"), Error);
}

TEST(Qwen2, AWindowOfNullIsNone) {
  const Json json = small_config({{"model_type", "qwen2"}, {"use_sliding_window", true}, {"sliding_window", nullptr}});
  EXPECT_FALSE(read_config(json, "test").sliding_window);
}

}  // namespace
}  // namespace limbeck::models
