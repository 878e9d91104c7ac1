#include "models/encoder_body.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>  // std::sqrt

#include "base/errors.h"
#include "base/profile.h"
#include "formats/int8_weights.h"
#include "nn/dropout.h"
#include "nn/packed_attention.h"

namespace limbeck::models {
namespace {

// Places that dropout is drawn for: the embeddings, then two a block.
uint64_t place_after_attention(int64_t layer) {
  return 1 + 2 * static_cast<uint64_t>(layer);
}
uint64_t place_after_mlp(int64_t layer) {
  return 2 + 2 * static_cast<uint64_t>(layer);
}

// What a row draws its dropout by: the text it is in and its place there.
at::Tensor keys_of_rows(const at::Tensor& ids, const at::Tensor& positions) {
  const at::Tensor places = positions.contiguous();
  const int64_t n = places.size(0);
  const int64_t* place = places.const_data_ptr<int64_t>();
  std::vector<int64_t> offsets;
  for (int64_t t = 0; t < n; ++t)
    if (place[t] == 0) offsets.push_back(t);
  offsets.push_back(n);
  const std::vector<uint64_t> texts = keys_of_texts(ids, offsets);
  at::Tensor keys = at::empty({n}, at::kLong);
  int64_t* key = keys.mutable_data_ptr<int64_t>();
  for (std::size_t i = 0; i < texts.size(); ++i)
    for (int64_t t = offsets[i]; t < offsets[i + 1]; ++t)
      key[t] = static_cast<int64_t>(texts[i] + static_cast<uint64_t>(place[t] + 1) * 0x9e3779b97f4a7c15);
  return keys;
}

}  // namespace

std::vector<uint64_t> keys_of_texts(const at::Tensor& ids, const std::vector<int64_t>& offsets) {
  const at::Tensor tokens = ids.contiguous();
  const int64_t* id = tokens.const_data_ptr<int64_t>();
  std::vector<uint64_t> keys;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    uint64_t key = 0xcbf29ce484222325;  // FNV-1a over the ids
    for (int64_t t = offsets[i]; t < offsets[i + 1]; ++t) key = (key ^ static_cast<uint64_t>(id[t])) * 0x100000001b3;
    keys.push_back(key);
  }
  return keys;
}

at::Tensor RowDropout::operator()(const at::Tensor& x, uint64_t place, double rate) const {
  return keys.defined() ? nn::dropout(x, keys, Seed(salt).derive(place).value(), rate) : x;
}

int64_t num_blocks(const EncoderConfig& c) {
  return c.num_hidden_groups > 0 ? c.num_hidden_groups : c.num_hidden_layers;
}

bool has_projection(const EncoderConfig& c, const EncoderNames& names) {
  return !names.projection.empty() && (names.projection_between_equal_widths || c.embedding_size != c.hidden_size);
}

int64_t block_of_layer(const EncoderConfig& c, int64_t layer) {
  if (c.num_hidden_groups <= 0) return layer;
  const double layers_a_group = static_cast<double>(c.num_hidden_layers) / static_cast<double>(c.num_hidden_groups);
  return static_cast<int64_t>(static_cast<double>(layer) / layers_a_group);
}

EncoderBlock::EncoderBlock(const EncoderConfig& c, const EncoderNames& names)
    : names_(names),
      heads_({.queries = c.num_attention_heads,
              .keys = c.num_attention_heads,
              .head_dim = c.hidden_size / c.num_attention_heads}),
      dropout_(c.hidden_dropout),
      qkv_({.in = c.hidden_size,
            .bias = true,
            .parts = {{names.query, c.hidden_size}, {names.key, c.hidden_size}, {names.value, c.hidden_size}}}),
      out_({.in = c.hidden_size, .out = c.hidden_size, .bias = true}),
      attention_norm_(c.hidden_size, c.layer_norm_eps),
      norm_(c.hidden_size, c.layer_norm_eps),
      mlp_({.width = c.hidden_size,
            .inner = c.intermediate_size,
            .activation = c.activation,
            .in_name = names.in,
            .out_name = names.out}) {}

