#include "models/albert.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(Albert, HiddenStatesHeadsAndGradientsEqualTransformers) {
  expect_golden_encoder("albert");
}

}  // namespace
}  // namespace limbeck::models
