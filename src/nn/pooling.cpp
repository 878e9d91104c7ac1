#include "nn/pooling.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>  // std::sqrt

#include "base/errors.h"

namespace limbeck::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// What the sum of n rows is multiplied by.
float share(int64_t n, Pooling pooling) {
  const auto count = static_cast<double>(n);
  return static_cast<float>(1 / (pooling == Pooling::kMean ? count : std::sqrt(count)));
}

int64_t documents_worth_a_thread(int64_t rows, int64_t documents, int64_t width) {
  return std::max<int64_t>(1, (1 << 15) * documents / std::max<int64_t>(1, rows * width));
}

// f(document, first row, past its last row)
template <class F>
void each_document(const std::vector<int64_t>& offsets, int64_t width, F&& f) {
  const auto documents = static_cast<int64_t>(offsets.size()) - 1;
  at::parallel_for(0, documents, documents_worth_a_thread(offsets.back(), documents, width),
                   [&](int64_t first, int64_t last) {
                     for (int64_t i = first; i < last; ++i) {
                       const auto at = static_cast<std::size_t>(i);
                       f(i, offsets[at], offsets[at + 1]);
                     }
                   });
}

at::Tensor summed(const at::Tensor& rows, const std::vector<int64_t>& offsets, Pooling pooling) {
  const int64_t width = rows.size(1);
  at::Tensor result = at::empty({static_cast<int64_t>(offsets.size()) - 1, width}, rows.options().requires_grad(false));
  const float* from = rows.const_data_ptr<float>();
  float* to = result.mutable_data_ptr<float>();
  each_document(offsets, width, [&](int64_t document, int64_t begin, int64_t end) {
    float* y = to + document * width;
    std::fill(y, y + width, 0.0f);
    for (int64_t t = begin; t < end; ++t)
      for (int64_t c = 0; c < width; ++c) y[c] += from[t * width + c];
    const float scale = share(end - begin, pooling);
    for (int64_t c = 0; c < width; ++c) y[c] *= scale;
  });
  return result;
}

class PooledSum : public torch::autograd::Function<PooledSum> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& rows, const std::vector<int64_t>& offsets,
                            Pooling pooling) {
    context->saved_data["offsets"] = offsets;
    context->saved_data["pooling"] = static_cast<int64_t>(pooling);
    return summed(rows, offsets, pooling);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    const std::vector<int64_t> offsets = context->saved_data["offsets"].toIntVector();
    const auto pooling = static_cast<Pooling>(context->saved_data["pooling"].toInt());
    const at::Tensor dy = outer[0].contiguous();
    const int64_t width = dy.size(1);
    at::Tensor result = at::empty({offsets.back(), width}, dy.options());
    const float* from = dy.const_data_ptr<float>();
    float* to = result.mutable_data_ptr<float>();
    each_document(offsets, width, [&](int64_t document, int64_t begin, int64_t end) {
      const float scale = share(end - begin, pooling);
      for (int64_t t = begin; t < end; ++t)
        for (int64_t c = 0; c < width; ++c) to[t * width + c] = from[document * width + c] * scale;
    });
    return {result, {}, {}};
  }
};

// Which row has the largest number of each column; the first of equal ones.
at::Tensor places_of_largest(const at::Tensor& rows, const std::vector<int64_t>& offsets) {
  const int64_t width = rows.size(1);
  at::Tensor places = at::empty({static_cast<int64_t>(offsets.size()) - 1, width}, at::kLong);
  const float* from = rows.const_data_ptr<float>();
  int64_t* place = places.mutable_data_ptr<int64_t>();
  each_document(offsets, width, [&](int64_t document, int64_t begin, int64_t end) {
    for (int64_t c = 0; c < width; ++c) {
      int64_t best = begin;
      for (int64_t t = begin + 1; t < end; ++t)
        if (from[t * width + c] > from[best * width + c]) best = t;
      place[document * width + c] = best;
    }
  });
  return places;
}

}  // namespace

at::Tensor pool(const at::Tensor& rows, const std::vector<int64_t>& offsets, Pooling pooling) {
  if (rows.dim() != 2 || offsets.size() < 2 || offsets.front() != 0 || offsets.back() != rows.size(0))
    fail("pool", "expected offsets 0, …, {} but received {} of them", rows.dim() == 2 ? rows.size(0) : -1,
         offsets.size());
  std::vector<int64_t> picked;  // of first and last
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    if (offsets[i + 1] <= offsets[i])
      fail("pool", "expected documents of at least one row but received {} after {}", offsets[i + 1], offsets[i]);
    picked.push_back(pooling == Pooling::kLast ? offsets[i + 1] - 1 : offsets[i]);
  }
  if (pooling == Pooling::kFirst || pooling == Pooling::kLast)
    return rows.index_select(0, at::tensor(picked, at::kLong));
  const at::Tensor numbers = rows.to(at::kFloat).contiguous();
  if (pooling == Pooling::kMax) return numbers.gather(0, places_of_largest(numbers.detach(), offsets));
  if (!at::GradMode::is_enabled()) return summed(numbers, offsets, pooling);
  return PooledSum::apply(numbers, offsets, pooling);
}

at::Tensor unit_rows(const at::Tensor& x) {
  return x / x.norm(2, {-1}, true).clamp_min(1e-12);
}

}  // namespace limbeck::nn
