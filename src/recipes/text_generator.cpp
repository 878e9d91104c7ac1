#include "recipes/text_generator.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <limits>
#include <utility>

#include "base/errors.h"
#include "recipes/masked_lm.h"
#include "tensor/product.h"

namespace limbeck::recipes {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// soft [M,V], words [M], table [V,E] -> the words' rows [M,E]; backward as if it were soft · table.
class StraightThrough : public torch::autograd::Function<StraightThrough> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor&, const at::Tensor& words,
                            const at::Tensor& table) {
    context->save_for_backward({table});
    return table.index_select(0, words);
  }
  static variable_list backward(AutogradContext* context, variable_list outer) {
    return {times_transposed(outer[0].contiguous(), context->get_saved_variables()[0]), {}, {}};
  }
};

// What each hidden place draws by: its example and its place there.
std::vector<Seed> seeds_of_rows(const data::Batch& batch, const at::Tensor& rows, Seed seed) {
  std::vector<Seed> seeds;
  const int64_t* row = rows.const_data_ptr<int64_t>();
  std::size_t example = 0;
  const auto end_of = [&](std::size_t i) { return batch.offsets[static_cast<std::size_t>(batch.firsts[i + 1])]; };
  for (int64_t r = 0; r < rows.numel(); ++r) {
    while (row[r] >= end_of(example)) ++example;
    const int64_t begin = batch.offsets[static_cast<std::size_t>(batch.firsts[example])];
    seeds.push_back(
        seed.derive(static_cast<uint64_t>(batch.indices[example])).derive(static_cast<uint64_t>(row[r] - begin)));
  }
  return seeds;
}

at::Tensor written_words(const text::Tokenizer& tokenizer, int64_t vocabulary) {
  const at::Tensor allowed = at::full({vocabulary}, -std::numeric_limits<float>::infinity(), at::kFloat);
  float* of = allowed.mutable_data_ptr<float>();
  for (int64_t i = 0; i < std::min(vocabulary, tokenizer.vocab_size()); ++i) {
    const auto id = static_cast<int32_t>(i);
    if (!tokenizer.is_special(id) && !tokenizer.token_bytes(id).empty()) of[i] = 0;
  }
  return allowed;
}

}  // namespace

TextGenerator::TextGenerator(std::shared_ptr<models::Encoder> encoder, const text::Tokenizer& tokenizer,
                             double mask_share, double temperature)
    : encoder_(std::move(encoder)),
      masker_(tokenizer, {.rate = mask_share, .mask_share = 1, .random_share = 0}),
      temperature_(temperature),
      allowed_(written_words(tokenizer, encoder_->config().vocab_size)) {
  if (!(temperature > 0)) fail("text_generator", "expected a temperature above 0 but received {}", temperature);
}

WrittenText TextGenerator::write(const data::Batch& batch, const std::vector<data::Example>& examples, Seed seed) {
  const data::MaskedBatch masked = data::StepMasks(masker_, examples, batch.indices, seed.derive("masks")).of(batch);
  if (masked.rows.numel() == 0) return {.ids = masked.ids, .rows = masked.rows};
  const auto output = masked_pass(*encoder_, batch, masked, seed.derive("dropout").value());
  const at::Tensor z = encoder_->logits(output, batch.offsets, masked.rows) + allowed_;
  const at::Tensor noisy = z + gumbel_noise(seeds_of_rows(batch, masked.rows, seed.derive("words")), z.size(1));
  WrittenText text{.ids = masked.ids.index_copy(0, masked.rows, noisy.detach().argmax(1)), .rows = masked.rows};
  if (at::GradMode::is_enabled()) text.soft = at::softmax(noisy / temperature_, 1);
  return text;
}

at::Tensor written_embeddings(const WrittenText& text, const at::Tensor& table) {
  const at::Tensor fixed = table.detach(), whole = fixed.index_select(0, text.ids);
  if (!text.soft.defined()) return whole;
  const at::Tensor words = text.ids.index_select(0, text.rows);
  return whole.index_copy(0, text.rows, StraightThrough::apply(text.soft, words, fixed));
}

at::Tensor gumbel_noise(const std::vector<Seed>& rows, int64_t width) {
  const at::Tensor uniform = at::empty({static_cast<int64_t>(rows.size()), width}, at::kFloat);
  float* to = uniform.mutable_data_ptr<float>();
  at::parallel_for(0, static_cast<int64_t>(rows.size()), 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      Random random(rows[static_cast<std::size_t>(r)]);
      float* row = to + r * width;
      // 23 bits and a half: never 0 or 1, so that both logarithms are finite.
      for (int64_t c = 0; c < width; ++c) row[c] = (static_cast<float>(random() >> 41) + 0.5f) * 0x1p-23f;
    }
  });
  return uniform.log_().neg_().log_().neg_();
}

}  // namespace limbeck::recipes
