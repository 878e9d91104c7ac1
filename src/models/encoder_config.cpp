#include "models/encoder_config.h"

#include <array>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "formats/int8_weights.h"
#include "models/config.h"  // read_activation
#include "models/encoder_catalog.h"

namespace limbeck::models {
namespace {

// The ends of Transformers' class names, the one that is written first.
constexpr std::array<std::pair<std::string_view, HeadKind>, 8> kClassEnds = {{
    {"Model", HeadKind::kNone},
    {"ForSequenceClassification", HeadKind::kClassification},
    {"ForMultipleChoice", HeadKind::kChoice},
    {"ForTokenClassification", HeadKind::kTokens},
    {"ForQuestionAnswering", HeadKind::kSpan},
    {"ForMaskedLM", HeadKind::kMaskedLm},
    {"LMHeadModel", HeadKind::kMaskedLm},
    {"ForNextSentencePrediction", HeadKind::kNone},
}};

bool has_labels(HeadKind kind) {
  return kind == HeadKind::kClassification || kind == HeadKind::kTokens;
}

HeadKind kind_of_class(const ConfigReader& r, const EncoderArchitecture& row) {
  if (!r.has("architectures")) return HeadKind::kNone;
  const Json& classes = r.at("architectures");
  if (classes.is_array() && classes.empty()) return HeadKind::kNone;
  if (classes.is_array() && classes[0].is_string()) {
    const std::string name = classes[0].get<std::string>();
    if (name.ends_with("ForPreTraining")) return row.of_pretraining;
    // The longest end that fits: BertLMHeadModel is not "Model".
    std::size_t longest = 0;
    HeadKind kind = HeadKind::kNone;
    for (const auto& [end, of_end] : kClassEnds)
      if (name.ends_with(end) && end.size() > longest) longest = end.size(), kind = of_end;
    if (longest > 0) return kind;
  }
  fail(r.where(), "architectures: expected {}Model, {}ForSequenceClassification or its kin but received {}",
       row.class_stem, row.class_stem, ConfigReader::brief(classes));
}

// id2label: {"0": "negative", ...}, each id once.
std::vector<std::string> labels_of(const ConfigReader& r) {
  std::vector<std::string> labels;
  if (!r.has("id2label")) {
    const int64_t count = r.integer("num_labels", 2);
    if (count < 1 || count > 1'000'000) fail(r.where(), "num_labels: expected 1 to 1000000 but received {}", count);
    for (int64_t i = 0; i < count; ++i) labels.push_back(fmt::format("LABEL_{}", i));
    return labels;
  }
  const Json& map = r.at("id2label");
  const auto refuse = [&] {
    fail(r.where(), "id2label: expected a label for each of 0, 1, ... but received {}", ConfigReader::brief(map));
  };
  if (!map.is_object() || map.empty()) refuse();
  for (std::size_t i = 0; i < map.size(); ++i) {
    const auto found = map.find(std::to_string(i));
    if (found == map.end()) refuse();
    labels.push_back(found->is_string() ? found->get<std::string>() : found->dump());
  }
  return labels;
}

void write_labels(const EncoderConfig& c, const Head& head, Json& json) {
  const bool several = json.contains("problem_type") && json.at("problem_type") == "multi_label_classification" &&
                       !head.labels.empty() && json.contains("id2label") &&
                       json.at("id2label").size() == head.labels.size();
  json.erase("num_labels");
  if (head.kind != HeadKind::kClassification) json.erase("problem_type");
  if (!has_labels(head.kind)) {
    for (const char* key : {"id2label", "label2id"}) json.erase(key);
    return;
  }
  Json by_id = Json::object(), by_label = Json::object();
  for (int64_t i = 0; i < head.outputs; ++i) {
    const std::string label =
        head.labels.empty() ? fmt::format("LABEL_{}", i) : head.labels[static_cast<std::size_t>(i)];
    by_id[std::to_string(i)] = label;
    by_label[label] = i;
  }
  put(json, "id2label", by_id);
  put(json, "label2id", by_label);
  if (head.kind != HeadKind::kClassification) return;
  const char* one = head.labels.empty() ? "regression" : "single_label_classification";
  put(json, "problem_type", several ? "multi_label_classification" : one);
}

void check_pad_token(const EncoderConfig& c, const std::string& where) {
  if (c.pad_token_id && (*c.pad_token_id < 0 || *c.pad_token_id >= c.vocab_size))
    fail(where, "pad_token_id: expected an id below vocab_size {} but received {}", c.vocab_size, *c.pad_token_id);
}

}  // namespace

double read_rate(const ConfigReader& r, const char* key, double absent) {
  const double value = r.number(key, absent);
  if (!(value >= 0) || value >= 1) fail(r.where(), "{}: expected a share of 0 to below 1 but received {}", key, value);
  return value;
}

void read_bert_config(const ConfigReader& r, EncoderConfig& c, const BertDefaults& defaults) {
  c.hidden_size = c.embedding_size = r.integer("hidden_size");
  c.intermediate_size = r.integer("intermediate_size");
  c.num_hidden_layers = r.integer("num_hidden_layers");
  c.num_attention_heads = r.integer("num_attention_heads");
  c.type_vocab_size = r.integer("type_vocab_size", 2);
  c.max_position_embeddings = r.integer("max_position_embeddings", 512);
  c.activation = read_activation(r, "hidden_act", defaults.activation);
  c.layer_norm_eps = r.number("layer_norm_eps", 1e-12);
  c.hidden_dropout = read_rate(r, "hidden_dropout_prob", defaults.dropout);
  c.attention_dropout = read_rate(r, "attention_probs_dropout_prob", defaults.dropout);
  c.classifier_dropout =
      read_rate(r, defaults.classifier_dropout, defaults.absent_classifier_dropout.value_or(c.hidden_dropout));
  r.refuse("position_embedding_type", "absolute");
  r.refuse("is_decoder", false);
  r.refuse("add_cross_attention", false);
}

void write_bert_config(const EncoderConfig& c, Json& json, const BertDefaults& defaults) {
  put(json, "hidden_size", c.hidden_size);
  put(json, "intermediate_size", c.intermediate_size);
  put(json, "num_hidden_layers", c.num_hidden_layers);
  put(json, "num_attention_heads", c.num_attention_heads);
  put(json, "type_vocab_size", c.type_vocab_size);
  put(json, "max_position_embeddings", c.max_position_embeddings);
  put_activation(json, "hidden_act", c.activation);
  put(json, "layer_norm_eps", c.layer_norm_eps);
  put(json, "hidden_dropout_prob", c.hidden_dropout);
  put(json, "attention_probs_dropout_prob", c.attention_dropout);
  if (c.classifier_dropout != defaults.absent_classifier_dropout.value_or(c.hidden_dropout))
    put(json, defaults.classifier_dropout, c.classifier_dropout);
}

void put_activation(Json& json, const char* key, nn::Activation activation) {
  if (json.contains(key) && json.at(key).is_string() &&
      nn::activation_named(json.at(key).get<std::string>()) == activation)
    return;
  for (const char* name : {"gelu", "gelu_new", "quick_gelu", "silu", "relu"})
    if (nn::activation_named(name) == activation) json[key] = name;
}

void check_encoder_config(const EncoderConfig& c, const std::string& where) {
  const auto within = [&](const char* key, int64_t value, int64_t low, int64_t high) {
    if (value < low || value > high) fail(where, "{}: expected {} to {} but received {}", key, low, high, value);
  };
  constexpr int64_t kWidest = 1'048'576;  // far beyond any model: a hostile file asks for absurd memory
  within("vocab_size", c.vocab_size, 1, 16'777'216);
  within("hidden_size", c.hidden_size, 1, kWidest);
  within("embedding_size", c.embedding_size, 1, kWidest);
  within("intermediate_size", c.intermediate_size, 1, 4 * kWidest);
  check_num_layers(c.num_hidden_layers, where);
  within("num_attention_heads", c.num_attention_heads, 1, c.hidden_size);
  if (c.hidden_size % c.num_attention_heads != 0)
    fail(where, "num_attention_heads: expected a divisor of hidden_size {} but received {}", c.hidden_size,
         c.num_attention_heads);
  within("type_vocab_size", c.type_vocab_size, 0, 65'536);
  within("max_position_embeddings", c.max_position_embeddings, 1, 16'777'216);
  within("first position", c.first_position, 0, c.max_position_embeddings - 1);
  within("num_hidden_groups", c.num_hidden_groups, 0, c.num_hidden_layers);
  if (!(c.layer_norm_eps >= 0) || c.layer_norm_eps > 1)
    fail(where, "layer_norm_eps: expected 0 to 1 but received {}", c.layer_norm_eps);
  check_pad_token(c, where);
  encoder_architecture_of(c.model_type, where);
}

Head checked_head(const EncoderConfig& config, const Head& head) {
  Head checked = head;
  if (head.kind == HeadKind::kNone) checked.outputs = 0;
  if (head.kind == HeadKind::kChoice) checked.outputs = 1;
  if (head.kind == HeadKind::kSpan) checked.outputs = 2;
  if (head.kind == HeadKind::kMaskedLm) checked.outputs = config.vocab_size;
  if (!has_labels(head.kind)) {
    checked.labels.clear();
    return checked;
  }
  if (head.outputs < 1 || head.outputs > 1'000'000)
    user_fail("head", "expected 1 to 1000000 outputs but received {}", head.outputs);
  if (!head.labels.empty() && static_cast<int64_t>(head.labels.size()) != head.outputs)
    user_fail("head", "expected a label for each of {} outputs but received {}", head.outputs, head.labels.size());
  return checked;
}

EncoderConfig read_encoder_config(const Json& config_json, const std::string& where) {
  if (!config_json.is_object()) fail(where, "expected a JSON object but received {}", ConfigReader::brief(config_json));
  const ConfigReader r(config_json, where);
  EncoderConfig c;
  c.original = config_json;
  if (!r.has("model_type")) fail(where, "model_type: expected a string but the key is missing");
  c.model_type = r.text("model_type", "");
  const EncoderArchitecture& row = encoder_architecture_of(c.model_type, where);
  formats::has_int8_weights(config_json, where);  // refuses what is quantised in another way
  c.vocab_size = r.integer("vocab_size");
  c.initializer_range = r.number("initializer_range", 0.02);
  if (r.has("pad_token_id")) c.pad_token_id = r.integer("pad_token_id");
  check_pad_token(c, where);  // RoBERTa counts its positions on from it
  row.read(r, c);
  check_encoder_config(c, where);
  return c;
}

Head read_head(const Json& config_json, const std::string& where) {
  const ConfigReader r(config_json, where);
  Head head;
  head.kind = kind_of_class(r, encoder_architecture_of(r.text("model_type", ""), where));
  if (has_labels(head.kind)) {
    head.labels = labels_of(r);
    head.outputs = static_cast<int64_t>(head.labels.size());
    const bool scores = r.text("problem_type", head.outputs == 1 ? "regression" : "") == "regression";
    if (head.kind == HeadKind::kClassification && scores) head.labels.clear();
  }
  if (head.kind == HeadKind::kChoice) head.outputs = 1;
  if (head.kind == HeadKind::kSpan) head.outputs = 2;
  if (head.kind == HeadKind::kMaskedLm) head.outputs = r.integer("vocab_size");
  return head;
}

Json write_encoder_config(const EncoderConfig& c, const Head& head, Precision stored) {
  Json json = c.original.is_object() ? c.original : Json::object();
  json.erase("quantization_config");  // of files that this was read from
  const EncoderArchitecture& row = encoder_architecture_of(c.model_type, "write_encoder_config");
  for (const auto& [end, kind] : kClassEnds)
    if (kind == head.kind) {
      put(json, "architectures", Json::array({fmt::format("{}{}", row.class_stem, end)}));
      break;
    }
  put(json, "model_type", c.model_type);
  put(json, "vocab_size", c.vocab_size);
  put(json, "initializer_range", c.initializer_range);
  put(json, "pad_token_id", c.pad_token_id ? Json(*c.pad_token_id) : Json());
  row.write(c, json);
  write_labels(c, head, json);
  // Transformers 5 writes "dtype", older ones "torch_dtype"; each reads the older name.
  put(json, json.contains("dtype") ? "dtype" : "torch_dtype", stored == Precision::kBf16 ? "bfloat16" : "float32");
  return json;
}

double count_encoder_weights(const EncoderConfig& c) {
  const auto wide = [](int64_t n) { return static_cast<double>(n); };
  const double d = wide(c.hidden_size), e = wide(c.embedding_size), inner = wide(c.intermediate_size);
  const double tables = e * (wide(c.vocab_size) + wide(c.max_position_embeddings) + wide(c.type_vocab_size) + 2);
  const bool projects = has_projection(c, encoder_architecture_of(c.model_type, "count_encoder_weights").names);
  const double block = 4 * (d * d + d) + 2 * d * inner + inner + d + 4 * d;
  return tables + (projects ? e * d + d : 0) + block * wide(num_blocks(c));
}

bool is_encoder(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "config.json";
  if (!std::filesystem::exists(path)) return false;
  const Json config = read_json(path);
  if (!config.is_object() || !config.contains("model_type")) return false;
  for (const EncoderArchitecture& row : encoder_architectures())
    if (config.at("model_type") == row.model_type) return true;
  return false;
}

}  // namespace limbeck::models
