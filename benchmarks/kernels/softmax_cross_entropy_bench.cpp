// Loss and gradient of 512 rows of logits over the vocabulary of SmolLM2, rows shared by threads as objectives/ does.
#include "kernels/softmax_cross_entropy.h"

#include <ATen/Parallel.h>

#include <memory>

#include "benchmarks/kernels/pair.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kRows = 512, kVocabulary = 49152;
constexpr double kNumbers = static_cast<double>(kRows) * kVocabulary;

struct Logits {
  explicit Logits(at::ScalarType type)
      : rows(normal({kRows, kVocabulary}, type)), targets(at::randint(kVocabulary, {kRows}, at::kLong)) {}
  at::Tensor rows, targets, loss;
};

// Rows become their gradient; the next call takes that as logits, which costs the same.
Body ours(at::ScalarType type) {
  return [logits = std::make_shared<Logits>(type), type] {
    const int64_t* targets = logits->targets.const_data_ptr<int64_t>();
    at::parallel_for(0, kRows, 1, [&](int64_t begin, int64_t end) {
      std::vector<float> scratch(kVocabulary);
      for (int64_t row = begin; row < end; ++row) {
        if (type == at::kBFloat16) {
          auto* bits = static_cast<uint16_t*>(logits->rows.data_ptr()) + row * kVocabulary;
          kernels::softmax_cross_entropy_bf16({bits, kVocabulary}, targets[row], 1.0f, scratch);
        } else {
          kernels::softmax_cross_entropy({fp32(logits->rows) + row * kVocabulary, kVocabulary}, targets[row], 1.0f);
        }
      }
    });
  };
}

Body composed(at::ScalarType type) {
  auto logits = std::make_shared<Logits>(type);
  logits->rows.requires_grad_();
  return [logits] {
    logits->rows.mutable_grad() = at::Tensor();
    at::cross_entropy_loss(logits->rows.to(at::kFloat), logits->targets, {}, at::Reduction::Sum).backward();
  };
}

const Pair kFp32(
    "softmax_cross_entropy/512x49152 fp32", {.bytes_read = kNumbers * 4, .bytes_written = kNumbers * 4},
    [] { return ours(at::kFloat); }, [] { return composed(at::kFloat); });
const Pair kBf16(
    "softmax_cross_entropy/512x49152 bf16", {.bytes_read = kNumbers * 2, .bytes_written = kNumbers * 2},
    [] { return ours(at::kBFloat16); }, [] { return composed(at::kBFloat16); });

}  // namespace
}  // namespace limbeck::benchmarks
