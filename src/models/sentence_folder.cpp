// The folder of the sentence-transformers library, read and written.
#include <algorithm>
#include <array>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/printable.h"
#include "models/config_reader.h"
#include "models/sentence.h"

namespace limbeck::models {
namespace {

namespace fs = std::filesystem;

struct PoolingName {
  const char* flag;  // of 1_Pooling/config.json
  const char* name;  // of its newer "pooling_mode"
  nn::Pooling pooling;
};
constexpr std::array<PoolingName, 5> kPoolingNames = {{
    {"pooling_mode_cls_token", "cls", nn::Pooling::kFirst},
    {"pooling_mode_max_tokens", "max", nn::Pooling::kMax},
    {"pooling_mode_mean_tokens", "mean", nn::Pooling::kMean},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", nn::Pooling::kMeanSqrtLength},
    {"pooling_mode_lasttoken", "lasttoken", nn::Pooling::kLast},
}};

void add_named(std::vector<nn::Pooling>& pooling, const Json& name, const std::string& where) {
  for (const PoolingName& known : kPoolingNames)
    if (name == known.name) {
      pooling.push_back(known.pooling);
      return;
    }
  fail(where, "pooling_mode: expected cls, max, mean, mean_sqrt_len_tokens or lasttoken but received {}",
       ConfigReader::brief(name));
}

// The order in which several stand one behind the other is that of the library.
std::vector<nn::Pooling> read_pooling(const fs::path& path) {
  const Json json = read_json(path);
  if (!json.is_object()) fail(path.string(), "expected a JSON object but received {}", ConfigReader::brief(json));
  const ConfigReader r(json, path.string());
  std::vector<nn::Pooling> pooling;
  if (r.has("pooling_mode")) {
    const Json& names = r.at("pooling_mode");
    for (const Json& name : names.is_array() ? names : Json::array({names})) add_named(pooling, name, r.where());
    return pooling;
  }
  for (const PoolingName& known : kPoolingNames)
    if (r.boolean(known.flag, false)) pooling.push_back(known.pooling);
  r.refuse("pooling_mode_weightedmean_tokens", false);
  if (pooling.empty()) pooling.push_back(nn::Pooling::kMean);
  return pooling;
}

// A folder named by modules.json, inside the model's own: files from outside may name any.
fs::path module_folder(const fs::path& folder, const std::string& path, const std::string& where) {
  const fs::path relative(path);
  bool leaves = relative.is_absolute();
  for (const fs::path& part : relative) leaves = leaves || part == "..";
  if (leaves) fail(where, "path: expected a folder of the model but received '{}'", printable(path));
  return folder / relative;
}

// The last part of "sentence_transformers.models.Pooling", whatever package it is said to be in.
std::string module_kind(const std::string& type) {
  return type.substr(type.rfind('.') + 1);
}

struct SentenceModules {
  fs::path transformer;
  SentenceConfig config;
};

SentenceModules read_modules(const fs::path& folder) {
  SentenceModules modules{folder, {}};
  const fs::path path = folder / "modules.json";
  if (!fs::exists(path)) return modules;
  const Json list = read_json(path);
  if (!list.is_array()) fail(path.string(), "expected a list of modules but received {}", ConfigReader::brief(list));
  for (const Json& item : list) {
    const auto type = field<std::string>(item, "type", path.string());
    const std::string kind = module_kind(type);
    const fs::path inside = module_folder(folder, field<std::string>(item, "path", path.string()), path.string());
    if (kind == "Transformer") {
      modules.transformer = inside;
    } else if (kind == "Pooling") {
      // Some copies of all-MiniLM-L6-v2 come without the folder; the library's default is the mean.
      if (fs::exists(inside / "config.json")) modules.config.pooling = read_pooling(inside / "config.json");
    } else if (kind == "Normalize") {
      modules.config.normalize = true;
    } else {
      fail(path.string(), "type: expected Transformer, Pooling or Normalize but received '{}'", printable(type));
    }
  }
  if (const fs::path bert = modules.transformer / "sentence_bert_config.json"; fs::exists(bert)) {
    const Json json = read_json(bert);
    if (!json.is_object()) fail(bert.string(), "expected a JSON object but received {}", ConfigReader::brief(json));
    const ConfigReader r(json, bert.string());
    r.refuse("do_lower_case", false);
    modules.config.max_length = r.integer("max_seq_length", 0);
    if (modules.config.max_length < 0)
      fail(bert.string(), "max_seq_length: expected at least 1 but received {}", modules.config.max_length);
  }
  return modules;
}

Json pooling_json(const SentenceConfig& config, int64_t width) {
  Json json = {{"word_embedding_dimension", width}};
  for (const PoolingName& known : kPoolingNames)
    json[known.flag] = std::find(config.pooling.begin(), config.pooling.end(), known.pooling) != config.pooling.end();
  json["pooling_mode_weightedmean_tokens"] = false;
  json["include_prompt"] = true;
  return json;
}

}  // namespace

SentenceEncoder load_sentence_encoder(const fs::path& folder) {
  const SentenceModules modules = read_modules(folder);
  LoadedEncoder loaded = load_encoder(modules.transformer, Head{});
  SentenceEncoder result;
  result.model = std::move(loaded.model);
  result.tokenizer = std::move(loaded.tokenizer);
  result.config = modules.config;
  return result;
}

void save_sentence_encoder(const fs::path& folder, SentenceEncoder& encoder, Precision stored) {
  Json modules = Json::array();
  const auto add = [&](const char* path, const char* kind) {
    const auto index = modules.size();
    modules.push_back({{"idx", index},
                       {"name", std::to_string(index)},
                       {"path", path},
                       {"type", fmt::format("sentence_transformers.models.{}", kind)}});
  };
  add("", "Transformer");
  add("1_Pooling", "Pooling");
  if (encoder.config.normalize) add("2_Normalize", "Normalize");
  const EncoderConfig& config = encoder.model->config();
  const int64_t longest = encoder.config.max_length > 0 ? encoder.config.max_length : config.context();
  save_encoder(folder, *encoder.model, *encoder.tokenizer, stored, [&](const fs::path& inside) {
    fs::create_directory(inside / "1_Pooling");
    if (encoder.config.normalize) fs::create_directory(inside / "2_Normalize");
    write_json(inside / "1_Pooling" / "config.json", pooling_json(encoder.config, config.hidden_size));
    write_json(inside / "modules.json", modules);
    write_json(inside / "sentence_bert_config.json", Json{{"max_seq_length", longest}, {"do_lower_case", false}});
  });
}

}  // namespace limbeck::models
