// The three products of a linear layer in training, 8 x 256 tokens of SmolLM2-135M: up, its input's gradient, and the
// gradient of its weights added to what is there. Weights are fp32 masters, which the bf16 products round on their way;
// LibTorch reads a bf16 copy, as autocast keeps one, and gives a bf16 gradient that is added to the fp32 one.
#include <memory>

#include "benchmarks/kernels/pair.h"
#include "kernels/matrix_product.h"

namespace limbeck::benchmarks {
namespace {

using kernels::Contracted;

constexpr int64_t kTokens = 2048, kIn = 576, kOut = 3072;
constexpr double kOperations = 2.0 * kTokens * kIn * kOut;

struct Layer {
  explicit Layer(at::ScalarType type)
      : x(normal({kTokens, kIn}, type)), dy(normal({kTokens, kOut}, type)), low(weight.to(type)) {}
  at::Tensor x, dy, weight = normal({kOut, kIn}), low, dweight = normal({kOut, kIn});
  at::Tensor y = at::empty_like(dy), dx = at::empty_like(x);
};

Setup with_layer(at::ScalarType type, const std::function<void(Layer&)>& work) {
  return [type, work] {
    auto layers = std::make_shared<Rotation<Layer>>(40e6, [type] { return Layer(type); });
    return [layers, work] { work(layers->next()); };
  };
}

template <class Number>
kernels::Operand<Number> operand(const at::Tensor& tensor, Contracted contracted) {
  return {static_cast<const Number*>(tensor.const_data_ptr()), tensor.size(1), contracted};
}

template <class Number>
void multiply(const at::Tensor& a, Contracted a_side, const at::Tensor& b, Contracted b_side, at::Tensor& c, bool add) {
  kernels::MatrixProduct<Number> product;
  product.m = c.size(0);
  product.n = c.size(1);
  product.k = a.size(a_side == Contracted::kWithinRows ? 1 : 0);
  product.a = operand<Number>(a, a_side);
  if (b.scalar_type() == a.scalar_type())
    product.b = operand<Number>(b, b_side);
  else
    product.b_wide = operand<float>(b, b_side);
  if (c.scalar_type() == at::kBFloat16)
    product.c_low = bf16(c);
  else
    product.c = c.data_ptr<float>();
  product.c_stride = c.size(1);
  product.add = add;
  kernels::multiply(product);
}

template <class Number>
struct Products {
  Products(const std::string& name, at::ScalarType type, Arithmetic arithmetic)
      : up("matrix_product/2048x576x3072 " + name, {.operations = kOperations, .arithmetic = arithmetic},
           with_layer(type,
                      [](Layer& l) {
                        multiply<Number>(l.x, Contracted::kWithinRows, l.weight, Contracted::kWithinRows, l.y, false);
                      }),
           with_layer(type, [](Layer& l) { at::mm_out(l.y, l.x, l.low.t()); })),
        input("matrix_product/2048x3072x576 input gradient " + name,
              {.operations = kOperations, .arithmetic = arithmetic},
              with_layer(type,
                         [](Layer& l) {
                           multiply<Number>(l.dy, Contracted::kWithinRows, l.weight, Contracted::kAcrossRows, l.dx,
                                            false);
                         }),
              with_layer(type, [](Layer& l) { at::mm_out(l.dx, l.dy, l.low); })),
        weight("matrix_product/3072x2048x576 weight gradient " + name,
               {.operations = kOperations, .arithmetic = arithmetic},
               with_layer(type,
                          [](Layer& l) {
                            multiply<Number>(l.dy, Contracted::kAcrossRows, l.x, Contracted::kAcrossRows, l.dweight,
                                             true);
                          }),
               with_layer(type, [](Layer& l) { l.dweight.add_(at::mm(l.dy.t(), l.x)); })) {}
  Pair up, input, weight;
};

const Products<kernels::BFloat16> kBf16("bf16", at::kBFloat16, Arithmetic::kBf16);
const Products<float> kFp32("fp32", at::kFloat, Arithmetic::kFp32);

}  // namespace
}  // namespace limbeck::benchmarks
