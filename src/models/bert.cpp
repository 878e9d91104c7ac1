#include "models/bert.h"

#include "models/encoder_config.h"

namespace limbeck::models {
namespace {

OutputsLayout bert_outputs(const EncoderConfig& c, HeadKind kind) {
  switch (kind) {
    case HeadKind::kClassification:
    case HeadKind::kChoice:
      return {.dense = "bert.pooler.dense", .dropout_out = c.classifier_dropout, .out = "classifier"};
    case HeadKind::kTokens:
      return {.dropout_out = c.classifier_dropout, .out = "classifier"};
    case HeadKind::kSpan:
      return {.out = "qa_outputs"};
    default:
      return {.dense = "bert.pooler.dense"};
  }
}

MaskedLmLayout bert_masked_lm(const EncoderConfig& c) {
  return {.dense = "cls.predictions.transform.dense",
          .norm = "cls.predictions.transform.LayerNorm",
          .output = "cls.predictions",
          .activation = c.activation};
}

}  // namespace

EncoderArchitecture bert() {
  return {.model_type = "bert",
          .class_stem = "Bert",
          .body = "bert",
          .about = "BERT, MiniLM, TinyBERT, BGE, E5, GTE",
          .names = kBertNames,
          .read = [](const ConfigReader& r, EncoderConfig& c) { read_bert_config(r, c, {}); },
          .write = [](const EncoderConfig& c, Json& json) { write_bert_config(c, json, {}); },
          .outputs = &bert_outputs,
          .masked_lm = &bert_masked_lm,
          .left_out = {"cls.seq_relationship.", "cls.predictions.decoder.", "bert.pooler.", "pooler."}};
}

}  // namespace limbeck::models
