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
  if (spec.pipeline) return spec.pipeline->pre_tokenizer;
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
  if (!spec.post_processor.is_null()) return spec.post_processor;
  if (spec.pipeline && !spec.add_bos && !spec.add_eos) return nullptr;
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
std::string vocabulary_text(const TokenizerSpec& spec) {
  std::string out = "{";
  const std::vector<std::string> tokens = vocabulary(spec);
  const char* before = "\n    ";
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) continue;
    out += before + json_text(tokens[id]) + ": " + std::to_string(id);
    before = ",\n    ";
  }
  return out + "\n  }";
}

std::string merges_text(const TokenizerSpec& spec) {
  std::string out = "[";
  const char* before = "\n    ";
  const bool with_spaces = std::any_of(spec.merges.begin(), spec.merges.end(), [](auto& merge) {
    return merge.first.find(' ') != std::string::npos || merge.second.find(' ') != std::string::npos;
  });
  for (const auto& [left, right] : spec.merges) {
    out += before;
    out += with_spaces ? "[" + json_text(left) + ", " + json_text(right) + "]" : json_text(left + " " + right);
    before = ",\n    ";
  }
  return out + "\n  ]";
}

std::string bpe_text(const TokenizerSpec& spec) {
  const Pipeline* pipeline = spec.pipeline.get();
  const auto unknown = pipeline ? pipeline->unknown : spec.missing_byte_token;
  const auto part = [](const std::string& text) { return text.empty() ? "null" : json_text(text); };
  std::string out = R"({"type": "BPE", "dropout": null, "unk_token": )";
  out += unknown ? json_text(token_text(spec, *unknown)) : "null";
  out += R"(, "continuing_subword_prefix": )" + (pipeline ? part(pipeline->continuing_prefix) : "null");
  out += R"(, "end_of_word_suffix": )" + (pipeline ? part(pipeline->end_of_word) : "null");
  const auto flag = [&](const char* name, bool value) { out += fmt::format(R"(, "{}": {})", name, value); };
  flag("fuse_unk", pipeline ? pipeline->fuse_unknown : spec.fuse_missing_bytes);
  flag("byte_fallback", pipeline && pipeline->byte_fallback);
  flag("ignore_merges", pipeline ? pipeline->ignore_merges : spec.ignore_merges);
  return out + ", \"vocab\": " + vocabulary_text(spec) + ", \"merges\": " + merges_text(spec) + "}";
}

std::string word_piece_text(const TokenizerSpec& spec) {
  return fmt::format(
      R"({{"type": "WordPiece", "unk_token": {}, "continuing_subword_prefix": {}, "max_input_chars_per_word": {}, "vocab": {}}})",
      json_text(token_text(spec, *spec.pipeline->unknown)), json_text(spec.pipeline->continuing_prefix),
      spec.pipeline->longest_word, vocabulary_text(spec));
}

std::string unigram_text(const TokenizerSpec& spec) {
  const Pipeline& pipeline = *spec.pipeline;
  std::string out = fmt::format(R"({{"type": "Unigram", "unk_id": {}, "byte_fallback": {}, "vocab": [)",
                                *pipeline.unknown, pipeline.byte_fallback);
  const std::vector<std::string> tokens = vocabulary(spec);
  const char* before = "\n    ";
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    const double score = id < pipeline.scores.size() ? pipeline.scores[id] : 0.0;
    out += before + fmt::format("[{}, {}]", json_text(tokens[id]), Json(score).dump());
    before = ",\n    ";
  }
  return out + "\n  ]}";
}

std::string model_text(const TokenizerSpec& spec) {
  if (!spec.pipeline || spec.pipeline->model == ModelKind::kBpe) return bpe_text(spec);
  return spec.pipeline->model == ModelKind::kUnigram ? unigram_text(spec) : word_piece_text(spec);
}

Json truncation(const TokenizerSpec& spec) {
  if (!spec.truncation) return nullptr;
  const Truncation& t = *spec.truncation;
  const char* strategy = t.strategy == Truncation::Strategy::kLongestFirst ? "LongestFirst"
                         : t.strategy == Truncation::Strategy::kOnlyFirst  ? "OnlyFirst"
                                                                           : "OnlySecond";
  return {{"direction", t.from_left ? "Left" : "Right"},
          {"max_length", t.max_length},
          {"strategy", strategy},
          {"stride", t.stride}};
}

Json padding(const TokenizerSpec& spec) {
  if (!spec.padding) return nullptr;
  const Padding& p = *spec.padding;
  return {{"strategy", p.length ? Json{{"Fixed", *p.length}} : Json("BatchLongest")},
          {"direction", p.on_left ? "Left" : "Right"},
          {"pad_to_multiple_of", p.multiple_of ? Json(*p.multiple_of) : Json()},
          {"pad_id", p.id},
          {"pad_type_id", p.type_id},
          {"pad_token", p.token}};
}

// A vocabulary with a mask is an encoder's; Transformers asks for its tokens by these names.
void name_encoder_tokens(const TokenizerSpec& spec, Json& out) {
  const auto name = [&](const char* key, std::string_view token) {
    const auto found = std::find_if(spec.added.begin(), spec.added.end(),
                                    [&](const AddedToken& added) { return added.special && added.content == token; });
    if (found != spec.added.end()) out[key] = token;
  };
  name("mask_token", "[MASK]");
  name("mask_token", "<mask>");
  if (!out.contains("mask_token")) return;
  const bool bert = out["mask_token"] == "[MASK]";
  name("cls_token", bert ? "[CLS]" : "<s>");
  name("sep_token", bert ? "[SEP]" : "</s>");
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
  name_encoder_tokens(spec, out);
  out["add_prefix_space"] = spec.add_prefix_space;
  out["clean_up_tokenization_spaces"] = false;
  out["tokenizer_class"] = "PreTrainedTokenizerFast";
  if (!spec.chat_template.empty()) out["chat_template"] = spec.chat_template;
  return out;
}

}  // namespace

void save_tokenizer(const TokenizerSpec& spec, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  const Json normalizer = spec.pipeline ? spec.pipeline->normalizer : spec.nfc ? Json{{"type", "NFC"}} : Json();
  const Json decoder = spec.pipeline ? spec.pipeline->decoder : byte_level(true, true);
  std::string out = "{\n  \"version\": \"1.0\",\n";
  out += "  \"truncation\": " + truncation(spec).dump() + ",\n";
  out += "  \"padding\": " + padding(spec).dump() + ",\n";
  out += "  \"added_tokens\": " + added_tokens(spec).dump() + ",\n";
  out += "  \"normalizer\": " + normalizer.dump() + ",\n";
  out += "  \"pre_tokenizer\": " + pre_tokenizer(spec).dump() + ",\n";
  out += "  \"post_processor\": " + post_processor(spec).dump() + ",\n";
  out += "  \"decoder\": " + decoder.dump() + ",\n";
  out += "  \"model\": " + model_text(spec) + "\n}\n";
  write_file_atomically(folder / "tokenizer.json", out);
  write_json(folder / "tokenizer_config.json", config(spec));
}

}  // namespace limbeck::text
