#include "models/distilbert.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(DistilBert, HiddenStatesHeadsAndGradientsEqualTransformers) {
  expect_golden_encoder("distilbert");
}

}  // namespace
}  // namespace limbeck::models
