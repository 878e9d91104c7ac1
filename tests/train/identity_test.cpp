#include "train/identity.h"

#include <gtest/gtest.h>

#include "train/tiny_model.h"

namespace limbeck::train {
namespace {

TEST(Identity, ChangesWithWhateverDecidesTheResult) {
  TinyModel model;
  const auto parameters = model.trainable().parameters;
  const auto examples = counting_texts(5);
  const std::string identity = identity_of(parameters, examples, {}, Seed(1));
  EXPECT_EQ(identity_of(parameters, examples, {}, Seed(1)), identity);
  EXPECT_NE(identity_of(parameters, examples, {}, Seed(2)), identity);
  EXPECT_NE(identity_of(parameters, examples, {.learning_rate = 0.5}, Seed(1)), identity);
  EXPECT_NE(identity_of({parameters[0]}, examples, {}, Seed(1)), identity);
  auto other = examples;
  other[2].ids[1] += 1;
  EXPECT_NE(identity_of(parameters, other, {}, Seed(1)), identity);
  other = examples;
  other[2].weights[1] += 1;
  EXPECT_NE(identity_of(parameters, other, {}, Seed(1)), identity);
  other = examples;
  std::swap(other[0], other[1]);
  EXPECT_NE(identity_of(parameters, other, {}, Seed(1)), identity);
  other = examples;
  other[2].types.assign(other[2].ids.size(), 1);
  EXPECT_NE(identity_of(parameters, other, {}, Seed(1)), identity);
  other = examples;
  other[2].further = {1};
  EXPECT_NE(identity_of(parameters, other, {}, Seed(1)), identity);
}

}  // namespace
}  // namespace limbeck::train
