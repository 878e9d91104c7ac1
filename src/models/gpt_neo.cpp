#include "models/gpt_neo.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "models/causal_decoder.h"
#include "models/config.h"
#include "nn/layer_norm.h"
#include "nn/mlp.h"
#include "nn/rope.h"  // nn::split_heads

namespace limbeck::models {
namespace {

struct NeoSettings {
  double epsilon = 1e-5;
  nn::Activation activation = nn::Activation::kGeluTanh;
};

NeoSettings neo_settings(const ConfigReader& r) {
  return {.epsilon = r.number("layer_norm_epsilon", 1e-5),
          .activation = read_activation(r, "activation_function", "gelu_new")};
}

class NeoBlock {
 public:
  NeoBlock(const DecoderConfig& c, const NeoSettings& s, int64_t layer)
      : layer_(layer),
        heads_({.queries = c.num_attention_heads, .keys = c.num_attention_heads, .head_dim = c.head_dim}),
        attention_norm_(c.hidden_size, s.epsilon),
        mlp_norm_(c.hidden_size, s.epsilon),
        qkv_({.in = c.hidden_size,
              .parts = {{"q_proj", c.hidden_size}, {"k_proj", c.hidden_size}, {"v_proj", c.hidden_size}}}),
        out_({.in = c.hidden_size, .out = c.hidden_size, .bias = true}),
        mlp_({.width = c.hidden_size,
              .inner = c.intermediate_size,
              .activation = s.activation,
              .in_name = "c_fc",
              .out_name = "c_proj"}),
        options_({.scale = 1, .window = window_of(c, layer)}) {}

  void forward(Stream& stream, const NoTables&, nn::AttentionPlan& plan) {
    const nn::Heads heads = nn::split_heads(qkv_.forward(add_and_norm(attention_norm_, stream)), heads_);
    const at::Tensor mixed = plan.attend(layer_, heads.q, heads.k, heads.v, options_);
    stream.delta = out_.forward(mixed.reshape({mixed.size(0), -1}));
    stream.delta = mlp_.forward(add_and_norm(mlp_norm_, stream));
  }

  void parameters(nn::Parameters& p) {
    p.group("ln_1", attention_norm_);
    p.inside("attn.attention", [&] {
      qkv_.parameters(p);
      p.group("out_proj", out_);
    });
    p.group("ln_2", mlp_norm_);
    p.group("mlp", mlp_);
  }

  template <class F>
  void each_product(F&& f) {
    f(qkv_), f(out_);
    mlp_.each_product(f);
  }
  template <class F>
  void each_norm(F&& f) {
    f(attention_norm_), f(mlp_norm_);
  }

 private:
  int64_t layer_;
  nn::HeadCounts heads_;
  nn::LayerNorm attention_norm_, mlp_norm_;
  nn::JointLinear qkv_;
  nn::Linear out_;
  nn::Mlp mlp_;
  nn::AttentionOptions options_;
};

struct NeoBody {
  NeoBody(const DecoderConfig& c, const NeoSettings& s)
      : config(c),
        embedding(c.vocab_size, c.hidden_size),
        places(c.max_position_embeddings, c.hidden_size),
        norm(c.hidden_size, s.epsilon) {
    blocks.reserve(c.num_hidden_layers);
    for (int64_t layer = 0; layer < c.num_hidden_layers; ++layer) blocks.emplace_back(c, s, layer);
  }

  nn::OutputHead::Shape head() const {
    return {.vocabulary = config.vocab_size, .width = config.hidden_size, .tied = config.tie_word_embeddings};
  }
  at::Tensor embed(const at::Tensor& ids, const at::Tensor& positions) {
    return embedding.forward(ids) + places.forward(positions);
  }
  NoTables tables(const at::Tensor&) const { return {}; }
  void parameters(nn::Parameters& p) {
    p.inside("transformer", [&] {
      p.group("wte", embedding);
      p.group("wpe", places);
      for (std::size_t i = 0; i < blocks.size(); ++i) p.group(fmt::format("h.{}", i), blocks[i]);
      p.group("ln_f", norm);
    });
  }
  template <class F>
  void each_embedding(F&& f) {
    f(embedding), f(places);
  }
  static constexpr std::string_view kHead = "lm_head";

