// A folder's tokenizer: tokenizer.json or the older files, and what the files beside it say about special tokens and
// chat.
#include <algorithm>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/printable.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer_json.h"
#include "text/vocabulary_files.h"

namespace limbeck::text {
namespace {

using std::filesystem::path;

// "bos_token": "<s>" or {"content": "<s>", ...}; "" where there is none.
std::string token_named(const Json& config, const char* key, const std::string& where) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object() && found->contains("content") && (*found)["content"].is_string())
    return (*found)["content"].get<std::string>();
  fail(where, "'{}': expected a token's text but received {}", key, found->dump().substr(0, 80));
}

std::optional<int32_t> id_of(const TokenizerSpec& spec, const std::string& token) {
  for (const AddedToken& added : spec.added)
    if (added.content == token) return added.id;
  for (std::size_t id = 0; id < spec.tokens.size(); ++id)
    if (spec.tokens[id] == token) return int32_t(id);
  return std::nullopt;
}

void read_special_tokens(const Json& config, const std::string& where, TokenizerSpec& spec) {
  struct Role {
    const char* key;
    std::optional<int32_t>& id;
  };
  for (const Role& role :
       {Role{"bos_token", spec.bos}, {"eos_token", spec.eos}, {"unk_token", spec.unk}, {"pad_token", spec.pad}}) {
    if (role.id) continue;  // known from tokenizer.json, which is what encoding follows
    const std::string token = token_named(config, role.key, where);
    if (!token.empty()) role.id = id_of(spec, token);
  }
}

// A string, or a list of {"name", "template"} of which "default" counts.
std::string chat_template_of(const Json& config, const std::string& where) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) return "";
  if (found->is_string()) return found->get<std::string>();
  if (found->is_array()) {
    for (const Json& entry : *found)
      if (entry.is_object() && entry.value("name", Json()) == "default" && entry.value("template", Json()).is_string())
        return entry["template"].get<std::string>();
  }
  fail(where, "'chat_template': expected a string, or a list with a template named default");
}

// {"added_tokens_decoder": {"3": {"content": "<mark>", "special": true, ...}}}: what Transformers adds to a vocabulary
// that comes without tokenizer.json.
void read_added_tokens(const Json& config, const std::string& where, TokenizerSpec& spec) {
  const auto found = config.find("added_tokens_decoder");
  if (found == config.end() || !found->is_object()) return;
  for (const auto& [id_text, entry] : found->items()) {
    AddedToken token;
    const bool is_number =
        !id_text.empty() && id_text.size() < 10 && id_text.find_first_not_of("0123456789") == std::string::npos;
    if (!is_number || !entry.is_object() || !entry.contains("content") || !entry["content"].is_string())
      fail(where, "'added_tokens_decoder': expected ids with tokens but received '{}'", printable(id_text));
    token.id = int32_t(std::stol(id_text));
    token.content = entry["content"].get<std::string>();
    const auto flag = [&](const char* key) { return entry.value(key, Json(false)) == true; };
    token.special = flag("special");
    token.single_word = flag("single_word");
    token.lstrip = flag("lstrip");
    token.rstrip = flag("rstrip");
    token.normalized = flag("normalized");
    const auto known = std::find_if(spec.added.begin(), spec.added.end(),
                                    [&](const AddedToken& other) { return other.content == token.content; });
    if (known == spec.added.end()) {
      spec.added.push_back(std::move(token));
    } else if (known->id == token.id) {
      *known = std::move(token);
    } else {
      fail(where, "'added_tokens_decoder': token '{}' has the id {} but the vocabulary says {}",
           printable(token.content), token.id, known->id);
    }
  }
}

std::optional<bool> flag_of(const Json& config, const char* key) {
  const auto found = config.find(key);
  return found != config.end() && found->is_boolean() ? std::optional(found->get<bool>()) : std::nullopt;
}

