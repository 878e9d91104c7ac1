#include "text/tokenizer_json.h"

#include <cmath>
#include <unordered_map>

#include "base/errors.h"
#include "base/json.h"
#include "base/printable.h"
#include "text/added_ids.h"
#include "text/component.h"
#include "text/pipeline_tokenizer.h"
#include "text/post_processor.h"
#include "text/pre_tokenizer.h"

namespace limbeck::text {
namespace {

class Reader {
 public:
  Reader(std::string_view text, std::string_view where) : where_(where), root_(parse_json(text, where)) {
    if (!root_.is_object()) fail(where_, "expected a JSON object but received {}", root_.type_name());
  }

  TokenizerSpec read() {
    const Json& model = object(root_, "model");
    const ModelKind kind = kind_of(model);
    if (kind == ModelKind::kUnigram) {
      read_scored_vocabulary(model);
    } else {
      read_vocabulary(object(model, "vocab"));
    }
    if (kind == ModelKind::kBpe) read_merges(model.value("merges", Json()));
    read_added(root_.value("added_tokens", Json()));
    read_post_processor(root_.value("post_processor", Json()));
    read_limits();
    if (kind != ModelKind::kBpe || !is_plain_byte_level(model)) read_pipeline(model, kind);
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

  ModelKind kind_of(const Json& model) const {
    const auto type = model.find("type");
    const std::string name = type == model.end() ? model.contains("merges") ? "BPE" : "WordPiece"  // old files
                             : type->is_string() ? type->get<std::string>()
                                                 : type->dump();
    if (name == "BPE") return ModelKind::kBpe;
    if (name == "Unigram") return ModelKind::kUnigram;
    if (name == "WordPiece") return ModelKind::kWordPiece;
    unsupported("model: expected BPE, Unigram or WordPiece", name);
  }

  std::optional<int32_t> unknown_token(const Json& model) const {
    const auto unk = model.find("unk_token");
    if (unk == model.end() || unk->is_null()) return std::nullopt;
    const std::string token = text(model, "unk_token", "model");
    const auto found = ids_.find(token);
    if (found == ids_.end()) fail(where_, "model: unk_token '{}' is not in the vocabulary", token);
    return found->second;
  }

  void read_pipeline(const Json& model, ModelKind kind) {
    Pipeline pipeline{.model = kind,
                      .normalizer = root_.value("normalizer", Json()),
                      .pre_tokenizer = root_.value("pre_tokenizer", Json()),
                      .decoder = root_.value("decoder", Json()),
                      .byte_fallback = flag(model, "byte_fallback", false),
                      .fuse_unknown = flag(model, "fuse_unk", false),
                      .ignore_merges = flag(model, "ignore_merges", false)};
    if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null() && *dropout != 0)
      unsupported("model: expected no 'dropout'", dropout->dump());
    const Component settings(model, std::string(where_), "model");
    pipeline.continuing_prefix = settings.text("continuing_subword_prefix", kind == ModelKind::kWordPiece ? "##" : "");
    pipeline.end_of_word = settings.text("end_of_word_suffix", "");
    if (kind == ModelKind::kWordPiece)
      pipeline.longest_word = settings.number("max_input_chars_per_word", 0, INT32_MAX, 100);
    if (kind == ModelKind::kUnigram) {
      pipeline.unknown = int32_t(settings.number("unk_id", 0, int64_t(spec_.tokens.size()) - 1));
      pipeline.scores = std::move(scores_);
    } else {
      pipeline.unknown = unknown_token(model);
    }
    check_pipeline(pipeline, where_);
    spec_.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  }

  // [["token", -1.5], ...]
  void read_scored_vocabulary(const Json& model) {
    const auto vocabulary = model.find("vocab");
    if (vocabulary == model.end() || !vocabulary->is_array() || vocabulary->empty())
      fail(where_, "'vocab': expected an array of tokens with scores but received {}",
           vocabulary == model.end() ? "nothing" : vocabulary->type_name());
    vocabulary_count_ = int64_t(vocabulary->size());
    for (const Json& entry : *vocabulary) {
      if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number())
        fail(where_, "vocab entry {}: expected a token and its score but received {}", spec_.tokens.size(),
             printable_value(entry));
      ids_[entry[0].get<std::string>()] = int32_t(spec_.tokens.size());  // that library's trainer writes <unk> twice
      spec_.tokens.push_back(entry[0].get<std::string>());
      scores_.push_back(entry[1].get<double>());
      if (!std::isfinite(scores_.back()))
        fail(where_, "vocab entry {}: expected a finite score but received {}", spec_.tokens.size() - 1,
             printable_value(entry));
    }
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

  // What ByteLevelBpe computes by itself; anything else is a pipeline.
  bool is_plain_byte_level(const Json& model) {
    for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      const auto found = model.find(key);
      if (found != model.end() && !found->is_null() && *found != "") return false;
    }
    if (const auto dropout = model.find("dropout"); dropout != model.end() && !dropout->is_null() && *dropout != 0)
      return false;
    if (flag(model, "byte_fallback", false) || !reads_normalizer(root_.value("normalizer", Json())) ||
        !reads_pre_tokenizer(root_.value("pre_tokenizer", Json())) || !is_byte_level(root_.value("decoder", Json())))
      return false;
    spec_.ignore_merges = flag(model, "ignore_merges", false);
    spec_.fuse_missing_bytes = flag(model, "fuse_unk", false);
    spec_.missing_byte_token = unknown_token(model);
    return true;
  }

