// A token and its log-probability for each of 64 rows of logits over the vocabulary of SmolLM2, rows shared by threads
// as generate/sampler.cpp does.
#include "kernels/sampling.h"

#include <ATen/Parallel.h>

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 64, kVocabulary = 49152;
constexpr double kNumbers = static_cast<double>(kRows) * kVocabulary;
constexpr double kTemperature = 0.8, kTopP = 0.95;

// Logits with the spread that a language model's have: a few large ones far above the rest.
at::Tensor logits() {
  const at::Tensor rows = normal({kRows, kVocabulary});
  return rows * 2 + at::relu(rows - 3) * 8;
}

const Work kWork{.bytes_read = kNumbers * 4};

Body ours(const kernels::SamplingRule& rule) {
  auto all = std::make_shared<Rotation<at::Tensor>>(kNumbers * 4, logits);
  return [all, rule] {
    float* rows = fp32(all->next());
    at::parallel_for(0, kRows, 1, [&](int64_t begin, int64_t end) {
      for (int64_t row = begin; row < end; ++row)
        kernels::draw(rows + row * kVocabulary, kVocabulary, rule, {}, (static_cast<double>(row) + 0.5) / kRows);
    });
  };
}

at::Tensor token_of(const at::Tensor& probs, const at::Tensor& logits) {
  const at::Tensor token = at::multinomial(probs, 1);
  return at::log_softmax(logits, -1).gather(1, token);
}

const Pair kPlain(
    "sampling/64x49152, temperature 0.8", kWork, [] { return ours({.temperature = kTemperature}); },
    [] {
      auto all = std::make_shared<Rotation<at::Tensor>>(kNumbers * 4, logits);
      return [all] {
        const at::Tensor& rows = all->next();
        token_of(at::softmax(rows / kTemperature, -1), rows);
      };
    });

const Pair kNucleus(
    "sampling/64x49152, temperature 0.8, top_p 0.95", kWork,
    [] { return ours({.temperature = kTemperature, .top_p = kTopP}); },
    [] {
      auto all = std::make_shared<Rotation<at::Tensor>>(kNumbers * 4, logits);
      return [all] {  // as the logits processor of Transformers writes it
        const at::Tensor& rows = all->next();
        const at::Tensor scaled = rows / kTemperature;
        const auto [sorted, order] = at::sort(scaled, -1, false);
        const at::Tensor removed = at::softmax(sorted, -1).cumsum(-1) <= 1 - kTopP;
        const at::Tensor masked = scaled.masked_fill(removed.scatter(1, order, removed), -INFINITY);
        token_of(at::softmax(masked, -1), rows);
      };
    });

}  // namespace
}  // namespace limbeck::benchmarks
