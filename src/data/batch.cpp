#include "data/batch.h"

#include <ATen/ATen.h>

#include "base/errors.h"

namespace limbeck::data {

Batch collate(const std::vector<Example>& examples) {
  Batch batch;
  batch.offsets.push_back(0);
  for (const Example& example : examples) {
    if (example.ids.size() != example.weights.size())
      fail("collate", "example {}: expected a weight for each of {} tokens but received {}", example.index,
           example.ids.size(), example.weights.size());
    batch.offsets.push_back(batch.offsets.back() + static_cast<int64_t>(example.ids.size()));
    batch.indices.push_back(example.index);
  }
  const int64_t num_tokens = batch.offsets.back();
  batch.ids = at::empty({num_tokens}, at::kLong);
  batch.targets = at::full({num_tokens}, -100, at::kLong);
  batch.weights = at::zeros({num_tokens}, at::kFloat);
  int64_t* id = batch.ids.mutable_data_ptr<int64_t>();
  int64_t* target = batch.targets.mutable_data_ptr<int64_t>();
  float* weight = batch.weights.mutable_data_ptr<float>();
  int64_t at = 0;
  for (const Example& example : examples) {
    for (std::size_t i = 0; i < example.ids.size(); ++i, ++at) {
      id[at] = example.ids[i];
      if (i + 1 == example.ids.size() || example.weights[i + 1] == 0) continue;
      target[at] = example.ids[i + 1];
      weight[at] = example.weights[i + 1];
      batch.num_targets += weight[at];
    }
  }
  return batch;
}

}  // namespace limbeck::data
