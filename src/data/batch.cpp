#include "data/batch.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <string_view>

#include "base/errors.h"

namespace limbeck::data {

namespace {

void expect_for_each_token(const Example& example, std::string_view what, std::size_t received) {
  if (received != 0 && received != example.ids.size())
    fail("collate", "example {}: expected a {} for each of {} tokens but received {}", example.index, what,
         example.ids.size(), received);
}

// Appends where the documents of an example end.
void add_documents(Batch& batch, const Example& example) {
  const int64_t begin = batch.offsets.back(), length = static_cast<int64_t>(example.ids.size());
  int64_t last = 0;
  for (const int64_t start : example.further) {
    if (start <= last || start >= length)
      fail("collate", "example {}: expected documents that begin between {} and its {} tokens but received {}",
           example.index, last + 1, length, start);
    batch.offsets.push_back(begin + start);
    last = start;
  }
  batch.offsets.push_back(begin + length);
  batch.firsts.push_back(static_cast<int64_t>(batch.offsets.size()) - 1);
}

}  // namespace

Batch collate(const std::vector<Example>& examples) {
  Batch batch;
  batch.offsets.push_back(0);
  batch.firsts.push_back(0);
  bool typed = false;
  for (const Example& example : examples) {
    expect_for_each_token(example, "weight", example.weights.size());
    expect_for_each_token(example, "type", example.types.size());
    typed |= !example.types.empty();
    add_documents(batch, example);
    batch.indices.push_back(example.index);
  }
  const int64_t num_tokens = batch.offsets.back();
  batch.ids = at::empty({num_tokens}, at::kLong);
  batch.targets = at::full({num_tokens}, -100, at::kLong);
  batch.weights = at::zeros({num_tokens}, at::kFloat);
  int64_t* id = batch.ids.mutable_data_ptr<int64_t>();
  int64_t* target = batch.targets.mutable_data_ptr<int64_t>();
  float* weight = batch.weights.mutable_data_ptr<float>();
  if (typed) batch.types = at::zeros({num_tokens}, at::kLong);
  int64_t* type = typed ? batch.types.mutable_data_ptr<int64_t>() : nullptr;
  int64_t at = 0;
  for (const Example& example : examples) {
    if (!example.types.empty()) std::copy(example.types.begin(), example.types.end(), type + at);
    auto further = example.further.begin();
    for (std::size_t i = 0; i < example.ids.size(); ++i, ++at) {
      id[at] = example.ids[i];
      const bool last =
          i + 1 == example.ids.size() || (further != example.further.end() && *further == static_cast<int64_t>(i + 1));
      if (last && further != example.further.end()) ++further;
      if (last || example.weights.empty() || example.weights[i + 1] == 0) continue;
      target[at] = example.ids[i + 1];
      weight[at] = example.weights[i + 1];
      batch.num_targets += weight[at];
    }
  }
  return batch;
}

}  // namespace limbeck::data
