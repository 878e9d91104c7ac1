// Golden numbers: tests/golden/models/smollm2.json, made by tests/golden/scripts/make_model_golden.py with
// Transformers.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "models/formula_weights.h"
#include "models/golden_path.h"
#include "models/language_model.h"

namespace limbeck::models {
namespace {

const Pretrained& smollm2() {
  static const Pretrained source = load_pretrained(smollm2_path());
  return source;
}

TEST(SlowSmolLm2, LogitsEqualTransformersOnTheDequantisedGguf) {
  if (!std::filesystem::exists(smollm2_path()))
    GTEST_SKIP() << smollm2_path() << " is not here; scripts/setup fetches it";
  at::NoGradGuard no_grad;
  const Json golden_rows = read_json(golden("models/smollm2.json"));
  for (const Json& row : golden_rows) {
    SCOPED_TRACE(row.at("text").get<std::string>());
    const auto ids = row.at("ids").get<std::vector<int64_t>>();
    const auto encoded = smollm2().tokenizer->encode(row.at("text").get<std::string>());
    EXPECT_EQ(std::vector<int64_t>(encoded.begin(), encoded.end()), ids);
    const at::Tensor logits = logits_of_document(*smollm2().model, ids_tensor(ids));
    for (const Json& at : row.at("at")) {
      const at::Tensor here = logits[at.at("position").get<int64_t>()];
      EXPECT_NEAR(here.logsumexp(0).item<double>(), at.at("logsumexp").get<double>(), 1e-4);
      const auto [values, indices] = here.topk(8);
      for (int64_t i = 0; i < 8; ++i) {
        EXPECT_EQ(indices[i].item<int64_t>(), at.at("ids")[i].get<int64_t>());
        EXPECT_NEAR(values[i].item<double>(), at.at("values")[i].get<double>(), 1e-4);
        EXPECT_NEAR(here[i].item<double>(), at.at("first_values")[i].get<double>(), 1e-4);
      }
    }
  }
}

}  // namespace
}  // namespace limbeck::models
