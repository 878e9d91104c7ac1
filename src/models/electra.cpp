#include "models/electra.h"

#include "models/bert.h"  // kBertNames
#include "models/encoder_config.h"

namespace limbeck::models {
namespace {

void read_electra(const ConfigReader& r, EncoderConfig& c) {
  read_bert_config(r, c, {});
  c.embedding_size = r.integer("embedding_size", 128);
}

void write_electra(const EncoderConfig& c, Json& json) {
  write_bert_config(c, json, {});
  put(json, "embedding_size", c.embedding_size);
}

OutputsLayout electra_outputs(const EncoderConfig& c, HeadKind kind) {
  switch (kind) {
    case HeadKind::kClassification:
      return {.dense = "classifier.dense",
              .activation = nn::Activation::kGelu,
              .dropout_in = c.classifier_dropout,
              .dropout_out = c.classifier_dropout,
              .out = "classifier.out_proj"};
    case HeadKind::kChoice: {
      const ConfigReader r(c.original, "electra");
      r.refuse("summary_type", "first");
      r.refuse("summary_use_proj", true);
      r.refuse("summary_activation", "gelu");
      return {.dense = "sequence_summary.summary",
              .activation = nn::Activation::kGelu,
              .dropout_out = r.number("summary_last_dropout", 0.1),
              .out = "classifier"};
    }
    case HeadKind::kTokens:
      return {.dropout_out = c.classifier_dropout, .out = "classifier"};
    case HeadKind::kSpan:
      return {.out = "qa_outputs"};
    default:
      return {};
  }
}

MaskedLmLayout electra_masked_lm(const EncoderConfig&) {
  return {
      .dense = "generator_predictions.dense", .norm = "generator_predictions.LayerNorm", .output = "generator_lm_head"};
}

}  // namespace

EncoderArchitecture electra() {
  EncoderNames names = kBertNames;
  names.projection = "embeddings_project";
  names.projection_between_equal_widths = false;
  return {.model_type = "electra",
          .class_stem = "Electra",
          .body = "electra",
          .about = "ELECTRA's discriminator and generator",
          .names = names,
          .read = &read_electra,
          .write = &write_electra,
          .outputs = &electra_outputs,
          .masked_lm = &electra_masked_lm,
          .of_pretraining = HeadKind::kNone,
          .left_out = {"discriminator_predictions.", "generator_lm_head.weight"}};
}

}  // namespace limbeck::models
