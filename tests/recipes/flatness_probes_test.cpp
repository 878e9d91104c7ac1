#include "recipes/flatness_probes.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>  // std::log

#include "recipes/tiny_encoder.h"

namespace limbeck::recipes {
namespace {

class FlatnessProbes : public TinyEncoder {};

TEST_F(FlatnessProbes, FindALearnedTaskSteeperTheFurtherOneGoesAndLeaveTheWeights) {
  StudyOptions options;
  fill(options);
  const std::string folder = body();
  const Study study(options, folder, run());
  const TaskArm arm =
      study.train_seed("arm", "an arm", 0, study.starting_from([&] { return study.open(folder, study.seed_of(0)); }));
  const auto model = study.open((arm.folders[0] / "model").string(), study.seed_of(0)).model;
  std::vector<at::Tensor> before;
  for (const auto& p : trainable(*model).parameters) before.push_back(p.tensor->detach().clone());

  const Flatness found = flatness_of(*model, study.task(), 12, Seed(4));
  ASSERT_EQ(found.noise.size(), 3u);
  EXPECT_GT(found.noise[2], found.noise[0]);
  EXPECT_NE(found.curvature, 0);
  EXPECT_EQ(to_json(flatness_from(to_json(found), "here")), to_json(found));

  std::vector<at::Tensor> zeros;
  for (const auto& w : before) zeros.push_back(at::zeros_like(w));
  const LossLine line = loss_line(*model, zeros, study.task(), 12);
  EXPECT_EQ(line.train[2], found.loss);             // t = 0: where the weights are
  EXPECT_NEAR(line.train[6], std::log(2.0), 1e-5);  // t = 1: no weights, two classes
  const auto parameters = trainable(*model).parameters;
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(parameters[i].tensor->detach().equal(before[i]));
}

TEST(FlatnessTable, IsOfMeansOverRunsWithTheirDeviation) {
  const std::string table = flatness_markdown({{"last",
                                                {{.loss = 1, .curvature = 4, .noise = {0.1, 0.2, 0.3}},
                                                 {.loss = 3, .curvature = -8, .noise = {0.3, 0.4, 0.5}}}}});
  EXPECT_NE(table.find("| last | 2 ±1.41 | 0.2 ±0.141 | 0.3 ±0.141 | 0.4 ±0.141 | 6 ±2.83 |"), std::string::npos)
      << table;
}

}  // namespace
}  // namespace limbeck::recipes