  Component component(const Json& step, const char* place) const { return {step, std::string(where_), place}; }

  bool reads_normalizer(const Json& step) {
    for (const Component& one : component(step, "normalizer").flattened("normalizers")) {
      if (one.type() != "NFC") return false;
      spec_.nfc = true;
    }
    return true;
  }

  bool is_byte_level(const Json& step) const {
    const auto steps = component(step, "decoder").flattened("decoders");
    return steps.size() == 1 && steps[0].type() == "ByteLevel";
  }

  // ByteLevel, Digits + ByteLevel, or Split by a published expression + ByteLevel.
  bool reads_pre_tokenizer(const Json& step) {
    const auto steps = component(step, "pre_tokenizer").flattened("pretokenizers");
    if (steps.empty() || steps.size() > 2 || steps.back().type() != "ByteLevel") return false;
    const bool prefix = steps.back().flag("add_prefix_space", true), regex = steps.back().flag("use_regex", true);
    if (steps.size() == 1) {
      spec_.add_prefix_space = prefix;
      return regex;
    }
    if (prefix) return false;
    if (steps[0].type() == "Digits") {
      spec_.pre_tokenizer = PreTokenizer::kSmolLm;
      return regex && steps[0].flag("individual_digits", false);
    }
    return !regex && steps[0].type() == "Split" && reads_split(steps[0]);
  }

  bool reads_split(const Component& split) {
    if (split.text("behavior", "") != "Isolated" || split.flag("invert", false)) return false;
    const Component::Pattern pattern = split.pattern();
    if (!pattern.is_regex) return false;
    if (pattern.text == kGpt2Regex) {
      spec_.pre_tokenizer = PreTokenizer::kGpt2;
    } else if (pattern.text == kLlama3Regex) {
      spec_.pre_tokenizer = PreTokenizer::kLlama3;
    } else if (pattern.text == kQwen2Regex) {
      spec_.pre_tokenizer = PreTokenizer::kQwen2;
    } else {
      return false;
    }
    return true;
  }

  void read_post_processor(const Json& step) {
    int64_t size = int64_t(spec_.tokens.size());
    for (const AddedToken& token : spec_.added) size = std::max<int64_t>(size, int64_t(token.id) + 1);
    const PostProcessor given(component(step, "post_processor"), size);
    const auto one_of = [](const std::vector<int32_t>& ids) {
      return ids.size() == 1 ? std::optional(ids[0]) : std::nullopt;
    };
    spec_.bos = one_of(given.before());
    spec_.eos = one_of(given.after());
    spec_.add_bos = spec_.bos.has_value();
    spec_.add_eos = spec_.eos.has_value();
    if (!(given == PostProcessor(spec_.bos, spec_.eos))) spec_.post_processor = step;
  }

  void read_limits() {
    const Json truncation = root_.value("truncation", Json()), padding = root_.value("padding", Json());
    if (!truncation.is_null()) spec_.truncation = read_truncation(component(truncation, "truncation"));
    if (!padding.is_null()) spec_.padding = read_padding(component(padding, "padding"));
  }

  static bool is_left(const Component& settings) {
    const std::string direction = settings.text("direction", "Right");
    if (direction != "Left" && direction != "Right")
      settings.broken("Left or Right as 'direction'", "'" + printable(direction) + "'");
    return direction == "Left";
  }

  static Truncation read_truncation(const Component& settings) {
    Truncation truncation{.max_length = settings.number("max_length", 0, INT32_MAX),
                          .stride = settings.number("stride", 0, INT32_MAX, 0),
                          .from_left = is_left(settings)};
    const std::string strategy = settings.text("strategy", "LongestFirst");
    if (strategy == "OnlyFirst") {
      truncation.strategy = Truncation::Strategy::kOnlyFirst;
    } else if (strategy == "OnlySecond") {
      truncation.strategy = Truncation::Strategy::kOnlySecond;
    } else if (strategy != "LongestFirst") {
      settings.broken("LongestFirst, OnlyFirst or OnlySecond as 'strategy'", "'" + printable(strategy) + "'");
    }
    return truncation;
  }

  static Padding read_padding(const Component& settings) {
    Padding padding{.id = int32_t(settings.number("pad_id", 0, INT32_MAX, 0)),
                    .type_id = int32_t(settings.number("pad_type_id", 0, INT32_MAX, 0)),
                    .token = settings.text("pad_token", "[PAD]"),
                    .on_left = is_left(settings)};
    constexpr int64_t kMost = 1 << 24;  // tokens
    if (settings.find("pad_to_multiple_of")) padding.multiple_of = settings.number("pad_to_multiple_of", 0, kMost);
    const Json* strategy = settings.find("strategy");
    if (strategy && strategy->is_object()) padding.length = settings.at("strategy").number("Fixed", 0, kMost);
    if (strategy && !strategy->is_object() && *strategy != "BatchLongest")
      settings.broken("BatchLongest or a Fixed length as 'strategy'", printable_value(*strategy));
    return padding;
  }

  const std::string_view where_;
  Json root_;
  TokenizerSpec spec_;
  std::unordered_map<std::string, int32_t> ids_;
  std::vector<double> scores_;  // of a Unigram vocabulary
  int64_t vocabulary_count_ = 0;
};

}  // namespace

TokenizerSpec parse_tokenizer_json(std::string_view json, std::string_view where) {
  return Reader(json, where).read();
}

}  // namespace limbeck::text
