// The product with the output weight of SmolLM2 (49152 x 576, bf16 packed once): 64 rows as in sampling, and one as in
// chat.
#include <memory>
#include <string>

#include "benchmarks/kernels/pair.h"
#include "kernels/packed_linear.h"

namespace limbeck::benchmarks {
namespace {

constexpr int64_t kVocabulary = 49152, kWidth = 576;

Pair logits(int64_t rows) {
  const double weights = static_cast<double>(kVocabulary) * kWidth;
  const Work work{.operations = 2 * weights * rows,
                  .arithmetic = Arithmetic::kBf16,
                  .bytes_read = weights * 2 + rows * kWidth * 4.0,
                  .bytes_written = static_cast<double>(rows) * kVocabulary * 4};
  return {"logits/" + std::to_string(rows) + " x 576 x 49152 bf16", work,
          [rows] {
            const at::Tensor weight = normal({kVocabulary, kWidth});
            auto packed = kernels::PackedWeight::pack(fp32(weight), kVocabulary, kWidth, kernels::Format::kBf16);
            return [packed, rows, x = normal({rows, kWidth}), y = at::empty({rows, kVocabulary})] {
              packed->multiply(fp32(x), rows, fp32(y));
            };
          },
          [rows] {
            return [weight = normal({kVocabulary, kWidth}, at::kBFloat16), x = normal({rows, kWidth})] {
              at::linear(x.to(at::kBFloat16), weight).to(at::kFloat);
            };
          }};
}

const Pair kMany = logits(64), kOne = logits(1);

}  // namespace
}  // namespace limbeck::benchmarks
