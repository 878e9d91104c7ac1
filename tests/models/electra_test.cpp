#include "models/electra.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(Electra, HiddenStatesHeadsAndGradientsEqualTransformers) {
  expect_golden_encoder("electra");
}

}  // namespace
}  // namespace limbeck::models
