#include "tensor/weight_format.h"

#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck {
namespace {

struct Options {
  WeightFormat weights = WeightFormat::kAsPrecision;
  void describe(Fields& f) { describe_weights(f, weights); }
};

WeightFormat read_weights(std::vector<std::string> flags) {
  Options options;
  Fields fields = fields_of(options);
  read_options(fields, "", flags);
  return options.weights;
}

TEST(WeightFormat, IsReadByTheNamesOfTheFileFormatsAndIsAsPrecisionSaysUnlessAsked) {
  EXPECT_EQ(read_weights({}), WeightFormat::kAsPrecision);
  EXPECT_EQ(read_weights({"--weights=q8_0"}), WeightFormat::kQ8_0);
  EXPECT_EQ(read_weights({"--weights=q4_0"}), WeightFormat::kQ4_0);
  EXPECT_EQ(read_weights({"--weights=bf16"}), WeightFormat::kBf16);
  EXPECT_THROW(read_weights({"--weights=q3_k"}), UserErrors);
}

}  // namespace
}  // namespace limbeck
