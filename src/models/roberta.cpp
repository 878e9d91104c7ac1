#include "models/roberta.h"

#include "models/bert.h"  // kBertNames
#include "models/encoder_config.h"

namespace limbeck::models {
namespace {

void read_roberta(const ConfigReader& r, EncoderConfig& c) {
  read_bert_config(r, c, {});
  if (!r.names("pad_token_id")) c.pad_token_id = 1;
  c.first_position = c.pad_token_id.value_or(-1) + 1;
}

void write_roberta(const EncoderConfig& c, Json& json) {
  write_bert_config(c, json, {});
}

OutputsLayout roberta_outputs(const EncoderConfig& c, HeadKind kind) {
  switch (kind) {
    case HeadKind::kClassification:
      return {.dense = "classifier.dense",
              .dropout_in = c.classifier_dropout,
              .dropout_out = c.classifier_dropout,
              .out = "classifier.out_proj"};
    case HeadKind::kChoice:
      return {.dense = "roberta.pooler.dense", .dropout_out = c.hidden_dropout, .out = "classifier"};
    case HeadKind::kTokens:
      return {.dropout_out = c.classifier_dropout, .out = "classifier"};
    case HeadKind::kSpan:
      return {.out = "qa_outputs"};
    default:
      return {.dense = "roberta.pooler.dense"};
  }
}

MaskedLmLayout roberta_masked_lm(const EncoderConfig&) {
  return {.dense = "lm_head.dense", .norm = "lm_head.layer_norm", .output = "lm_head"};
}

}  // namespace

EncoderArchitecture roberta() {
  return {.model_type = "roberta",
          .class_stem = "Roberta",
          .body = "roberta",
          .about = "RoBERTa, DistilRoBERTa",
          .names = kBertNames,
          .read = &read_roberta,
          .write = &write_roberta,
          .outputs = &roberta_outputs,
          .masked_lm = &roberta_masked_lm,
          .left_out = {"lm_head.decoder.", "roberta.pooler.", "pooler."}};
}

EncoderArchitecture xlm_roberta() {
  EncoderArchitecture row = roberta();
  row.model_type = "xlm-roberta";
  row.class_stem = "XLMRoberta";
  row.about = "XLM-RoBERTa, multilingual E5 and BGE";
  return row;
}

EncoderArchitecture camembert() {
  EncoderArchitecture row = roberta();
  row.model_type = "camembert";
  row.class_stem = "Camembert";
  row.about = "CamemBERT";
  return row;
}

}  // namespace limbeck::models
