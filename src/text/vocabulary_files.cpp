#include "text/vocabulary_files.h"

#include <algorithm>

#include "base/errors.h"
#include "base/printable.h"
#include "text/components_json.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

std::string class_of(const Json& config) {
  return config.is_object() && config.contains("tokenizer_class") && config["tokenizer_class"].is_string()
             ? config["tokenizer_class"].get<std::string>()
             : "";
}

bool setting(const Json& config, const char* key, bool otherwise) {
  return config.is_object() && config.contains(key) && config[key].is_boolean() ? config[key].get<bool>() : otherwise;
}

// Lines without their line break; the last needs none.
template <class Take>
void for_each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    take(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::optional<int32_t> id_of_token(const TokenizerSpec& spec, std::string_view token) {
  const auto found = std::find(spec.tokens.begin(), spec.tokens.end(), token);
  return found == spec.tokens.end() ? std::nullopt : std::optional(int32_t(found - spec.tokens.begin()));
}

void add_special(TokenizerSpec& spec, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (const auto id = id_of_token(spec, name)) spec.added.push_back({.id = *id, .content = name, .special = true});
}

void read_vocab_json(std::string_view text, std::string_view where, TokenizerSpec& spec) {
  const Json vocabulary = parse_json(text, where);
  if (!vocabulary.is_object()) fail(where, "expected an object of tokens but received {}", vocabulary.type_name());
  const auto most = 2 * vocabulary.size() + 65536;
  for (const auto& [token, id] : vocabulary.items()) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > most)
      fail(where, "token '{}': expected an id from 0 to {} but received {}", printable(token), most,
           printable_value(id));
    const auto at = id.get<std::size_t>();
    if (at >= spec.tokens.size()) spec.tokens.resize(at + 1);
    spec.tokens[at] = token;
  }
}

void read_merges_txt(std::string_view text, std::string_view where, TokenizerSpec& spec) {
  int64_t number = 0;
  for_each_line(text, [&](std::string_view line) {
    ++number;
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos)
      fail(where, "merges, line {}: expected two tokens with a space between but received '{}'", number,
           printable(std::string(line)));
    spec.merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  });
}

}  // namespace

TokenizerSpec spec_from_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt, const Json& config,
                                         std::string_view where) {
  TokenizerSpec spec;
  read_vocab_json(vocab_json, where, spec);
  read_merges_txt(merges_txt, where, spec);
  return spec_from_tokens_and_merges(std::move(spec.tokens), std::move(spec.merges), config, where);
}

TokenizerSpec spec_from_tokens_and_merges(std::vector<std::string> tokens,
                                          std::vector<std::pair<std::string, std::string>> merges, const Json& config,
                                          std::string_view where) {
  TokenizerSpec spec;
  spec.tokens = std::move(tokens);
  spec.merges = std::move(merges);
  const std::string kind = class_of(config);
  spec.add_prefix_space = setting(config, "add_prefix_space", false);
  if (kind.starts_with("Qwen2")) {
    spec.pre_tokenizer = PreTokenizer::kQwen2;
    spec.nfc = true;
    spec.add_prefix_space = false;
  }
  add_special(spec, {"<|endoftext|>", "<s>", "<pad>", "</s>", "<unk>", "<mask>"});
  for (AddedToken& token : spec.added) token.lstrip = token.content == "<mask>";
  if (kind.starts_with("Roberta") || kind.starts_with("Bart") || kind.starts_with("Longformer")) {
    const auto cls = id_of_token(spec, "<s>"), sep = id_of_token(spec, "</s>");
    if (!cls || !sep) fail(where, "{}: expected the tokens <s> and </s> but found them not", kind);
    spec.bos = cls;
    spec.eos = sep;
    spec.add_bos = spec.add_eos = true;
    spec.post_processor = {{"type", "RobertaProcessing"},
                           {"sep", {"</s>", *sep}},
                           {"cls", {"<s>", *cls}},
                           {"trim_offsets", true},
                           {"add_prefix_space", spec.add_prefix_space}};
  }
  return spec;
}

TokenizerSpec spec_from_vocab_txt(std::string_view vocab_txt, const Json& config, std::string_view where) {
  TokenizerSpec spec;
  for_each_line(vocab_txt, [&](std::string_view line) {
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
    spec.tokens.emplace_back(line);
  });
  Pipeline pipeline{.model = ModelKind::kWordPiece, .continuing_prefix = "##"};
  pipeline.unknown = id_of_token(spec, "[UNK]");
  const auto cls = id_of_token(spec, "[CLS]"), sep = id_of_token(spec, "[SEP]");
  if (!pipeline.unknown || !cls || !sep)
    user_fail(where, "expected a BERT vocabulary with [UNK], [CLS] and [SEP] but found them not");
  add_special(spec, {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
  const Json accents = config.is_object() ? config.value("strip_accents", Json()) : Json();
  pipeline.normalizer = components::bert_normalizer(setting(config, "do_lower_case", true), accents,
                                                    setting(config, "tokenize_chinese_chars", true));
  pipeline.pre_tokenizer = {{"type", "BertPreTokenizer"}};
  pipeline.decoder = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  spec.post_processor =
      components::template_processing({"[CLS]:0", "$A:0", "[SEP]:0"}, {"[CLS]:0", "$A:0", "[SEP]:0", "$B:1", "[SEP]:1"},
                                      {{"[CLS]", *cls}, {"[SEP]", *sep}});
  spec.bos = cls;
  spec.eos = sep;
  spec.add_bos = spec.add_eos = true;
  spec.unk = pipeline.unknown;
  spec.pad = id_of_token(spec, "[PAD]");
  spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  return spec;
}

}  // namespace limbeck::text
