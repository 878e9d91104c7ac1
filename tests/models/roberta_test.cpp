#include "models/roberta.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(Roberta, HiddenStatesHeadsAndGradientsEqualTransformers) {
  expect_golden_encoder("roberta");
}

}  // namespace
}  // namespace limbeck::models