at::Tensor EncoderBlock::forward(const at::Tensor& x, int64_t layer, nn::AttentionPlan& plan, const RowDropout& dropout,
                                 std::vector<AttentionParts>* attention) {
  const nn::Heads heads = nn::split_heads(qkv_.forward(x), heads_);
  if (attention) attention->push_back({heads.q, heads.k, heads.v});
  const nn::AttentionOptions options{.scale = 1 / std::sqrt(static_cast<double>(heads_.head_dim)), .window = {}};
  const at::Tensor mixed = plan.attend(layer, heads.q, heads.k, heads.v, options);
  const at::Tensor written = out_.forward(mixed.reshape({mixed.size(0), -1}));
  const at::Tensor attended =
      attention_norm_.add_forward(x, dropout(written, place_after_attention(layer), dropout_)).second;
  return norm_.add_forward(attended, dropout(mlp_.forward(attended), place_after_mlp(layer), dropout_)).second;
}

nn::FrozenBlock EncoderBlock::take_frozen(const nn::Packing& pack) {
  nn::FrozenBlock block;
  block.queries_keys_values = nn::take_product(qkv_, pack);
  block.attention_out = nn::take_product(out_, pack);
  nn::FrozenProduct* products[] = {&block.in, &block.out};
  std::size_t i = 0;
  mlp_.each_product([&](nn::Linear& linear) { *products[i++] = nn::take_product(linear, pack); });
  const auto take = [](nn::LayerNorm& norm, at::Tensor& weight, at::Tensor& bias) {
    nn::Parameters p;
    norm.parameters(p);
    weight = p.list()[0].tensor->detach();
    bias = p.list()[1].tensor->detach();
  };
  take(attention_norm_, block.attention_norm_weight, block.attention_norm_bias);
  take(norm_, block.norm_weight, block.norm_bias);
  return block;
}

void EncoderBlock::parameters(nn::Parameters& p) {
  qkv_.parameters(p);
  p.group(names_.attention_out, out_);
  p.group(names_.attention_norm, attention_norm_);
  mlp_.parameters(p);
  p.group(names_.norm, norm_);
}

EncoderBody::EncoderBody(const EncoderConfig& c, const EncoderNames& names)
    : config_(c),
      names_(names),
      words_(c.vocab_size, c.embedding_size),
      places_(c.max_position_embeddings, c.embedding_size),
      norm_(c.embedding_size, c.layer_norm_eps) {
  if (c.type_vocab_size > 0) types_.emplace(c.type_vocab_size, c.embedding_size);
  if (has_projection(c, names))
    projection_.emplace(nn::Linear::Shape{.in = c.embedding_size, .out = c.hidden_size, .bias = true});
  blocks_.reserve(static_cast<std::size_t>(num_blocks(c)));
  for (int64_t i = 0; i < num_blocks(c); ++i) blocks_.emplace_back(c, names);
}

at::Tensor EncoderBody::embed(const at::Tensor& ids, const at::Tensor& types, const at::Tensor& positions,
                              const EncoderWant& want, const RowDropout& dropout) {
  at::Tensor x = want.embeddings.defined() ? want.embeddings : words_.forward(ids);
  x = x + places_.forward(config_.first_position == 0 ? positions : positions + config_.first_position);
  if (types_) x = x + types_->forward(types.defined() ? types : at::zeros_like(ids));
  x = dropout(norm_.forward(x), 0, config_.hidden_dropout);
  return projection_ ? projection_->forward(x).to(at::kFloat) : x;
}

EncoderOutput EncoderBody::forward(const at::Tensor& ids, const at::Tensor& types, nn::AttentionPlan& plan,
                                   const EncoderWant& want) {
  const Span span("encoder", "model", ids.size(0));
  const at::Tensor positions = plan.positions();
  if (ids.dim() != 1 || ids.scalar_type() != at::kLong || ids.size(0) != positions.size(0))
    fail("encoder", "expected ids [{}] int64, as the plan has positions, but received {} of them", positions.size(0),
         ids.numel());
  if (types.defined() && types.sizes() != ids.sizes())
    fail("encoder", "expected a token type for each of {} ids but received {}", ids.size(0), types.numel());
  const int64_t longest = positions.numel() > 0 ? positions.max().item<int64_t>() + 1 : 0;
  if (longest > config_.context())
    fail("encoder", "expected texts of at most {} tokens but received one of {}", config_.context(), longest);
  EncoderOutput out;
  RowDropout dropout;
  if (want.dropout_salt) dropout = {keys_of_rows(ids, positions), *want.dropout_salt};
  out.keys = dropout.keys;
  at::Tensor x = embed(ids, types, positions, want, dropout);
  if (want.hidden_states) out.hidden_states.push_back(x);
  if (fused_) {
    out.hidden = run_fused(x, plan, want, out);
    return out;
  }
  for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
    EncoderBlock& block = blocks_[static_cast<std::size_t>(block_of_layer(config_, layer))];
    x = block.forward(x, layer, plan, dropout, want.attention ? &out.attention : nullptr);
    if (want.hidden_states) out.hidden_states.push_back(x);
  }
  out.hidden = x;
  return out;
}

