#include "data/text_pieces.h"

#include <algorithm>
#include <cmath>

#include "base/errors.h"
#include "base/interrupt.h"
#include "text/post_processor.h"

namespace limbeck::data {
namespace {

// The ids of each text without special tokens.
std::vector<std::vector<int32_t>> ids_of_texts(std::span<const std::string_view> texts,
                                               const text::Tokenizer& tokenizer) {
  std::vector<std::vector<int32_t>> ids(texts.size());
  constexpr std::size_t kTextsAtOnce = 1 << 15;  // between two looks at Ctrl-C
  for (std::size_t begin = 0; begin < texts.size(); begin += kTextsAtOnce) {
    throw_if_interrupted("run the same command again");
    const auto end = static_cast<int64_t>(std::min(begin + kTextsAtOnce, texts.size()));
#pragma omp parallel for schedule(dynamic, 64)
    for (int64_t i = static_cast<int64_t>(begin); i < end; ++i)
      ids[static_cast<std::size_t>(i)] = tokenizer.encode_ordinary(texts[static_cast<std::size_t>(i)]);
  }
  return ids;
}

class Cut {
 public:
  Cut(const text::Tokenizer& tokenizer, const TextPieceOptions& options)
      : before_(tokenizer.post_processor().before()),
        after_(tokenizer.post_processor().after()),
        unknown_(tokenizer.spec().unk.value_or(-1)),
        options_(options),
        room_(static_cast<std::size_t>(options.max_length) - before_.size() - after_.size()) {}

  // Ids of one text: examples of their own.
  void add_alone(std::span<const int32_t> ids) {
    for (std::size_t at = 0; at < ids.size(); at += room_)
      add_example(ids.subspan(at, std::min(room_, ids.size() - at)));
  }

  // After what came before, with what ends a text between the two.
  void add_behind(std::span<const int32_t> ids) {
    if (!open_.empty()) append(after_);
    append(ids);
  }

  TextPieces finish() {
    if (!open_.empty()) add_example(open_);
    return std::move(pieces_);
  }

 private:
  void append(std::span<const int32_t> ids) {
    for (const int32_t id : ids) {
      open_.push_back(id);
      if (open_.size() < room_) continue;
      add_example(open_);
      open_.clear();
    }
  }

  void add_example(std::span<const int32_t> ids) {
    const std::size_t length = before_.size() + ids.size() + after_.size();
    const auto unknown = static_cast<double>(std::count(ids.begin(), ids.end(), unknown_));
    if (static_cast<int64_t>(length) < options_.min_length) {
      ++pieces_.num_short;
    } else if (unknown >= options_.most_unknown * static_cast<double>(length) && unknown > 0) {
      ++pieces_.num_unknown;
    } else {
      Example example{.index = static_cast<int64_t>(pieces_.examples.size())};
      example.ids.reserve(length);
      example.ids.insert(example.ids.end(), before_.begin(), before_.end());
      example.ids.insert(example.ids.end(), ids.begin(), ids.end());
      example.ids.insert(example.ids.end(), after_.begin(), after_.end());
      pieces_.num_tokens += static_cast<int64_t>(length);
      pieces_.examples.push_back(std::move(example));
    }
  }

  const std::vector<int32_t>&before_, &after_;
  const int32_t unknown_;
  const TextPieceOptions& options_;
  const std::size_t room_;
  std::vector<int32_t> open_;  // of an example that is not full yet
  TextPieces pieces_;
};

}  // namespace

void TextPieceOptions::describe(Fields& f) {
  f("max_length", max_length, "tokens of an example, special ones included; longer texts are cut into several",
    at_least(4));
  f("packing", packing, "lines: each text is an example of its own; full: texts one after another fill each example",
    {{"lines", Packing::kLines}, {"full", Packing::kFull}});
  f("min_length", min_length, "examples of fewer tokens are left out and counted", at_least(0));
  f("most_unknown", most_unknown, "examples with so large a share of unknown tokens are left out and counted",
    Range{.low = 0, .high = 1, .low_open = true});
}

TextPieces cut_texts(std::span<const std::string_view> texts, const text::Tokenizer& tokenizer,
                     const TextPieceOptions& options, int64_t context, const std::string& where) {
  if (options.max_length > context)
    user_fail("max_length", "expected at most {}, the model's context, but received {}", context, options.max_length);
  Cut cut(tokenizer, options);
  for (const auto& ids : ids_of_texts(texts, tokenizer)) {
    if (options.packing == Packing::kLines)
      cut.add_alone(ids);
    else if (!ids.empty())
      cut.add_behind(ids);
  }
  TextPieces pieces = cut.finish();
  if (pieces.examples.empty())
    user_fail(where,
              "expected texts to learn from but of {} none is left ({} examples too short, {} with too many unknown "
              "tokens)",
              texts.size(), pieces.num_short, pieces.num_unknown);
  return pieces;
}

HeldOut hold_out(std::span<const std::string_view> texts, double share, Seed seed) {
  const auto held = static_cast<std::size_t>(std::llround(share * static_cast<double>(texts.size())));
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  Random(seed).shuffle(order);
  std::vector<bool> is_held(texts.size());
  for (std::size_t i = 0; i < std::min(held, order.size()); ++i) is_held[order[i]] = true;
  HeldOut parts;
  for (std::size_t i = 0; i < texts.size(); ++i) (is_held[i] ? parts.dev : parts.train).push_back(texts[i]);
  return parts;
}

std::string size_text(const TextPieces& pieces) {
  std::string text = fmt::format("{} examples, {} tokens", pieces.examples.size(), pieces.num_tokens);
  if (pieces.num_short > 0) text += fmt::format(", {} left out as too short", pieces.num_short);
  if (pieces.num_unknown > 0) text += fmt::format(", {} left out as mostly unknown", pieces.num_unknown);
  return text;
}

}  // namespace limbeck::data
