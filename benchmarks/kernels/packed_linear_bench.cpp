// Products of SmolLM2-135M with weights that stay: bf16 packed once, and blocks of 8 and 4 bits with x rounded to 8
// bits in the call. 64 rows as in sampling, one as in chat, 231 as for a prompt; and of all-MiniLM-L6-v2, in bf16 and
// 8 bits, for one sentence and for 32. Beside them the bf16 product of LibTorch.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "benchmarks/kernels/pair.h"
#include "kernels/block_linear.h"
#include "kernels/int8_linear.h"
#include "kernels/packed_linear.h"

namespace limbeck::benchmarks {
namespace {

struct Shape {
  const char* name;
  int64_t n, k;
};
constexpr Shape kGateUp{"gate_up", 3072, 576}, kDown{"down", 576, 1536}, kLogits{"logits", 49152, 576};
constexpr Shape kQueriesKeysValues{"qkv", 1152, 384}, kInner{"inner", 1536, 384}, kOuter{"outer", 384, 1536};

using Weight = std::shared_ptr<const kernels::PackedWeight>;

Weight blocks_of(const Shape& shape, kernels::BlockFormat format) {
  const int64_t bytes = kernels::bytes_of_block(format), count = shape.n * kernels::blocks_of_row(shape.k);
  std::vector<std::byte> blocks(static_cast<std::size_t>(count * bytes));
  for (std::size_t i = 0; i < blocks.size(); ++i) blocks[i] = static_cast<std::byte>(i * 2654435761u >> 13);
  const uint16_t scale = 0x1c00;  // 2^-8 in half precision
  for (int64_t b = 0; b < count; ++b) std::memcpy(blocks.data() + b * bytes, &scale, 2);
  return kernels::pack_blocks(blocks.data(), shape.n, shape.k, format);
}

Weight bf16_of(const Shape& shape) {
  return kernels::PackedWeight::pack(fp32(normal({shape.n, shape.k})), shape.n, shape.k, kernels::Format::kBf16);
}

Weight int8_of(const Shape& shape) {
  std::vector<int8_t> integers(static_cast<std::size_t>(shape.n * shape.k));
  for (std::size_t i = 0; i < integers.size(); ++i)
    integers[i] = static_cast<int8_t>(static_cast<int>((i * 2654435761u >> 13) % 255) - 127);
  const std::vector<float> scales(static_cast<std::size_t>(shape.n), 0.004f);
  return kernels::pack_int8(integers.data(), scales.data(), shape.n, shape.k);
}

Setup product(const Shape& shape, int64_t rows, double bytes, const std::function<Weight()>& make) {
  return [=] {
    auto weights = std::make_shared<Rotation<Weight>>(bytes, make);
    return [=, x = normal({rows, shape.k}, at::kBFloat16), y = at::empty({rows, shape.n}, at::kBFloat16)] {
      weights->next()->multiply(static_cast<const kernels::BFloat16*>(x.const_data_ptr()), rows,
                                static_cast<kernels::BFloat16*>(y.mutable_data_ptr()));
    };
  };
}

Setup aten(const Shape& shape, int64_t rows) {
  return [=] {
    auto weights = std::make_shared<Rotation<at::Tensor>>(2.0 * static_cast<double>(shape.n * shape.k), [=] {
      return normal({shape.n, shape.k}, at::kBFloat16);
    });
    return [=, x = normal({rows, shape.k}, at::kBFloat16)] { at::linear(x, weights->next()); };
  };
}

struct Products {
  std::vector<Pair> pairs;

  Products() {
    for (const Shape& shape : {kGateUp, kDown, kLogits})
      for (const int64_t rows : {1, 64, 231}) {
        if (shape.n == kLogits.n && rows == 231) continue;  // logits are asked for after a prompt's last token only
        add(shape, rows, "bf16", 2, Arithmetic::kBf16, [=] { return bf16_of(shape); });
        add(shape, rows, "q8_0", 34.0 / 32, Arithmetic::kInt8,
            [=] { return blocks_of(shape, kernels::BlockFormat::kQ8_0); });
        add(shape, rows, "q4_0", 18.0 / 32, Arithmetic::kInt8,
            [=] { return blocks_of(shape, kernels::BlockFormat::kQ4_0); });
      }
    for (const Shape& shape : {kQueriesKeysValues, kInner, kOuter})
      for (const int64_t rows : {22, 704}) {
        add(shape, rows, "bf16", 2, Arithmetic::kBf16, [=] { return bf16_of(shape); });
        add(shape, rows, "q8_0", 34.0 / 32, Arithmetic::kInt8,
            [=] { return blocks_of(shape, kernels::BlockFormat::kQ8_0); });
        add(shape, rows, "int8", 1, Arithmetic::kInt8, [=] { return int8_of(shape); });
      }
  }

  void add(const Shape& shape, int64_t rows, const char* format, double bytes_each, Arithmetic arithmetic,
           const std::function<Weight()>& make) {
    const double weights = static_cast<double>(shape.n) * static_cast<double>(shape.k), bytes = weights * bytes_each;
    const Work work{.operations = 2 * weights * static_cast<double>(rows),
                    .arithmetic = arithmetic,
                    .bytes_read = bytes + 2.0 * static_cast<double>(rows * shape.k),
                    .bytes_written = 2.0 * static_cast<double>(rows * shape.n)};
    const std::string name = "product/" + std::to_string(rows) + " x " + std::to_string(shape.k) + " x " +
                             std::to_string(shape.n) + " " + format;
    pairs.emplace_back(name, work, product(shape, rows, bytes, make), aten(shape, rows));
  }
};

const Products kProducts;

}  // namespace
}  // namespace limbeck::benchmarks
