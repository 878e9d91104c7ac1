#include "models/albert.h"

#include "base/errors.h"
#include "models/encoder_config.h"

namespace limbeck::models {
namespace {

constexpr BertDefaults kAlbertDefaults = {.activation = "gelu_new",
                                          .dropout = 0,
                                          .classifier_dropout = "classifier_dropout_prob",
                                          .absent_classifier_dropout = 0.1};

void read_albert(const ConfigReader& r, EncoderConfig& c) {
  read_bert_config(r, c, kAlbertDefaults);
  c.embedding_size = r.integer("embedding_size", 128);
  c.num_hidden_groups = r.integer("num_hidden_groups", 1);
  if (c.num_hidden_groups < 1)
    fail(r.where(), "num_hidden_groups: expected at least 1 but received {}", c.num_hidden_groups);
  r.refuse("inner_group_num", 1);
}

void write_albert(const EncoderConfig& c, Json& json) {
  write_bert_config(c, json, kAlbertDefaults);
  put(json, "embedding_size", c.embedding_size);
  put(json, "num_hidden_groups", c.num_hidden_groups);
}

OutputsLayout albert_outputs(const EncoderConfig& c, HeadKind kind) {
  switch (kind) {
    case HeadKind::kClassification:
    case HeadKind::kChoice:
      return {.dense = "albert.pooler", .dropout_out = c.classifier_dropout, .out = "classifier"};
    case HeadKind::kTokens:
      return {.dropout_out = c.classifier_dropout, .out = "classifier"};
    case HeadKind::kSpan:
      return {.out = "qa_outputs"};
    default:
      return {.dense = "albert.pooler"};
  }
}

MaskedLmLayout albert_masked_lm(const EncoderConfig& c) {
  return {.dense = "predictions.dense",
          .norm = "predictions.LayerNorm",
          .output = "predictions",
          .activation = c.activation};
}

}  // namespace

EncoderArchitecture albert() {
  return {.model_type = "albert",
          .class_stem = "Albert",
          .body = "albert",
          .about = "ALBERT v1 and v2",
          .names = {.blocks = "encoder.albert_layer_groups.",
                    .inside_block = ".albert_layers.0",
                    .query = "attention.query",
                    .key = "attention.key",
                    .value = "attention.value",
                    .attention_out = "attention.dense",
                    .attention_norm = "attention.LayerNorm",
                    .in = "ffn",
                    .out = "ffn_output",
                    .norm = "full_layer_layer_norm",
                    .projection = "encoder.embedding_hidden_mapping_in"},
          .read = &read_albert,
          .write = &write_albert,
          .outputs = &albert_outputs,
          .masked_lm = &albert_masked_lm,
          .left_out = {"predictions.decoder.", "sop_classifier.", "albert.pooler.", "pooler."}};
}

}  // namespace limbeck::models
