#include "text/tokenizer_json.h"

#include <unordered_map>

#include "base/errors.h"
#include "base/json.h"
#include "text/added_ids.h"
#include "text/pre_tokenizer.h"

namespace limbeck::text {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::string_view where) : where_(where), root_(parse_json(text, where)) {
    if (!root_.is_object()) fail(where_, "expected a JSON object but received {}", root_.type_name());
  }

  TokenizerSpec read() {
    read_model(object(root_, "model"));
    read_added(root_.value("added_tokens", Json()));
    read_normalizer(root_.value("normalizer", Json()));
    read_pre_tokenizer(root_.value("pre_tokenizer", Json()));
    read_post_processor(root_.value("post_processor", Json()));
    read_decoder(root_.value("decoder", Json()));
    return std::move(spec_);
  }

 private:
  [[noreturn]] void unsupported(const std::string& what, const std::string& received) const {
    user_fail(where_, "{} but received {}, which is not supported", what, received);
  }

  const Json& object(const Json& parent, const char* key) const {
    const auto found = parent.find(key);
    if (found == parent.end()) fail(where_, "'{}': expected an object but found none", key);
    if (!found->is_object()) fail(where_, "'{}': expected an object but received {}", key, found->type_name());
    return *found;
  }
  bool flag(const Json& parent, const char* key, bool otherwise) const {
    const auto found = parent.find(key);
    if (found == parent.end() || found->is_null()) return otherwise;
    if (!found->is_boolean()) fail(where_, "'{}': expected true or false but received {}", key, found->type_name());
    return found->get<bool>();
  }
  std::string text(const Json& parent, const char* key, const char* of) const {
    const auto found = parent.find(key);
    if (found == parent.end() || !found->is_string())
      fail(where_, "'{}' of {}: expected a string but received {}", key, of,
           found == parent.end() ? "nothing" : found->type_name());
    return found->get<std::string>();
  }
  int32_t id(const Json& value, const std::string& of, int64_t most) const {
    if (!value.is_number_integer()) fail(where_, "{}: expected an id but received {}", of, value.type_name());
    const bool too_large = value.is_number_unsigned() && value.get<uint64_t>() > uint64_t(most);
    if (too_large || value.get<int64_t>() < 0)
      fail(where_, "{}: expected an id from 0 to {} but received {}", of, most, value.dump());
    return value.get<int32_t>();
  }
  std::string type_of(const Json& step) const {
    if (!step.is_object()) return step.type_name();
    const auto found = step.find("type");
    return found != step.end() && found->is_string() ? found->get<std::string>() : "an object without a type";
  }

  void read_model(const Json& model) {
    if (const auto type = model.find("type"); type != model.end() && *type != "BPE")
      unsupported("model: expected BPE", type->dump());
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const auto found = model.find(key);
      if (found != model.end() && !found->is_null() && *found != "")
        unsupported(fmt::format("model: expected no '{}'", key), found->dump());
    }
    if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null() && *dropout != 0)
      unsupported("model: expected no 'dropout'", dropout->dump());
    if (flag(model, "byte_fallback", false)) unsupported("model: expected no 'byte_fallback'", "true");
    spec_.ignore_merges = flag(model, "ignore_merges", false);
    spec_.fuse_missing_bytes = flag(model, "fuse_unk", false);
    read_vocabulary(object(model, "vocab"));
    if (const auto unk = model.find("unk_token"); unk != model.end() && !unk->is_null()) {
      const std::string token = text(model, "unk_token", "model");
      const auto found = ids_.find(token);
      if (found == ids_.end()) fail(where_, "model: unk_token '{}' is not in the vocabulary", token);
      spec_.missing_byte_token = found->second;
    }
    read_merges(model.value("merges", Json()));
  }

  void read_vocabulary(const Json& vocabulary) {
    // Holes are allowed, but a few tokens cannot claim the memory of a billion.
    const int64_t most = 2 * int64_t(vocabulary.size()) + 65536;
    vocabulary_count_ = int64_t(vocabulary.size());
    for (const auto& [token, value] : vocabulary.items()) {
      const int32_t at = id(value, fmt::format("vocab token '{}'", token), most);
      if (token.empty()) continue;
      if (std::size_t(at) >= spec_.tokens.size()) spec_.tokens.resize(std::size_t(at) + 1);
      std::string& place = spec_.tokens[std::size_t(at)];
      if (!place.empty()) fail(where_, "vocab tokens '{}' and '{}' have the same id {}", place, token, at);
      place = token;
      ids_.emplace(token, at);
    }
  }

  void read_merges(const Json& merges) {
    if (!merges.is_array()) fail(where_, "'merges': expected an array but received {}", merges.type_name());
    spec_.merges.reserve(merges.size());
    for (const Json& merge : merges) {
      const std::size_t rank = spec_.merges.size();
      if (merge.is_string()) {
        const auto& pair = merge.get_ref<const std::string&>();
        const std::size_t space = pair.find(' ');
        if (space == std::string::npos || pair.find(' ', space + 1) != std::string::npos)
          fail(where_, "merge {}: expected two tokens with a space between but received '{}'", rank, pair);
        spec_.merges.emplace_back(pair.substr(0, space), pair.substr(space + 1));
      } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
        spec_.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      } else {
        fail(where_, "merge {}: expected a pair of tokens but received {}", rank, merge.dump().substr(0, 80));
      }
    }
  }

  void read_added(const Json& added) {
    if (added.is_null()) return;
    if (!added.is_array()) fail(where_, "'added_tokens': expected an array but received {}", added.type_name());
    AddedIds ids(vocabulary_count_);
    for (const Json& entry : added) {
      if (!entry.is_object()) fail(where_, "'added_tokens': expected objects but received {}", entry.type_name());
      AddedToken token;
      token.content = text(entry, "content", "an added token");
      if (token.content.empty()) continue;
      token.id = id(entry.value("id", Json()), fmt::format("added token '{}'", token.content), INT32_MAX);
      token.special = flag(entry, "special", false);
      token.single_word = flag(entry, "single_word", false);
      token.lstrip = flag(entry, "lstrip", false);
      token.rstrip = flag(entry, "rstrip", false);
      token.normalized = flag(entry, "normalized", !token.special);
      const auto known = ids_.find(token.content);
      const int64_t expected = ids.next(known == ids_.end() ? std::nullopt : std::optional(known->second));
      if (token.id != expected)
        fail(where_, "added token '{}': expected the id {} but received {}", token.content, expected, token.id);
      spec_.added.push_back(std::move(token));
    }
  }

  void read_normalizer(const Json& step) {
    if (step.is_null()) return;
    const std::string type = type_of(step);
    if (type == "Sequence") {
      for (const Json& inner : step.value("normalizers", Json::array())) read_normalizer(inner);
    } else if (type == "NFC") {
      spec_.nfc = true;
    } else {
      unsupported("normalizer: expected none or NFC", type);
    }
  }

  void flatten(const Json& step, const char* inner_key, std::vector<const Json*>& out) const {
    if (step.is_null()) return;
    if (type_of(step) != "Sequence") return out.push_back(&step);
    const auto inner = step.find(inner_key);
    if (inner == step.end() || !inner->is_array()) fail(where_, "'{}': expected an array in a Sequence", inner_key);
    for (const Json& next : *inner) flatten(next, inner_key, out);
  }

  void read_pre_tokenizer(const Json& step) {
    std::vector<const Json*> steps;
    flatten(step, "pretokenizers", steps);
    std::string names;
    for (const Json* one : steps) names += (names.empty() ? "" : " + ") + type_of(*one);
    const std::string known = "pre_tokenizer: expected ByteLevel, Digits + ByteLevel or Split + ByteLevel";
    if (names == "ByteLevel") {
      if (!flag(*steps[0], "use_regex", true)) unsupported(known, "ByteLevel with use_regex false");
      spec_.add_prefix_space = flag(*steps[0], "add_prefix_space", true);
      return;
    }
    if (names != "Digits + ByteLevel" && names != "Split + ByteLevel")
      unsupported(known, names.empty() ? "none" : names);
    if (flag(*steps[1], "add_prefix_space", true)) unsupported(known, names + " with add_prefix_space");
    if (type_of(*steps[0]) == "Digits") {
      if (!flag(*steps[0], "individual_digits", false)) unsupported(known, "Digits without individual_digits");
      if (!flag(*steps[1], "use_regex", true)) unsupported(known, names + " with use_regex false");
      spec_.pre_tokenizer = PreTokenizer::kSmolLm;
      return;
    }
    if (flag(*steps[1], "use_regex", true)) unsupported(known, names + " with use_regex");
    read_split(*steps[0]);
  }

  void read_split(const Json& split) {
    const std::string behavior = text(split, "behavior", "Split");
    if (behavior != "Isolated" || flag(split, "invert", false))
      unsupported("Split: expected the behavior Isolated, not inverted", behavior);
    const std::string regex = text(object(split, "pattern"), "Regex", "Split's pattern");
    if (regex == kGpt2Regex) {
      spec_.pre_tokenizer = PreTokenizer::kGpt2;
    } else if (regex == kLlama3Regex) {
      spec_.pre_tokenizer = PreTokenizer::kLlama3;
    } else if (regex == kQwen2Regex) {
      spec_.pre_tokenizer = PreTokenizer::kQwen2;
    } else {
      unsupported("Split: expected the regular expression of GPT-2, Llama-3 or Qwen2", "'" + regex + "'");
    }
  }

  void read_post_processor(const Json& step) {
    std::vector<const Json*> steps;
    flatten(step, "processors", steps);
    for (const Json* one : steps) {
      const std::string type = type_of(*one);
      if (type == "TemplateProcessing") {
        read_template(*one);
      } else if (type != "ByteLevel") {
        unsupported("post_processor: expected ByteLevel or TemplateProcessing", type);
      }
    }
  }

  // The pieces of a text alone: at most one token before it (bos) and one after (eos).
  void read_template(const Json& step) {
    const auto single = step.find("single");
    if (single == step.end() || !single->is_array()) fail(where_, "TemplateProcessing: expected an array 'single'");
    bool after_text = false;
    for (const Json& piece : *single) {
      if (piece.is_object() && piece.contains("Sequence")) {
        if (after_text) unsupported("TemplateProcessing: expected the text once", "it twice");
        after_text = true;
        continue;
      }
      if (!piece.is_object() || !piece.contains("SpecialToken"))
        fail(where_, "TemplateProcessing: expected a Sequence or a SpecialToken but received {}", piece.dump());
      const std::string name = text(object(piece, "SpecialToken"), "id", "SpecialToken");
      auto& wanted = after_text ? spec_.eos : spec_.bos;
      bool& add = after_text ? spec_.add_eos : spec_.add_bos;
      const Json ids = object(object(step, "special_tokens"), name.c_str()).value("ids", Json());
      if (add || !ids.is_array() || ids.size() != 1)
        unsupported("TemplateProcessing: expected at most one token before the text and one after", single->dump());
      wanted = id(ids[0], "TemplateProcessing's token '" + name + "'", INT32_MAX);
      add = true;
    }
    if (!after_text) unsupported("TemplateProcessing: expected the text", "none");
  }

  void read_decoder(const Json& step) {
    std::vector<const Json*> steps;
    flatten(step, "decoders", steps);
    if (steps.size() != 1 || type_of(*steps[0]) != "ByteLevel")
      unsupported("decoder: expected ByteLevel", steps.empty() ? "none" : type_of(*steps[0]));
  }

  const std::string_view where_;
  Json root_;
  TokenizerSpec spec_;
  std::unordered_map<std::string, int32_t> ids_;
  int64_t vocabulary_count_ = 0;
};

}  // namespace

TokenizerSpec parse_tokenizer_json(std::string_view json, std::string_view where) {
  return Reader(json, where).read();
}

}  // namespace limbeck::text
