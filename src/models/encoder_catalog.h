// What encoders exist: a list to read. An architecture is one file that makes such a row; nothing else names it.
#pragma once

#include <string_view>
#include <vector>

#include "models/config_reader.h"
#include "models/encoder.h"
#include "models/encoder_body.h"
#include "models/encoder_heads.h"

namespace limbeck::models {

struct EncoderArchitecture {
  std::string_view model_type;  // of config.json
  std::string_view class_stem;  // "Bert" of BertModel, BertForSequenceClassification, ...
  std::string_view body;        // what the body is called in a model with a head; alone, its names begin without it
  std::string_view about;
  EncoderNames names;
  // config.json -> the config, but for vocab_size, initializer_range and pad_token_id, which all have; throws naming
  // the key of what cannot be used.
  void (*read)(const ConfigReader& config_json, EncoderConfig& config);
  // The other way: config.json as it was read, with what the config says now.
  void (*write)(const EncoderConfig& config, Json& config_json);
  // Of any kind but kMaskedLm; of kNone the pooler, if there is one.
  OutputsLayout (*outputs)(const EncoderConfig& config, HeadKind kind);
  MaskedLmLayout (*masked_lm)(const EncoderConfig& config);
  HeadKind of_pretraining = HeadKind::kMaskedLm;  // which of the heads that it was pretrained with is read
  // Beginnings of the names of tensors that published files have and no head of ours reads, or reads elsewhere.
  std::vector<std::string_view> left_out = {};
};

const std::vector<EncoderArchitecture>& encoder_architectures();

// Whether a parameter, named without the body's own name, is one that every model of the architecture has: of its
// tables, its blocks or what stands between them.
bool is_of_body(const EncoderArchitecture& row, std::string_view name);

// The row of a model_type; an unknown one throws Error naming those that are known.
const EncoderArchitecture& encoder_architecture_of(std::string_view model_type, std::string_view where);

}  // namespace limbeck::models
