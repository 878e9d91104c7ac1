// A folder's tokenizer: tokenizer.json, and what the files beside it say about special tokens and chat.
#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "text/tokenizer_json.h"

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

Json object_of(const path& file) {
  Json config = read_json(file);
  if (!config.is_object()) fail(file.string(), "expected a JSON object but received {}", config.type_name());
  return config;
}

}  // namespace

TokenizerSpec read_tokenizer(const path& folder) {
  const path file = folder / "tokenizer.json";
  if (!std::filesystem::exists(file))
    user_fail(folder.string(),
              "expected a tokenizer.json but found none (older vocab.json and merges.txt are not read)");
  TokenizerSpec spec = parse_tokenizer_json(read_file(file, kLargestTextFile), file.string());
  const path config_file = folder / "tokenizer_config.json", map_file = folder / "special_tokens_map.json";
  if (std::filesystem::exists(config_file)) {
    const Json config = object_of(config_file);
    read_special_tokens(config, config_file.string(), spec);
    spec.chat_template = chat_template_of(config, config_file.string());
  }
  if (std::filesystem::exists(map_file)) read_special_tokens(object_of(map_file), map_file.string(), spec);
  const path template_file = folder / "chat_template.jinja";  // newer Transformers keep the template here
  if (std::filesystem::exists(template_file)) spec.chat_template = read_file(template_file, kLargestTextFile);
  return spec;
}

}  // namespace limbeck::text
