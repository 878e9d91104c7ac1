// An encoder (BERT and its kin) behind one interface, the head that a task puts on it, and the folder both come from.
// As with decoders a batch is a ragged run of tokens; who sees whom is the plan's matter (nn::packed_full).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/seeds.h"
#include "nn/activation.h"
#include "nn/attention_plan.h"
#include "nn/parameters.h"
#include "tensor/device.h"
#include "tensor/weight_format.h"
#include "text/tokenizer.h"

namespace limbeck::models {

// What encoders have, under the names of BERT's config.json where it has one.
struct EncoderConfig {
  std::string model_type = "bert";  // a row of models/encoder_catalog.h
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_hidden_layers = 0, num_attention_heads = 0;
  int64_t embedding_size = 0;   // of the tables; where it is not hidden_size a product leads from one to the other
  int64_t type_vocab_size = 2;  // 0: no token types (DistilBERT)
  int64_t max_position_embeddings = 512, first_position = 0;  // RoBERTa's positions begin at pad_token_id + 1
  int64_t num_hidden_groups = 0;      // blocks that weights are shared by (ALBERT: 1); 0: every block has its own
  bool sinusoidal_positions = false;  // a fixed table (DistilBERT's config)
  nn::Activation activation = nn::Activation::kGelu;
  double layer_norm_eps = 1e-12, initializer_range = 0.02;
  double hidden_dropout = 0.1, attention_dropout = 0.1, classifier_dropout = 0.1;
  std::optional<int64_t> pad_token_id;
  Json original;  // the whole config.json, so that saving loses nothing

  int64_t context() const { return max_position_embeddings - first_position; }  // the longest text, in tokens
};

// What a caller wants beside the last hidden state.
struct EncoderWant {
  bool hidden_states = false;            // L+1 of [N,D]: after the embeddings and each block
  bool attention = false;                // queries, keys and values of each block
  std::optional<uint64_t> dropout_salt;  // dropout with masks drawn by (salt, place); none: without dropout
  at::Tensor embeddings;                 // [N,E] fp32 in the place of the word embeddings of ids (mixing, noise)
};

// What attention in one block is made of: [N,H,E] each; scores are q·k / √E.
struct AttentionParts {
  at::Tensor q, k, v;
};

struct EncoderOutput {
  at::Tensor hidden;                      // [N,D] fp32, after the last block
  std::vector<at::Tensor> hidden_states;  // when asked for
  std::vector<AttentionParts> attention;  // when asked for
  at::Tensor keys;                        // [N] int64: what rows draw their dropout by; undefined without dropout
};

// What is put on top. A head's parameters are named as Transformers names those of the family.
enum class HeadKind {
  kNone,            // [documents, D]: what the family's pooler gives, if it has one; mostly hidden states are wanted
  kClassification,  // [documents, outputs]: classes, or scores of a regression
  kChoice,          // [documents, 1]: one score a choice; the choices of an example are compared
  kTokens,          // [N, outputs]
  kSpan,            // [N, 2]: begin and end of an answer
  kMaskedLm,        // [M, V] of the rows asked for
};

struct Head {
  HeadKind kind = HeadKind::kNone;
  int64_t outputs = 0;
  std::vector<std::string> labels;  // of classes, by output; empty for a regression
};

class Encoder {
 public:
  virtual ~Encoder() = default;
  virtual const EncoderConfig& config() const = 0;
  virtual const Head& head() const = 0;

  // ids [N] int64; types [N] int64 or undefined (all 0).
  virtual EncoderOutput forward(const at::Tensor& ids, const at::Tensor& types, nn::AttentionPlan& plan,
                                const EncoderWant& want = {}) = 0;
  // The head over a forward pass, fp32. offsets: of documents, as the plan has them; rows [M] int64: which tokens, for
  // kMaskedLm (undefined: all). The dropout before the head is drawn by dropout_salt.
  virtual at::Tensor logits(const EncoderOutput& output, const std::vector<int64_t>& offsets,
                            const at::Tensor& rows = {}, std::optional<uint64_t> dropout_salt = {}) = 0;
  // The vocabulary product of kMaskedLm in its parts, for losses in chunks: transformed rows [M,E], weight [V,E],
  // bias [V].
  virtual at::Tensor masked_lm_hidden(const at::Tensor& hidden) = 0;
  virtual at::Tensor output_weight() = 0;
  virtual at::Tensor low_output_weight() = 0;  // as LanguageModel has it; mostly undefined
  virtual at::Tensor output_bias() = 0;
  virtual at::Tensor& word_embeddings() = 0;  // [V,E]

  virtual void parameters(nn::Parameters& p) = 0;  // body and head, tied tensors once
  virtual void set_precision(Precision precision) = 0;
  virtual void weights_changed() = 0;
  virtual void freeze(Precision precision, WeightFormat weights = WeightFormat::kAsPrecision) = 0;
};

// The plan of a pass over these documents, with the attention dropout of the config where there is a salt. With the ids
// [N] a text loses the same attention whatever is beside it in the batch.
std::unique_ptr<nn::AttentionPlan> plan_for(const EncoderConfig& config, std::vector<int64_t> offsets,
                                            std::optional<uint64_t> dropout_salt = {}, const at::Tensor& ids = {});

std::shared_ptr<Encoder> make_encoder(const EncoderConfig& config, const Head& head);             // uninitialised
std::shared_ptr<Encoder> make_encoder(const EncoderConfig& config, const Head& head, Seed seed);  // fresh weights
// The same body with another head, fresh where the family has one of its own to train.
std::shared_ptr<Encoder> with_head(Encoder& encoder, const Head& head, Seed seed);
// A model of some blocks of another (0-based, ascending), embeddings, pooler and head copied bit for bit.
std::shared_ptr<Encoder> keep_layers(Encoder& encoder, const std::vector<int64_t>& layers);

EncoderConfig read_encoder_config(const Json& config_json, const std::string& where);
Head read_head(const Json& config_json, const std::string& where);  // by its architectures and id2label
bool is_encoder(const std::filesystem::path& folder);               // by the model_type of its config.json

struct PretrainedEncoder {
  std::shared_ptr<Encoder> model;
  std::shared_ptr<const text::Tokenizer> tokenizer;
};

// A Hugging Face folder, fp32 weights. `head`: none: the one that the folder's files have; else this one, whose weights
// are read where the files have it with as many outputs, and fresh by the seed otherwise (`fresh_head` says which).
struct LoadedEncoder : PretrainedEncoder {
  bool fresh_head = false;
};
LoadedEncoder load_encoder(const std::filesystem::path& folder, const std::optional<Head>& head = {},
                           Seed seed = Seed(0));
// config.json (with id2label, label2id, problem_type), model.safetensors, tokenizer files; atomically. Opens in
// Transformers with equal predictions. `more` may write further files into the folder that it is given.
void save_encoder(const std::filesystem::path& folder, Encoder& encoder, const text::Tokenizer& tokenizer,
                  Precision stored = Precision::kFp32,
                  const std::function<void(const std::filesystem::path& inside)>& more = {});

}  // namespace limbeck::models
