#include "train/options.h"

#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::train {
namespace {

TEST(TrainOptions, AreReadFromFlagsAndWrittenBackTheSame) {
  Options options;
  Fields fields = fields_of(options);
  read_options(fields, "", {"--epochs=0.5", "--schedule=cosine", "--not-finite=skip", "--keep-best=false"});
  EXPECT_EQ(options.epochs, 0.5);
  EXPECT_EQ(options.schedule, ScheduleKind::kCosine);
  EXPECT_EQ(options.not_finite, NotFinite::kSkip);
  EXPECT_FALSE(options.keep_best);
  const std::string toml = to_toml(fields);
  EXPECT_NE(toml.find("schedule = \"cosine\""), std::string::npos) << toml;
}

TEST(TrainOptions, RefuseWhatCannotBeTrainedWith) {
  for (const char* flag : {"--epochs=0", "--batch-size=0", "--learning-rate=0", "--beta2=1", "--clip-norm=-1",
                           "--final-learning-rate=2", "--keep-checkpoints=0", "--schedule=sometimes"}) {
    Options options;
    Fields fields = fields_of(options);
    EXPECT_NE(message_of<UserError>([&] { read_options(fields, "", {flag}); }), "") << flag;
  }
}

}  // namespace
}  // namespace limbeck::train
