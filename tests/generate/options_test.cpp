#include <gtest/gtest.h>

#include "base/errors.h"
#include "generate/generate.h"

namespace limbeck::generate {
namespace {

struct Both {
  SamplingOptions sampling;
  BatchOptions batch;
  void describe(Fields& f) {
    f.group("sampling", sampling);
    f.group("batch", batch);
  }
};

TEST(GenerateOptions, AreReadWithDashesAndUnderscores) {
  Both options;
  Fields fields = fields_of(options);
  read_options(fields, "",
               {"--sampling.max-new-tokens=5", "--sampling.top_p=0.5", "--sampling.stop=[\"a\", \"\\n\"]",
                "--batch.precision=fp32", "--batch.max-batch=3"});
  EXPECT_EQ(options.sampling.max_new_tokens, 5);
  EXPECT_EQ(options.sampling.top_p, 0.5);
  EXPECT_EQ(options.sampling.stop, (std::vector<std::string>{"a", "\n"}));
  EXPECT_EQ(options.batch.precision, Precision::kFp32);
  EXPECT_EQ(options.batch.max_batch, 3);
}

TEST(GenerateOptions, RefuseWhatNoSamplingCanMean) {
  Both options;
  Fields fields = fields_of(options);
  try {
    read_options(
        fields, "",
        {"--sampling.temperature=-0.1", "--sampling.top_p=0", "--sampling.min_p=1.5", "--sampling.repetition_penalty=0",
         "--sampling.top_k=-1", "--batch.max_batch=0", "--batch.precision=int8"});
    FAIL() << "nothing was thrown";
  } catch (const UserErrors& e) {
    EXPECT_EQ(e.mistakes().size(), 7u);
  }
}

}  // namespace
}  // namespace limbeck::generate
