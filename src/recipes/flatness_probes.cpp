#include "recipes/flatness_probes.h"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <algorithm>
#include <cmath>  // std::pow, std::sqrt
#include <iterator>
#include <numeric>

#include "base/errors.h"
#include "recipes/cells.h"
#include "recipes/sft.h"
#include "train/accumulate.h"
#include "train/flatness.h"

namespace limbeck::recipes {
namespace {

constexpr int64_t kProbeTokens = 8192;  // of a forward pass

std::vector<data::Example> first_rows(const data::EncodedSplit& split, int64_t num_rows) {
  const auto count = std::min(num_rows, static_cast<int64_t>(split.examples.size()));
  return {split.examples.begin(), split.examples.begin() + count};
}

// The task's loss without dropout.
train::Step plain_step(models::Encoder& encoder, const OpenTask& task, const data::EncodedSplit& split) {
  return [&encoder, &task, &split](const data::Batch& batch) {
    return objectives::Loss{{task_loss(task_pass(encoder, batch).logits, batch, task.data.description.kind, split)}};
  };
}

}  // namespace

Flatness flatness_of(models::Encoder& encoder, const OpenTask& task, int64_t num_rows, Seed seed) {
  const auto rows = first_rows(task.train, num_rows);
  const train::Step step = plain_step(encoder, task, task.train);
  const train::Trainable model = trainable(encoder);
  const train::LossHere loss = [&] { return mean_loss(step, rows, kProbeTokens); };
  std::vector<int64_t> all(rows.size());
  std::iota(all.begin(), all.end(), int64_t{0});
  const train::GradientHere gradient = [&] {
    const double scale = train::accumulate_gradients(rows, all, kProbeTokens, step).gradient_scale;
    for (const auto& p : model.parameters)
      if (p.tensor->grad().defined()) p.tensor->mutable_grad().mul_(scale);
  };
  Flatness result{.loss = loss()};
  result.noise = train::loss_under_noise(model, loss, {.radii = {std::begin(kNoiseRadii), std::end(kNoiseRadii)}},
                                         seed.derive("noise"));
  result.curvature = train::largest_curvature(model, gradient, {}, seed.derive("curvature"));
  return result;
}

LossLine loss_line(models::Encoder& encoder, const std::vector<at::Tensor>& others, const OpenTask& task,
                   int64_t num_rows) {
  LossLine line{.ts = {-1, -0.5, 0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2}};
  const auto along = [&](const data::EncodedSplit& split) {
    const auto rows = first_rows(split, num_rows);
    const train::Step step = plain_step(encoder, task, split);
    return train::loss_along_line(trainable(encoder), others, line.ts,
                                  [&] { return mean_loss(step, rows, kProbeTokens); });
  };
  line.train = along(task.train);
  line.test = along(task.test);
  return line;
}

Json to_json(const Flatness& flatness) {
  return {{"loss", flatness.loss}, {"noise", flatness.noise}, {"curvature", flatness.curvature}};
}

Json to_json(const LossLine& line) {
  return {{"t", line.ts}, {"train", line.train}, {"test", line.test}};
}

Flatness flatness_from(const Json& json, const std::string& where) {
  Flatness result{.loss = field<double>(json, "loss", where), .curvature = field<double>(json, "curvature", where)};
  const auto noise = json.find("noise");
  if (noise == json.end() || !noise->is_array() || noise->size() != std::size(kNoiseRadii))
    fail(where, "expected 'noise' as {} numbers", std::size(kNoiseRadii));
  for (const Json& added : *noise) {
    if (!added.is_number()) fail(where, "expected numbers in 'noise' but received {}", added.dump());
    result.noise.push_back(added.get<double>());
  }
  return result;
}

std::string flatness_markdown(const std::vector<std::pair<std::string, std::vector<Flatness>>>& arms) {
  Cells cells = {{"around the weights of", "loss"}};
  for (const double radius : kNoiseRadii) cells[0].push_back(fmt::format("noise {:g} adds", radius));
  cells[0].emplace_back("largest curvature, by size");
  for (const auto& [title, runs] : arms) {
    const auto mean = [&](const auto& value) {
      double sum = 0, squares = 0;
      for (const Flatness& run : runs) sum += value(run);
      const auto count = static_cast<double>(runs.size());
      for (const Flatness& run : runs) squares += std::pow(value(run) - sum / count, 2);
      return runs.size() < 2 ? fmt::format("{:.4g}", sum / count)
                             : fmt::format("{:.3g} ±{:.3g}", sum / count, std::sqrt(squares / (count - 1)));
    };
    std::vector<std::string> row = {title, mean([](const Flatness& f) { return f.loss; })};
    for (std::size_t r = 0; r < std::size(kNoiseRadii); ++r)
      row.push_back(mean([&](const Flatness& f) { return f.noise.at(r); }));
    row.push_back(mean([](const Flatness& f) { return std::abs(f.curvature); }));
    cells.push_back(std::move(row));
  }
  return cells_markdown(cells);
}

}  // namespace limbeck::recipes
