// The tokenizer of a GGUF file: hands the metadata to text/gguf_vocabulary.h, which knows what it means.
#include "base/errors.h"
#include "base/printable.h"
#include "models/gguf_model.h"
#include "text/gguf_vocabulary.h"

namespace limbeck::models {
namespace {

class TokenizerMetadata {
 public:
  explicit TokenizerMetadata(const formats::GgufFile& file) : file_(file), json_(file.metadata()) {}

  std::string text(const char* key) const {
    return json_.contains(key) && json_.at(key).is_string() ? json_.at(key).get<std::string>() : std::string();
  }
  std::vector<std::string> strings(const char* key) const {
    const auto* strings = file_.strings(key);
    if (!strings) fail(file_.path().string(), "{}: expected an array of strings but received none", key);
    return *strings;
  }
  std::optional<int64_t> integer(const char* key) const {
    if (!json_.contains(key)) return std::nullopt;
    const Json& value = json_.at(key);
    if (!value.is_number_integer() || (value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX))
      fail(file_.path().string(), "{}: expected an id but received {}", key, printable_value(value));
    return value.get<int64_t>();
  }
  std::optional<bool> flag(const char* key) const {
    if (!json_.contains(key) || !json_.at(key).is_boolean()) return std::nullopt;
    return json_.at(key).get<bool>();
  }
  std::vector<int32_t> integers(const char* key) const {
    std::vector<int32_t> result;
    if (!json_.contains(key)) return result;
    for (const Json& value : json_.at(key)) {
      if (!value.is_number_integer())
        fail(file_.path().string(), "{}: expected integers but received {}", key, printable_value(value));
      result.push_back(static_cast<int32_t>(value.get<int64_t>()));
    }
    return result;
  }

  std::vector<double> numbers(const char* key) const {
    std::vector<double> result;
    if (!json_.contains(key)) return result;
    for (const Json& value : json_.at(key)) {
      if (!value.is_number())
        fail(file_.path().string(), "{}: expected numbers but received {}", key, printable_value(value));
      result.push_back(value.get<double>());
    }
    return result;
  }
  std::string bytes(const char* key) const {  // of an array of 8-bit numbers, signed or not
    std::string result;
    for (const int32_t value : integers(key)) {
      if (value < -128 || value > 255) fail(file_.path().string(), "{}: expected bytes but received {}", key, value);
      result += static_cast<char>(value);
    }
    return result;
  }

 private:
  const formats::GgufFile& file_;
  const Json& json_;
};

}  // namespace

text::TokenizerSpec tokenizer_spec_of_gguf(const formats::GgufFile& file) {
  const TokenizerMetadata m(file);
  text::GgufVocabulary v;
  v.model = m.text("tokenizer.ggml.model");
  v.pre = m.text("tokenizer.ggml.pre");
  v.tokens = m.strings("tokenizer.ggml.tokens");
  if (v.model == "gpt2") v.merges = m.strings("tokenizer.ggml.merges");
  v.token_types = m.integers("tokenizer.ggml.token_type");
  v.bos = m.integer("tokenizer.ggml.bos_token_id");
  v.eos = m.integer("tokenizer.ggml.eos_token_id");
  v.unk = m.integer("tokenizer.ggml.unknown_token_id");
  v.pad = m.integer("tokenizer.ggml.padding_token_id");
  v.add_bos = m.flag("tokenizer.ggml.add_bos_token");
  v.add_eos = m.flag("tokenizer.ggml.add_eos_token");
  v.add_space_prefix = m.flag("tokenizer.ggml.add_space_prefix");
  v.chat_template = m.text("tokenizer.chat_template");
  if (v.model == "llama" || v.model == "t5") {
    v.scores = m.numbers("tokenizer.ggml.scores");
    v.charsmap = m.bytes("tokenizer.ggml.precompiled_charsmap");
    v.remove_extra_whitespaces = m.flag("tokenizer.ggml.remove_extra_whitespaces");
  }
  v.cls = m.integer("tokenizer.ggml.cls_token_id");
  v.sep = m.integer("tokenizer.ggml.seperator_token_id");  // spelled so by llama.cpp
  return text::spec_from_gguf(std::move(v), file.path().string());
}

}  // namespace limbeck::models
