// What the encoders of BERT's family (Devlin et al. 2019, arXiv:1810.04805) are made of: tables of words, places and
// types, a norm, and blocks whose norms stand after the sums. Architectures differ in names, in which parts are there
// and in which are shared; all that is data here.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "models/encoder.h"
#include "nn/embedding.h"
#include "nn/frozen_blocks.h"
#include "nn/layer_norm.h"
#include "nn/linear.h"
#include "nn/mlp.h"
#include "nn/rope.h"  // nn::HeadCounts

namespace limbeck::models {

// What the parameters of a body are called in Transformers, below the body itself ("bert.").
struct EncoderNames {
  std::string_view blocks, inside_block;  // before a block's index, and after it where something follows
  std::string_view query, key, value, attention_out, attention_norm, in, out, norm;  // inside a block
  std::string_view projection = {};  // from the tables to the blocks; empty: none
  bool projection_between_equal_widths = true;
};

// Dropout of rows [N,D]: nothing where there are no keys.
struct RowDropout {
  at::Tensor keys;
  uint64_t salt = 0;
  at::Tensor operator()(const at::Tensor& x, uint64_t place, double rate) const;  // place: of the model, each once
};

// What dropout within a text is drawn by: its ids, so that it loses the same whatever is beside it in the batch.
std::vector<uint64_t> keys_of_texts(const at::Tensor& ids, const std::vector<int64_t>& offsets);

class EncoderBlock {
 public:
  EncoderBlock(const EncoderConfig& config, const EncoderNames& names);
  // x [N,D] fp32, normed -> the same after the block. layer: which pass through a block this is.
  at::Tensor forward(const at::Tensor& x, int64_t layer, nn::AttentionPlan& plan, const RowDropout& dropout,
                     std::vector<AttentionParts>* attention);
  void parameters(nn::Parameters& p);
  template <class F>
  void each_product(F&& f) {
    f(qkv_), f(out_);
    mlp_.each_product(f);
  }
  void freeze_norms() { attention_norm_.freeze(), norm_.freeze(); }
  // What it is once frozen; it has no weights of its own afterwards.
  nn::FrozenBlock take_frozen(const nn::Packing& pack);

 private:
  const EncoderNames& names_;
  nn::HeadCounts heads_;
  double dropout_;
  nn::JointLinear qkv_;
  nn::Linear out_;
  nn::LayerNorm attention_norm_, norm_;
  nn::Mlp mlp_;
};

class EncoderBody {
 public:
  // Config and names outlive the body. Weights are uninitialised.
  EncoderBody(const EncoderConfig& config, const EncoderNames& names);
  EncoderOutput forward(const at::Tensor& ids, const at::Tensor& types, nn::AttentionPlan& plan,
                        const EncoderWant& want);
  void parameters(nn::Parameters& p);
  nn::Embedding& words() { return words_; }
  void set_precision(Precision precision);
  void weights_changed();
  void freeze(Precision precision, WeightFormat weights);
  bool is_frozen() const { return frozen_; }

 private:
  at::Tensor embed(const at::Tensor& ids, const at::Tensor& types, const at::Tensor& positions, const EncoderWant& want,
                   const RowDropout& dropout);
  at::Tensor run_fused(const at::Tensor& x, nn::AttentionPlan& plan, const EncoderWant& want, EncoderOutput& out);
  template <class F>
  void each_product(F&& f);

  const EncoderConfig& config_;
  const EncoderNames& names_;
  nn::Embedding words_, places_;
  std::optional<nn::Embedding> types_;
  nn::LayerNorm norm_;
  std::optional<nn::Linear> projection_;
  std::vector<EncoderBlock> blocks_;
  std::optional<nn::FrozenBlocks> fused_;  // instead of the blocks, once frozen
  bool frozen_ = false;
};

// Which of the blocks that have weights of their own a pass goes through: int(layer / (layers / groups)), as ALBERT
// has it.
int64_t block_of_layer(const EncoderConfig& config, int64_t layer);
int64_t num_blocks(const EncoderConfig& config);
bool has_projection(const EncoderConfig& config, const EncoderNames& names);

}  // namespace limbeck::models
