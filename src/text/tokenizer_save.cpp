// Writes tokenizer.json and tokenizer_config.json as Transformers reads them.
#include <algorithm>
#include <unordered_map>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "text/added_ids.h"
#include "text/pre_tokenizer.h"
#include "text/tokenizer_json.h"

namespace limbeck::text {
namespace {

Json byte_level(bool add_prefix_space, bool use_regex) {
  return {
      {"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json pre_tokenizer(const TokenizerSpec& spec) {
  if (spec.pre_tokenizer == PreTokenizer::kGpt2) return byte_level(spec.add_prefix_space, true);
  Json first, second;
  if (spec.pre_tokenizer == PreTokenizer::kSmolLm) {
    first = {{"type", "Digits"}, {"individual_digits", true}};
    second = byte_level(false, true);
  } else {
    const auto regex = spec.pre_tokenizer == PreTokenizer::kLlama3 ? kLlama3Regex : kQwen2Regex;
    first = {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
    second = byte_level(false, false);
  }
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({first, second})}};
}

std::string token_text(const TokenizerSpec& spec, int32_t id) {
  for (const AddedToken& token : spec.added)
    if (token.id == id) return token.content;
  return spec.tokens.at(std::size_t(id));
}

Json post_processor(const TokenizerSpec& spec) {
  if (!spec.add_bos && !spec.add_eos) return byte_level(true, true);
  Json single = Json::array(), pair = Json::array(), special = Json::object();
  const auto add_token = [&](int32_t id, Json& pieces, int type_id) {
    const std::string text = token_text(spec, id);
    pieces.push_back({{"SpecialToken", {{"id", text}, {"type_id", type_id}}}});
    special[text] = {{"id", text}, {"ids", Json::array({id})}, {"tokens", Json::array({text})}};
  };
  const auto add_text = [&](const char* name, Json& pieces, int type_id) {
    if (spec.add_bos) add_token(*spec.bos, pieces, type_id);
    pieces.push_back({{"Sequence", {{"id", name}, {"type_id", type_id}}}});
    if (spec.add_eos) add_token(*spec.eos, pieces, type_id);
  };
  add_text("A", single, 0);
  add_text("A", pair, 0);
  add_text("B", pair, 1);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

std::vector<AddedToken> added_by_id(const TokenizerSpec& spec) {
  std::vector<AddedToken> added = spec.added;
  std::sort(added.begin(), added.end(), [](auto& a, auto& b) { return a.id < b.id; });
  return added;
}

Json added_tokens(const TokenizerSpec& spec) {
  Json list = Json::array();
  for (const AddedToken& token : added_by_id(spec))
    list.push_back({{"id", token.id},
                    {"content", token.content},
                    {"single_word", token.single_word},
                    {"lstrip", token.lstrip},
                    {"rstrip", token.rstrip},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  return list;
}

// The model's vocabulary; an added token whose place the reader would not find by itself is part of it.
std::vector<std::string> vocabulary(const TokenizerSpec& spec) {
  std::vector<std::string> tokens = spec.tokens;
  std::unordered_map<std::string_view, int32_t> ids;
  for (std::size_t id = 0; id < spec.tokens.size(); ++id)
    if (!spec.tokens[id].empty()) ids.emplace(spec.tokens[id], int32_t(id));
  bool found_by_itself = true;
  AddedIds places(int64_t(ids.size()));
  const std::vector<AddedToken> added = added_by_id(spec);
  for (const AddedToken& token : added) {
    const auto known = ids.find(token.content);
    const auto place = places.next(known == ids.end() ? std::nullopt : std::optional(known->second));
    found_by_itself = found_by_itself && place == token.id;
  }
  if (found_by_itself) return tokens;
  for (const AddedToken& token : added) {
    if (std::size_t(token.id) >= tokens.size()) tokens.resize(std::size_t(token.id) + 1);
    tokens[std::size_t(token.id)] = token.content;
  }
  return tokens;
}

std::string json_text(std::string_view text) {
  return Json(text).dump();
}

// Written by hand: a JSON object of base looks every new key up from the front.
std::string model_text(const TokenizerSpec& spec) {
  std::string out = R"({"type": "BPE", "dropout": null, "unk_token": )";
  out += spec.missing_byte_token ? json_text(token_text(spec, *spec.missing_byte_token)) : "null";
  out += R"(, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": )";
  out += spec.fuse_missing_bytes ? "true" : "false";
  out += R"(, "byte_fallback": false, "ignore_merges": )";
  out += spec.ignore_merges ? "true" : "false";
  out += ", \"vocab\": {";
  const std::vector<std::string> tokens = vocabulary(spec);
  const char* before = "\n    ";
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) continue;
    out += before + json_text(tokens[id]) + ": " + std::to_string(id);
    before = ",\n    ";
  }
  out += "\n  }, \"merges\": [";
  before = "\n    ";
  const bool with_spaces = std::any_of(spec.merges.begin(), spec.merges.end(), [](auto& merge) {
    return merge.first.find(' ') != std::string::npos || merge.second.find(' ') != std::string::npos;
  });
  for (const auto& [left, right] : spec.merges) {
    out += before;
    out += with_spaces ? "[" + json_text(left) + ", " + json_text(right) + "]" : json_text(left + " " + right);
    before = ",\n    ";
  }
  return out + "\n  ]}";
}

Json config(const TokenizerSpec& spec) {
  Json out = Json::object();
  const auto name = [&](const char* key, const std::optional<int32_t>& id) {
    if (id) out[key] = token_text(spec, *id);
  };
  name("bos_token", spec.bos);
  name("eos_token", spec.eos);
  name("unk_token", spec.unk);
  name("pad_token", spec.pad);
  out["add_prefix_space"] = spec.add_prefix_space;
  out["clean_up_tokenization_spaces"] = false;
  out["tokenizer_class"] = "PreTrainedTokenizerFast";
  if (!spec.chat_template.empty()) out["chat_template"] = spec.chat_template;
  return out;
}

}  // namespace

void save_tokenizer(const TokenizerSpec& spec, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const Json normalizer = spec.nfc ? Json{{"type", "NFC"}} : Json();
  std::string out = "{\n  \"version\": \"1.0\",\n  \"truncation\": null,\n  \"padding\": null,\n";
  out += "  \"added_tokens\": " + added_tokens(spec).dump() + ",\n";
  out += "  \"normalizer\": " + normalizer.dump() + ",\n";
  out += "  \"pre_tokenizer\": " + pre_tokenizer(spec).dump() + ",\n";
  out += "  \"post_processor\": " + post_processor(spec).dump() + ",\n";
  out += "  \"decoder\": " + byte_level(true, true).dump() + ",\n";
  out += "  \"model\": " + model_text(spec) + "\n}\n";
  write_file_atomically(folder / "tokenizer.json", out);
  write_json(folder / "tokenizer_config.json", config(spec));
}

}  // namespace limbeck::text
