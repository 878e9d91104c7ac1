#include "data/encode.h"

#include <algorithm>
#include <ctime>

#include "base/errors.h"
#include "base/phases.h"
#include "text/chat_template.h"
#include "text/continuation.h"

namespace limbeck::data {
namespace {

// For templates that write today's date: 2024-07-26, which Llama 3.1's falls back to. The same rows give the same
// tokens on any day.
constexpr std::time_t kDate = 1721952000;

void append(Example& example, const std::vector<int32_t>& ids, bool learned) {
  example.ids.insert(example.ids.end(), ids.begin(), ids.end());
  example.weights.insert(example.weights.end(), ids.size(), learned ? 1.0f : 0.0f);
}

Example encode(const Row& row, const text::Tokenizer& tokenizer, const text::Continuation& continuation,
               const Limits& limits, const EncodeOptions& options, const std::string& where) {
  using Special = text::Continuation::Special;
  Example example;
  const auto& spec = tokenizer.spec();
  std::size_t begin = 0;  // of the text itself
  const auto add = [&](std::string_view piece, Special special, bool learned) {
    const auto last = example.ids.size() > begin ? std::optional(example.ids.back()) : std::nullopt;
    append(example, continuation.encode(piece, last, special), learned);
  };
  if (!row.messages.empty()) {  // the template writes what begins and ends a text
    for (const auto& piece : in_context(where, [&] { return text::cut_chat(spec, row.messages, kDate); }))
      add(piece.text, Special::kFind, piece.by_assistant || options.loss_on_prompt);
    return example;
  }
  if (spec.add_bos && spec.bos) append(example, {*spec.bos}, false);
  begin = example.ids.size();
  for (const Segment& segment : row.segments)
    add(segment.text, options.special_tokens ? Special::kFind : Special::kText,
        segment.learned || options.loss_on_prompt);
  if (options.end_of_text) append(example, {limits.end_of_text}, true);
  return example;
}

void pad(Example& example, const Limits& limits, const EncodeOptions& options) {
  if (!options.loss_on_pad) return;
  const auto length = static_cast<std::size_t>(options.pad_to_length);
  if (example.ids.size() >= length) return;
  example.ids.resize(length, limits.end_of_text);
  example.weights.resize(length, 1.0f);
}

// The mistakes of many rows in one error, the first ten in full.
class Mistakes {
 public:
  void add(std::string text) {
    if (list_.size() < 10) list_.push_back(std::move(text));
    ++count_;
  }
  void throw_if_any() {
    if (count_ == 0) return;
    if (count_ > static_cast<int64_t>(list_.size()))
      list_.push_back(fmt::format("... and {} more rows", count_ - static_cast<int64_t>(list_.size())));
    throw UserErrors(list_);
  }

 private:
  std::vector<std::string> list_;
  int64_t count_ = 0;
};

}  // namespace

void EncodeOptions::describe(Fields& f) {
  f("max_length", max_length, "tokens of an example; 0: the context of the model", at_least(0));
  f("overflow", overflow, "of rows longer than that",
    {{"refuse", Overflow::kRefuse}, {"truncate", Overflow::kTruncate}, {"skip", Overflow::kSkip}});
  f("loss_on_prompt", loss_on_prompt, "learn to write the prompt too");
  f("special_tokens", special_tokens,
    "text such as <|im_end|> in pairs and texts becomes that token; false: it stays text");
  f("end_of_text", end_of_text, "append the end-of-text token to pairs and texts, so that the model learns to stop");
  f("pad_to_length", pad_to_length, "fill examples up to this many tokens with the end-of-text token; 0: no padding",
    at_least(0));
  f("loss_on_pad", loss_on_pad, "learn the padding; without it padding changes nothing and is left out");
  f.check([this]() -> std::optional<std::string> {
    if (loss_on_pad && pad_to_length == 0) return "loss_on_pad: expected pad_to_length to say how far to pad";
    return std::nullopt;
  });
}

Encoded encode_rows(const std::vector<Row>& rows, const text::Tokenizer& tokenizer, const Limits& limits,
                    const EncodeOptions& options, const std::string& where) {
  const Phase phase("tokenise", "data");
  if (options.max_length > limits.context)
    user_fail("max_length", "expected at most {}, the context of the model, but received {}", limits.context,
              options.max_length);
  const int64_t most = options.max_length > 0 ? options.max_length : limits.context;
  if (options.pad_to_length > most)
    user_fail("pad_to_length", "expected at most {} tokens but received {}", most, options.pad_to_length);

  const text::Continuation continuation(tokenizer);
  Encoded encoded;
  Mistakes mistakes;
  for (const Row& row : rows) {
    const std::string place = fmt::format("{}:{}", where, row.line);
    Example example = encode(row, tokenizer, continuation, limits, options, place);
    const auto length = static_cast<int64_t>(example.ids.size());
    if (length > most && options.overflow == Overflow::kRefuse) {
      mistakes.add(fmt::format("[{}] expected at most {} tokens but received {} (overflow=truncate or skip allows it)",
                               place, most, length));
      continue;
    }
    if (length > most && options.overflow == Overflow::kSkip) {
      ++encoded.num_skipped;
      continue;
    }
    if (length > most) {
      example.ids.resize(most);
      example.weights.resize(most);
      ++encoded.num_truncated;
    }
    pad(example, limits, options);
    const double num_targets =
        example.weights.empty() ? 0 : std::count(example.weights.begin() + 1, example.weights.end(), 1.0f);
    if (num_targets == 0) {
      mistakes.add(fmt::format("[{}] expected something to learn but no token of the row has a loss{}", place,
                               length > most ? " within the first " + std::to_string(most) : ""));
      continue;
    }
    const int32_t largest = *std::max_element(example.ids.begin(), example.ids.end());
    if (largest >= limits.vocab_size) {
      mistakes.add(fmt::format("[{}] expected token ids below {}, the model's vocabulary, but received {}", place,
                               limits.vocab_size, largest));
      continue;
    }
    example.index = static_cast<int64_t>(encoded.examples.size());
    encoded.num_tokens += static_cast<int64_t>(example.ids.size());
    encoded.num_targets += num_targets;
    encoded.examples.push_back(std::move(example));
  }
  mistakes.throw_if_any();
  if (encoded.examples.empty())
    user_fail(where, "expected at least one example but {}",
              rows.empty() ? "there is no row" : "every row was longer than max_length");
  return encoded;
}

}  // namespace limbeck::data
