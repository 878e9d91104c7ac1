#include "models/gemma2.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(Gemma2, LogitsAndGradientsEqualTransformers) {
  expect_golden("gemma2");
}

TEST(Gemma2, EverySecondBlockSeesEverything) {
  const Json row = golden_rows("architectures.json", {"gemma2"})[0];
  EXPECT_EQ(read_config(row.at("config"), "test").windowed_layers, (std::vector<bool>{true, false, true}));
}

}  // namespace
}  // namespace limbeck::models