  const DecoderConfig& config;
  nn::Embedding embedding, places;  // of tokens, of positions
  std::vector<NeoBlock> blocks;
  nn::LayerNorm norm;
};

std::shared_ptr<LanguageModel> make_gpt_neo(const DecoderConfig& config) {
  return std::make_shared<CausalDecoder<NeoBody>>(config, neo_settings(ConfigReader(config.original, "gpt_neo")));
}

// attention_types: [[["global","local"],12]] means the two in turn, twelve times.
void read_attention_types(const ConfigReader& r, DecoderConfig& c) {
  const Json absent = Json::array({Json::array({Json::array({"global", "local"}), 12})});
  const Json& types = r.has("attention_types") ? r.at("attention_types") : absent;
  const auto refuse = [&] {
    fail(r.where(),
         "attention_types: expected pairs of a list of global and local and a count, {} layers in all, but "
         "received {}",
         c.num_hidden_layers, ConfigReader::brief(types));
  };
  if (!types.is_array()) refuse();
  for (const Json& item : types) {
    if (!item.is_array() || item.size() != 2 || !item[0].is_array() || !item[1].is_number_integer()) refuse();
    const int64_t count = item[1].get<int64_t>();
    if (count < 0 || count > c.num_hidden_layers) refuse();
    for (int64_t i = 0; i < count; ++i)
      for (const Json& type : item[0]) {
        if (type != "global" && type != "local") refuse();
        c.windowed_layers.push_back(type == "local");
        if (static_cast<int64_t>(c.windowed_layers.size()) > c.num_hidden_layers) refuse();
      }
  }
  if (static_cast<int64_t>(c.windowed_layers.size()) != c.num_hidden_layers) refuse();
}

void read_gpt_neo(const ConfigReader& r, DecoderConfig& c) {
  c.hidden_size = r.integer("hidden_size");
  c.num_hidden_layers = r.integer(r.first_of({"num_layers", "num_hidden_layers"}));
  c.num_attention_heads = c.num_key_value_heads = r.integer(r.first_of({"num_heads", "num_attention_heads"}));
  c.max_position_embeddings = r.integer("max_position_embeddings", 2048);
  c.head_dim = even_head_dim(c, r.where());
  c.intermediate_size = read_inner_size(r, "intermediate_size", c);
  c.tie_word_embeddings = r.boolean("tie_word_embeddings", true);
  check_num_layers(c.num_hidden_layers, r.where());
  c.sliding_window = r.integer("window_size", 256);
  read_attention_types(r, c);
  neo_settings(r);
}

void write_gpt_neo(const DecoderConfig& c, Json& json) {
  put(json, "hidden_size", c.hidden_size);
  put(json, "num_layers", c.num_hidden_layers);
  put(json, "num_heads", c.num_attention_heads);
  put(json, "max_position_embeddings", c.max_position_embeddings);
  put(json, "intermediate_size", c.intermediate_size);
  put(json, "window_size", c.sliding_window.value_or(256));
  put(json, "tie_word_embeddings", c.tie_word_embeddings);
  DecoderConfig before;  // what the list means as it stands
  before.num_hidden_layers = c.num_hidden_layers;
  try {
    read_attention_types(ConfigReader(json, "gpt_neo"), before);
  } catch (const Error&) {  // of the unsliced model
    before.windowed_layers.clear();
  }
  Json layers = Json::array();
  for (const bool windowed : c.windowed_layers) layers.push_back(windowed ? "local" : "global");
  if (before.windowed_layers != c.windowed_layers) json["attention_types"] = Json::array({Json::array({layers, 1})});
  if (json.contains("attention_layers")) put(json, "attention_layers", layers);
}

double count_gpt_neo_weights(const DecoderConfig& c) {
  const double width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const double block = 4 * width * width + width + 2 * width * inner + inner + width + 4 * width;
  return block * static_cast<double>(c.num_hidden_layers) + 2 * width + count_vocabulary_weights(c) +
         static_cast<double>(c.max_position_embeddings) * width;
}

}  // namespace

Architecture gpt_neo() {
  return {.model_type = "gpt_neo",
          .class_name = "GPTNeoForCausalLM",
          .about = "GPT-Neo 125M to 2.7B, TinyStories",
          .blocks = "transformer.h.",
          .make = &make_gpt_neo,
          .read = &read_gpt_neo,
          .write = &write_gpt_neo,
          .count_weights = &count_gpt_neo_weights,
          .buffers = {".attn.attention.bias", ".attn.attention.masked_bias"}};
}

}  // namespace limbeck::models
