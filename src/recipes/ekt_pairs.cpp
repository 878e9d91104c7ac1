#include "recipes/ekt_pairs.h"

#include <algorithm>
#include <numeric>

#include "base/files.h"
#include "base/json.h"

namespace limbeck::recipes {
namespace {

// 0 … count-1 in an order that the run's seed and `name` decide.
std::vector<std::size_t> random_order(const EktContext& context, std::size_t count, const char* name) {
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  Random random(context.run.seed().derive(name));
  random.shuffle(order);
  return order;
}

}  // namespace

std::vector<TrainingPair> verified_pairs(const EktContext& context,
                                         const std::vector<synthesis::JudgedSample>& samples) {
  std::vector<TrainingPair> pairs;
  for (std::size_t i = 0; i < samples.size(); ++i)
    if (samples[i].kept)
      pairs.push_back({context.train[i / static_cast<std::size_t>(context.options.k)].question, samples[i].program});
  const auto most = static_cast<std::size_t>(context.options.max_pairs);
  if (most == 0 || pairs.size() <= most) return pairs;
  auto chosen = random_order(context, pairs.size(), "max_pairs");
  chosen.resize(most);
  std::sort(chosen.begin(), chosen.end());
  std::vector<TrainingPair> some;
  for (const std::size_t i : chosen) some.push_back(std::move(pairs[i]));
  return some;
}

std::vector<TrainingPair> unverified_pairs(const EktContext& context, std::size_t count) {
  const auto order = random_order(context, context.train.size(), "unfiltered");
  const auto k = static_cast<std::size_t>(context.options.k);
  std::vector<TrainingPair> pairs;
  for (std::size_t i = 0; i < k * order.size() && pairs.size() < count; ++i) {
    const std::size_t problem = order[i % order.size()];
    const std::string& program = context.samples[problem * k + i / order.size()].program;
    if (!context.test_set->overlap(program)) pairs.push_back({context.train[problem].question, program});
  }
  return pairs;
}

void write_pairs(const std::filesystem::path& file, const std::vector<TrainingPair>& pairs) {
  write_file_atomically(file, [&](const Sink& sink) {
    for (const auto& pair : pairs) sink(to_line({{"question", pair.question}, {"program", pair.program}}) + "\n");
  });
}

}  // namespace limbeck::recipes
