#include "models/distilbert.h"

#include "models/config.h"  // read_activation
#include "models/encoder_config.h"

namespace limbeck::models {
namespace {

void read_distilbert(const ConfigReader& r, EncoderConfig& c) {
  c.hidden_size = c.embedding_size = r.integer("dim");
  c.intermediate_size = r.integer("hidden_dim");
  c.num_hidden_layers = r.integer("n_layers");
  c.num_attention_heads = r.integer("n_heads");
  c.type_vocab_size = 0;
  c.max_position_embeddings = r.integer("max_position_embeddings", 512);
  c.sinusoidal_positions = r.boolean("sinusoidal_pos_embds", false);
  c.activation = read_activation(r, "activation", "gelu");
  c.layer_norm_eps = 1e-12;
  c.hidden_dropout = read_rate(r, "dropout", 0.1);
  c.attention_dropout = read_rate(r, "attention_dropout", 0.1);
  c.classifier_dropout = read_rate(r, "seq_classif_dropout", 0.2);
}

void write_distilbert(const EncoderConfig& c, Json& json) {
  put(json, "dim", c.hidden_size);
  put(json, "hidden_dim", c.intermediate_size);
  put(json, "n_layers", c.num_hidden_layers);
  put(json, "n_heads", c.num_attention_heads);
  put(json, "max_position_embeddings", c.max_position_embeddings);
  put(json, "sinusoidal_pos_embds", c.sinusoidal_positions);
  put_activation(json, "activation", c.activation);
  put(json, "dropout", c.hidden_dropout);
  put(json, "attention_dropout", c.attention_dropout);
  put(json, "seq_classif_dropout", c.classifier_dropout);
}

OutputsLayout distilbert_outputs(const EncoderConfig& c, HeadKind kind) {
  switch (kind) {
    case HeadKind::kClassification:
    case HeadKind::kChoice:
      return {.dense = "pre_classifier",
              .activation = nn::Activation::kRelu,
              .dropout_out = c.classifier_dropout,
              .out = "classifier"};
    case HeadKind::kTokens:
      return {.dropout_out = c.hidden_dropout, .out = "classifier"};
    case HeadKind::kSpan:
      return {.dropout_out = read_rate(ConfigReader(c.original, "distilbert"), "qa_dropout", 0.1), .out = "qa_outputs"};
    default:
      return {};
  }
}

MaskedLmLayout distilbert_masked_lm(const EncoderConfig& c) {
  return {
      .dense = "vocab_transform", .norm = "vocab_layer_norm", .output = "vocab_projector", .activation = c.activation};
}

}  // namespace

EncoderArchitecture distilbert() {
  return {.model_type = "distilbert",
          .class_stem = "DistilBert",
          .body = "distilbert",
          .about = "DistilBERT",
          .names = {.blocks = "transformer.layer.",
                    .inside_block = "",
                    .query = "attention.q_lin",
                    .key = "attention.k_lin",
                    .value = "attention.v_lin",
                    .attention_out = "attention.out_lin",
                    .attention_norm = "sa_layer_norm",
                    .in = "ffn.lin1",
                    .out = "ffn.lin2",
                    .norm = "output_layer_norm"},
          .read = &read_distilbert,
          .write = &write_distilbert,
          .outputs = &distilbert_outputs,
          .masked_lm = &distilbert_masked_lm,
          .left_out = {"vocab_projector.weight"}};
}

}  // namespace limbeck::models