at::Tensor EncoderBody::run_fused(const at::Tensor& x, nn::AttentionPlan& plan, const EncoderWant& want,
                                  EncoderOutput& out) {
  const std::vector<int64_t>* documents = nn::whole_documents(plan);
  if (!documents || want.dropout_salt)
    fail(config_.model_type, "expected whole documents without dropout for a frozen model but received another plan");
  std::vector<int64_t> order;
  for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) order.push_back(block_of_layer(config_, layer));
  if (!want.hidden_states && !want.attention) return fused_->forward(x, *documents, order);
  at::Tensor hidden = x;
  for (const int64_t block : order) {
    at::Tensor qkv;
    hidden = want.attention ? fused_->forward(hidden, *documents, block, qkv)
                            : fused_->forward(hidden, *documents, std::vector<int64_t>{block});
    if (want.attention) {
      const nn::Heads heads = nn::split_heads(qkv, {.queries = config_.num_attention_heads,
                                                    .keys = config_.num_attention_heads,
                                                    .head_dim = config_.hidden_size / config_.num_attention_heads});
      out.attention.push_back({heads.q, heads.k, heads.v});
    }
    if (want.hidden_states) out.hidden_states.push_back(hidden);
  }
  return hidden;
}

void EncoderBody::parameters(nn::Parameters& p) {
  if (frozen_) fail(config_.model_type, "expected a trainable model but received one that was frozen");
  p.inside("embeddings", [&] {
    p.group("word_embeddings", words_);
    p.group("position_embeddings", places_);
    if (types_) p.group("token_type_embeddings", *types_);
    p.group("LayerNorm", norm_);
  });
  if (projection_) p.group(names_.projection, *projection_);
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    p.group(fmt::format("{}{}{}", names_.blocks, i, names_.inside_block), blocks_[i]);
}

template <class F>
void EncoderBody::each_product(F&& f) {
  if (projection_) f(*projection_);
  for (EncoderBlock& block : blocks_) block.each_product(f);
}

void EncoderBody::set_precision(Precision precision) {
  if (frozen_) fail(config_.model_type, "expected a trainable model but received one that was frozen");
  each_product([&](auto& product) { product.set_precision(precision); });
}

void EncoderBody::weights_changed() {
  each_product([](auto& product) { product.weights_changed(); });
}

void EncoderBody::freeze(Precision precision, WeightFormat weights) {
  if (frozen_) fail(config_.model_type, "expected a trainable model but received one that was frozen");
  frozen_ = true;
  if (config_.hidden_size / config_.num_attention_heads % 2 == 0) {  // what the kernel of attention takes
    fused_.emplace(nn::FrozenBlocks{.heads = config_.num_attention_heads,
                                    .epsilon = config_.layer_norm_eps,
                                    .activation = config_.activation,
                                    .precision = precision});
    const nn::Packing pack =
        formats::has_int8_weights(config_.original, config_.model_type) && weights == WeightFormat::kAsPrecision
            ? nn::Packing(nn::pack_int8_weight)
            : [&](const at::Tensor& w) { return nn::pack_weight(w, nn::resolved(weights, precision)); };
    for (EncoderBlock& block : blocks_) fused_->blocks.push_back(block.take_frozen(pack));
    if (projection_) projection_->freeze(precision, weights);
  } else {
    each_product([&](auto& product) { product.freeze(precision, weights); });
    for (EncoderBlock& block : blocks_) block.freeze_norms();
  }
  norm_.freeze();
  words_.freeze(precision);
  places_.freeze(precision);
  if (types_) types_->freeze(precision);
}

}  // namespace limbeck::models
