// Between config.json and EncoderConfig with its Head.
#pragma once

#include <string>

#include "models/config_reader.h"
#include "models/encoder.h"

namespace limbeck::models {

// What a key means where config.json leaves it out.
struct BertDefaults {
  const char* activation = "gelu";
  double dropout = 0.1;
  const char* classifier_dropout = "classifier_dropout";  // the key
  std::optional<double> absent_classifier_dropout = {};   // without one: hidden_dropout
};

// The keys that BERT, RoBERTa, ELECTRA and ALBERT share.
void read_bert_config(const ConfigReader& config_json, EncoderConfig& config, const BertDefaults& defaults);
void write_bert_config(const EncoderConfig& config, Json& config_json, const BertDefaults& defaults);
// A rate of dropout.
double read_rate(const ConfigReader& config_json, const char* key, double absent);
// The activation under its name, which stays where it means the same.
void put_activation(Json& config_json, const char* key, nn::Activation activation);

// Throws Error naming the first key that no model can be made of.
void check_encoder_config(const EncoderConfig& config, const std::string& where);
// The same of a head: throws UserError; gives it with the outputs that its kind has in any case.
Head checked_head(const EncoderConfig& config, const Head& head);

// config.json of a model with this head: what was read, with what has changed since; opens in Transformers.
Json write_encoder_config(const EncoderConfig& config, const Head& head, Precision stored);

// The number of weights of the body. A double: a hostile config may ask for more than int64 holds.
double count_encoder_weights(const EncoderConfig& config);

}  // namespace limbeck::models
