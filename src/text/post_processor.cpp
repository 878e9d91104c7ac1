#include "text/post_processor.h"

#include "base/printable.h"
#include "text/tokenizer.h"

namespace limbeck::text {
namespace {

int32_t special_id(const Json& value, const Component& step, int64_t vocab_size) {
  if (!value.is_number_integer() || value < 0 || value >= vocab_size)
    step.broken(fmt::format("a token's id below {}", vocab_size), printable_value(value));
  return value.get<int32_t>();
}

}  // namespace

PostProcessor::PostProcessor() : PostProcessor(std::nullopt, std::nullopt) {}

PostProcessor::PostProcessor(std::optional<int32_t> bos, std::optional<int32_t> eos) {
  const auto add = [&](std::vector<Part>& parts, Part::Kind kind, int32_t type_id) {
    if (bos) parts.push_back(special(*bos, type_id));
    parts.push_back({kind, {}, type_id});
    if (eos) parts.push_back(special(*eos, type_id));
  };
  add(single_, Part::Kind::kFirst, 0);
  add(pair_, Part::Kind::kFirst, 0);
  add(pair_, Part::Kind::kSecond, 1);
  note_what_surrounds();
}

PostProcessor::PostProcessor(const Component& component, int64_t vocab_size) : PostProcessor() {
  bool found = false;
  for (const Component& step : component.flattened("processors")) {
    const std::string type = step.type();
    if (type == "ByteLevel") continue;  // about offsets only
    if (type != "TemplateProcessing" && type != "BertProcessing" && type != "RobertaProcessing")
      step.refuse("a post-processor that this program knows", type);
    if (found) step.refuse("at most one post-processor that adds tokens", "a second, " + type);
    found = true;
    if (type == "TemplateProcessing") {
      single_ = read_template(step, "single", vocab_size);
      pair_ = read_template(step, "pair", vocab_size);
    } else {
      set_classic(step, vocab_size, type == "RobertaProcessing");
    }
  }
  note_what_surrounds();
}

// "[CLS] A [SEP]" and "[CLS] A [SEP] B [SEP]"; RoBERTa has another separator between and a single type.
void PostProcessor::set_classic(const Component& step, int64_t vocab_size, bool roberta) {
  const auto id_of = [&](const char* key) {  // ["[SEP]", 102]
    const Json* token = step.find(key);
    if (!token || !token->is_array() || token->size() != 2)
      step.broken(fmt::format("a token and its id as '{}'", key), token ? printable_value(*token) : "nothing");
    return special_id((*token)[1], step, vocab_size);
  };
  const int32_t cls = id_of("cls"), sep = id_of("sep"), second = roberta ? 0 : 1;
  single_ = {special(cls, 0), {Part::Kind::kFirst, {}, 0}, special(sep, 0)};
  pair_ = single_;
  if (roberta) pair_.push_back(special(sep, 0));
  pair_.push_back({Part::Kind::kSecond, {}, second});
  pair_.push_back(special(sep, second));
}

std::vector<PostProcessor::Part> PostProcessor::read_template(const Component& step, const char* key,
                                                              int64_t vocab_size) {
  std::vector<Part> parts;
  for (const Component& piece : step.list(key)) {
    if (piece.find("Sequence")) {
      const Component sequence = piece.at("Sequence");
      const std::string id = sequence.text("id");
      if (id != "A" && id != "B") sequence.broken("A or B as 'id'", "'" + printable(id) + "'");
      if (id == "B" && std::string_view(key) == "single") sequence.broken("only A in 'single'", "B");
      parts.push_back({id == "A" ? Part::Kind::kFirst : Part::Kind::kSecond,
                       {},
                       int32_t(sequence.number("type_id", 0, INT32_MAX))});
      continue;
    }
    const Component token = piece.at("SpecialToken");
    const std::string name = token.text("id");
    const Component known = step.at("special_tokens").at(name.c_str());
    Part part{Part::Kind::kSpecial, {}, int32_t(token.number("type_id", 0, INT32_MAX))};
    for (const Component& id : known.list("ids")) part.ids.push_back(special_id(id.json(), id, vocab_size));
    parts.push_back(std::move(part));
  }
  return parts;
}

void PostProcessor::note_what_surrounds() {
  before_.clear();
  after_.clear();
  int texts = 0;
  for (const Part& part : single_) {
    if (part.kind != Part::Kind::kSpecial) {
      ++texts;
      continue;
    }
    auto& place = texts == 0 ? before_ : after_;
    place.insert(place.end(), part.ids.begin(), part.ids.end());
  }
  simple_ = texts == 1;
}

int64_t PostProcessor::num_added(bool is_pair) const {
  int64_t count = 0;
  for (const Part& part : is_pair ? pair_ : single_) count += int64_t(part.ids.size());
  return count;
}

Encoding PostProcessor::process(std::vector<int32_t> a, const std::vector<int32_t>* b, Special add) const {
  Encoding out;
  for (const Part& part : b ? pair_ : single_) {
    if (part.kind == Part::Kind::kSpecial && add == Special::kLeaveOut) continue;
    const auto& ids = part.kind == Part::Kind::kSpecial ? part.ids : part.kind == Part::Kind::kFirst ? a : *b;
    out.ids.insert(out.ids.end(), ids.begin(), ids.end());
    out.type_ids.insert(out.type_ids.end(), ids.size(), part.type_id);
  }
  out.mask.assign(out.ids.size(), 1);
  return out;
}

PostProcessor make_post_processor(const TokenizerSpec& spec, int64_t vocab_size) {
  if (!spec.post_processor.is_null())
    return PostProcessor(Component(spec.post_processor, "tokenizer", "post_processor"), vocab_size);
  return PostProcessor(spec.add_bos ? spec.bos : std::nullopt, spec.add_eos ? spec.eos : std::nullopt);
}

// Of every tokenizer.
Encoding Tokenizer::encode_pair(const TextPair& texts) const {
  std::vector<int32_t> second;
  if (texts.second) second = encode_rendered(*texts.second);
  return post_processor().process(encode_rendered(texts.first), texts.second ? &second : nullptr,
                                  PostProcessor::Special::kAdd);
}

std::vector<Encoding> Tokenizer::encode_batch(std::span<const TextPair> texts) const {
  std::vector<Encoding> encodings;
  encodings.reserve(texts.size());
  std::size_t longest = 0;
  for (const TextPair& pair : texts) {
    std::vector<int32_t> first = encode_rendered(pair.first), second;
    if (pair.second) second = encode_rendered(*pair.second);
    std::vector<int32_t>* other = pair.second ? &second : nullptr;
    if (const auto& truncation = spec().truncation) {
      const int64_t room = truncation->max_length - post_processor().num_added(pair.second.has_value());
      if (room < 0)
        user_fail("tokenizer", "truncation: expected a max_length that leaves room for special tokens but received {}",
                  truncation->max_length);
      truncate(*truncation, room, first, other);
    }
    encodings.push_back(post_processor().process(std::move(first), other, PostProcessor::Special::kAdd));
    longest = std::max(longest, encodings.back().ids.size());
  }
  if (const auto& padding = spec().padding)
    for (Encoding& encoding : encodings) pad(*padding, padded_length(*padding, int64_t(longest)), encoding);
  return encodings;
}

}  // namespace limbeck::text