// What a tokenizer_config.json says about a SentencePiece file. Families that renumber its pieces are refused.
SentencePieceSettings sentencepiece_settings(const Json& config, const SentencePieceModel& model,
                                             const std::string& where) {
  SentencePieceSettings settings{.add_bos = flag_of(config, "add_bos_token"),
                                 .add_eos = flag_of(config, "add_eos_token"),
                                 .add_prefix_space = flag_of(config, "add_prefix_space"),
                                 .legacy = flag_of(config, "legacy").value_or(false),
                                 .lower_case = flag_of(config, "do_lower_case").value_or(true),
                                 .keep_accents = flag_of(config, "keep_accents").value_or(false)};
  if (const auto extra = config.find("extra_ids"); extra != config.end()) {
    if (!extra->is_number_unsigned() || *extra > 10000)
      fail(where, "'extra_ids': expected a number up to 10000 but received {}", printable_value(*extra));
    settings.extra_ids = extra->get<int64_t>();
  }
  const auto given = config.find("tokenizer_class");
  const std::string name = given != config.end() && given->is_string() ? given->get<std::string>() : "";
  const bool bpe = model.algorithm == SentencePieceModel::Algorithm::kBpe;
  const auto has_piece = [&](std::string_view text) {
    return std::any_of(model.pieces.begin(), model.pieces.end(), [&](auto& piece) { return piece.text == text; });
  };
  if (name.starts_with("T5")) {
    settings.family = SentencePieceSettings::Family::kT5;
  } else if (name.starts_with("Albert") || (name.empty() && !bpe && has_piece("[CLS]") && has_piece("[SEP]"))) {
    settings.family = SentencePieceSettings::Family::kAlbert;
  } else if (!name.empty() && !bpe && !name.starts_with("PreTrainedTokenizer")) {
    user_fail(
        where,
        "tokenizer_class: expected a Llama, Gemma, Mistral, T5 or ALBERT tokenizer beside a SentencePiece file but "
        "received {}; save a tokenizer.json with Transformers",
        printable(name));
  }
  return settings;
}

path first_of(const path& folder, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (std::filesystem::exists(folder / name)) return folder / name;
  return {};
}

TokenizerSpec read_vocabulary(const path& folder, const Json& config, const std::string& config_where) {
  const auto text_of = [](const path& file) { return read_file(file, kLargestTextFile); };
  if (const path file = folder / "tokenizer.json"; std::filesystem::exists(file))
    return parse_tokenizer_json(text_of(file), file.string());
  TokenizerSpec spec;
  const path vocabulary = first_of(folder, {"vocab.json", "encoder.json"}),
             merges = first_of(folder, {"merges.txt", "vocab.bpe"});
  if (const path file = first_of(folder, {"tokenizer.model", "spiece.model", "sentencepiece.bpe.model"});
      !file.empty()) {
    SentencePieceModel model = parse_sentencepiece_model(text_of(file), file.string());
    const SentencePieceSettings settings = sentencepiece_settings(config, model, config_where);
    spec = spec_from_sentencepiece(std::move(model), settings, file.string());
  } else if (!vocabulary.empty() && !merges.empty()) {
    spec = spec_from_vocab_and_merges(text_of(vocabulary), text_of(merges), config, folder.string());
  } else if (const path words = folder / "vocab.txt"; std::filesystem::exists(words)) {
    spec = spec_from_vocab_txt(text_of(words), config, words.string());
  } else {
    user_fail(folder.string(),
              "expected a tokenizer.json, tokenizer.model, vocab.json with merges.txt, or vocab.txt but found none");
  }
  read_added_tokens(config, config_where, spec);
  return spec;
}

Json object_of(const path& file) {
  Json config = read_json(file);
  if (!config.is_object()) fail(file.string(), "expected a JSON object but received {}", config.type_name());
  return config;
}

}  // namespace

TokenizerSpec read_tokenizer(const path& folder) {
  const path config_file = folder / "tokenizer_config.json", map_file = folder / "special_tokens_map.json";
  const bool has_config = std::filesystem::exists(config_file);
  const Json config = has_config ? object_of(config_file) : Json::object();
  TokenizerSpec spec = read_vocabulary(folder, config, config_file.string());
  if (has_config) {
    read_special_tokens(config, config_file.string(), spec);
    spec.chat_template = chat_template_of(config, config_file.string());
  }
  if (std::filesystem::exists(map_file)) read_special_tokens(object_of(map_file), map_file.string(), spec);
  const path template_file = folder / "chat_template.jinja";  // newer Transformers keep the template here
  if (std::filesystem::exists(template_file)) spec.chat_template = read_file(template_file, kLargestTextFile);
  return spec;
}

}  // namespace limbeck::text
