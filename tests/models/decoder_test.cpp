#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/errors.h"
#include "models/formula_weights.h"
#include "models/language_model.h"

namespace limbeck::models {
namespace {

TEST(MakeDecoder, FreshWeightsAreThoseOfHuggingFacesInitialisation) {
  Json json = small_config({{"hidden_size", 128}, {"attention_bias", true}, {"initializer_range", 0.05}});
  const auto model = make_decoder(read_config(json, "test"), Seed(3));
  for (const auto& p : parameters_of(*model)) {
    SCOPED_TRACE(p.name);
    EXPECT_TRUE(p.tensor->requires_grad());
    const double mean = p.tensor->mean().item<double>();
    if (p.name.ends_with("norm.weight")) {
      EXPECT_EQ(p.tensor->min().item<double>(), 1);
      EXPECT_EQ(p.tensor->max().item<double>(), 1);
    } else if (p.name.ends_with("bias")) {
      EXPECT_EQ(p.tensor->abs().max().item<double>(), 0);
    } else {
      EXPECT_NEAR(mean, 0, 0.005);
      EXPECT_NEAR(p.tensor->std().item<double>(), 0.05, 0.003);
    }
  }
}

TEST(MakeDecoder, ASeedGivesTheSameWeightsAndAnotherSeedOthers) {
  const DecoderConfig config = read_config(small_config({{"vocab_size", 4000}}), "test");
  const auto a = make_decoder(config, Seed(5)), b = make_decoder(config, Seed(5)), c = make_decoder(config, Seed(6));
  const auto of_a = parameters_of(*a), of_b = parameters_of(*b), of_c = parameters_of(*c);
  for (std::size_t i = 0; i < of_a.size(); ++i)
    EXPECT_TRUE(at::equal(*of_a[i].tensor, *of_b[i].tensor)) << of_a[i].name;
  EXPECT_FALSE(at::equal(*of_a[0].tensor, *of_c[0].tensor));
  // No two tensors, nor two blocks of one, are the same numbers.
  EXPECT_FALSE(
      at::equal(of_a[0].tensor->flatten().narrow(0, 0, 16384), of_a[0].tensor->flatten().narrow(0, 16384, 16384)));
}

TEST(MakeDecoder, RefusesAConfigThatNoModelCanBeMadeOf) {
  EXPECT_THROW(make_decoder(DecoderConfig{}), Error);
  DecoderConfig config = read_config(small_config(), "test");
  config.num_hidden_layers = int64_t{1} << 60;
  EXPECT_THROW(make_decoder(config), Error);
}

}  // namespace
}  // namespace limbeck::models
