// How flat the loss of a task is around an encoder's weights: train/flatness.h over training rows, without dropout.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/seeds.h"
#include "models/encoder.h"
#include "recipes/task_training.h"

namespace limbeck::recipes {

struct Flatness {
  double loss = 0, curvature = 0;  // of the rows; the largest eigenvalue of its Hessian
  std::vector<double> noise;       // what noise of kNoiseRadii adds to the loss
};
inline constexpr double kNoiseRadii[] = {0.01, 0.05, 0.1};

// Over the first `num_rows` training rows. The model's products should be fp32: curvature is a difference of gradients.
Flatness flatness_of(models::Encoder& encoder, const OpenTask& task, int64_t num_rows, Seed seed);

// Loss of the first `num_rows` training and test rows on the line from the weights (t = 0) to `others` (t = 1).
struct LossLine {
  std::vector<double> ts, train, test;
};
LossLine loss_line(models::Encoder& encoder, const std::vector<at::Tensor>& others, const OpenTask& task,
                   int64_t num_rows);

Json to_json(const Flatness& flatness);
Json to_json(const LossLine& line);
Flatness flatness_from(const Json& json, const std::string& where);

// A Markdown table of means over runs, ± their standard deviation: a title and the runs' probes each. A curvature
// counts by its size, for the largest may go down.
std::string flatness_markdown(const std::vector<std::pair<std::string, std::vector<Flatness>>>& arms);

}  // namespace limbeck::recipes
