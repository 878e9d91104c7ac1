#include "data/task_encode.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>  // std::isalnum
#include <optional>

#include "base/errors.h"
#include "base/phases.h"
#include "text/post_processor.h"

namespace limbeck::data {
namespace {

using text::PostProcessor;

text::Truncation::Strategy strategy_of(Overlong overlong) {
  if (overlong == Overlong::kOnlyFirst) return text::Truncation::Strategy::kOnlyFirst;
  if (overlong == Overlong::kOnlySecond) return text::Truncation::Strategy::kOnlySecond;
  return text::Truncation::Strategy::kLongestFirst;
}

// A text's ids piece by piece: the places of pieces in it survive cutting.
struct PiecedText {
  std::vector<int32_t> ids;
  std::vector<PieceTokens> pieces;  // tokens counted within the text
};

class SplitEncoder {
 public:
  SplitEncoder(const TaskDescription& task, const text::Tokenizer& tokenizer, const TaskLimits& limits,
               const TaskEncodeOptions& options)
      : task_(task),
        tokenizer_(tokenizer),
        limits_(limits),
        options_(options),
        most_(options.max_length > 0 ? std::min(options.max_length, limits.context) : limits.context),
        space_matters_(tokenizer.encode_ordinary("a") != tokenizer.encode_ordinary(" a")) {}

  EncodedSplit encode(const TaskSplit& split) {
    result_.name = split.name;
    for (const TaskRow& row : split.rows) add(row);
    if (num_overlong_ > 0) {
      if (num_overlong_ > static_cast<int64_t>(mistakes_.size()))
        mistakes_.push_back(fmt::format("[{}] {} rows are too long in all", split.name, num_overlong_));
      throw UserErrors(mistakes_);
    }
    return std::move(result_);
  }

 private:
  void add(const TaskRow& row) {
    Example example{.index = static_cast<int64_t>(result_.examples.size())};
    cut_ = false;
    switch (task_.kind) {
      case TaskKind::kClasses:
        append(example, row, row.first, task_.pair.empty() ? nullptr : &row.second);
        result_.classes.push_back(row.label < 0 ? kNoLabel : row.label);
        break;
      case TaskKind::kScore:
        append(example, row, row.first, task_.pair.empty() ? nullptr : &row.second);
        result_.scores.push_back(row.score);
        break;
      case TaskKind::kChoice:
        for (const std::string& choice : row.choices) {
          if (!example.ids.empty()) example.further.push_back(static_cast<int64_t>(example.ids.size()));
          append(example, row, row.first, &choice);
        }
        result_.classes.push_back(row.label < 0 ? kNoLabel : row.label);
        break;
      case TaskKind::kTags:
        add_tagged(example, row);
        break;
      case TaskKind::kSpan:
        add_span(example, row);
        break;
    }
    if (std::all_of(example.types.begin(), example.types.end(), [](int32_t type) { return type == 0; }))
      example.types.clear();
    result_.num_cut += cut_;
    result_.num_tokens += static_cast<int64_t>(example.ids.size());
    result_.examples.push_back(std::move(example));
  }

  void append(Example& example, const TaskRow& row, const std::string& first, const std::string* second) {
    std::vector<int32_t> a = tokenizer_.encode_rendered(first), b;
    if (second != nullptr) b = tokenizer_.encode_rendered(*second);
    append(example, row, std::move(a), second != nullptr ? &b : nullptr);
  }

  // Cuts where it must and puts the special tokens around.
  void append(Example& example, const TaskRow& row, std::vector<int32_t> a, std::vector<int32_t>* b) {
    const PostProcessor& around = tokenizer_.post_processor();
    const int64_t added = around.num_added(b != nullptr), all = length(a) + (b ? length(*b) : 0);
    result_.longest = std::max(result_.longest, std::min(all, most_ - added) + added);
    if (all + added > most_) {
      cut_ = true;
      if (options_.overlong == Overlong::kRefuse) return refuse(row, all + added);
      if (options_.overlong == Overlong::kOnlySecond && b == nullptr)
        user_fail(row.where, "expected two texts for overlong = \"only-second\" but the task has one");
      in_context(row.where, [&] {
        text::truncate({.strategy = strategy_of(options_.overlong)}, std::max<int64_t>(most_ - added, 0), a, b);
      });
    }
    const text::Encoding encoding = around.process(std::move(a), b, PostProcessor::Special::kAdd);
    for (const int32_t id : encoding.ids)
      if (id < 0 || id >= limits_.vocab_size)
        user_fail(row.where,
                  "expected tokens below {} (the model's vocabulary) but received {}; is the tokenizer that "
                  "of the model?",
                  limits_.vocab_size, id);
    example.ids.insert(example.ids.end(), encoding.ids.begin(), encoding.ids.end());
    for (const int32_t type : encoding.type_ids) example.types.push_back(limits_.types ? type : 0);
  }

  // Where the second text (or the only one) begins within its example.
  int64_t begin_of(const std::vector<int32_t>& a, const std::vector<int32_t>* b) const {
    constexpr int32_t kMark = -1;  // is no id
    const std::vector<int32_t> none, mark = {kMark};
    const text::Encoding marked = b == nullptr
                                      ? tokenizer_.post_processor().process(mark, nullptr, PostProcessor::Special::kAdd)
                                      : tokenizer_.post_processor().process(a, &mark, PostProcessor::Special::kAdd);
    return std::find(marked.ids.begin(), marked.ids.end(), kMark) - marked.ids.begin();
  }

  void add_piece(PiecedText& text, std::string_view piece, bool after_space, int64_t at) const {
    const std::vector<int32_t> ids =
        tokenizer_.encode_ordinary(space_matters_ && after_space ? " " + std::string(piece) : std::string(piece));
    const int64_t begin = length(text.ids);
    text.ids.insert(text.ids.end(), ids.begin(), ids.end());
    text.pieces.push_back({.begin = begin,
                           .end = length(text.ids),
                           .text_begin = at,
                           .text_end = at + static_cast<int64_t>(piece.size())});
  }

  // Moves pieces to where they stand in the example; those beyond `kept` tokens of the text are gone.
  int64_t place_pieces(std::vector<PieceTokens>& pieces, int64_t begin, int64_t kept) const {
    int64_t lost = 0;
    for (PieceTokens& piece : pieces) {
      if (piece.begin >= kept && piece.end > piece.begin) ++lost;
      piece.end = std::min(piece.end, kept);
      piece.begin = std::min(piece.begin, kept);
      piece.begin += begin, piece.end += begin;
    }
    return lost;
  }

  void add_tagged(Example& example, const TaskRow& row) {
    PiecedText text;
    for (const std::string& word : row.words) add_piece(text, word, true, 0);
    append(example, row, text.ids, nullptr);
    const int64_t added = tokenizer_.post_processor().num_added(false);
    result_.num_lost_words +=
        place_pieces(text.pieces, begin_of(text.ids, nullptr), std::max<int64_t>(length(example.ids) - added, 0));
    std::vector<int64_t> tags(example.ids.size(), kNoLabel);
    for (std::size_t w = 0; w < row.tags.size(); ++w)
      if (text.pieces[w].begin < text.pieces[w].end) tags[text.pieces[w].begin] = row.tags[w];
    result_.tags.push_back(std::move(tags));
    result_.pieces.push_back(std::move(text.pieces));
  }

  // Runs of letters and digits, and every other character alone.
  PiecedText pieced(const std::string& text) const {
    PiecedText result;
    bool after_space = false;
    const auto is_word = [&](std::size_t at) {
      const auto byte = static_cast<unsigned char>(text[at]);
      return byte >= 0x80 || std::isalnum(byte) != 0;
    };
    for (std::size_t at = 0; at < text.size();) {
      if (std::isspace(static_cast<unsigned char>(text[at])) != 0) {
        after_space = true, ++at;
        continue;
      }
      std::size_t end = at + 1;
      if (is_word(at))
        while (end < text.size() && is_word(end)) ++end;
      add_piece(result, std::string_view(text).substr(at, end - at), after_space, static_cast<int64_t>(at));
      after_space = false, at = end;
    }
    return result;
  }

  void add_span(Example& example, const TaskRow& row) {
    std::vector<int32_t> question = tokenizer_.encode_rendered(row.first);
    PiecedText context = pieced(row.second);
    std::vector<int32_t> second = context.ids;
    if (options_.overlong != Overlong::kRefuse) {
      const int64_t added = tokenizer_.post_processor().num_added(true);
      const int64_t room = std::max<int64_t>(most_ - added, 0);
      cut_ = length(question) + length(second) > room;
      in_context(row.where,
                 [&] { text::truncate({.strategy = strategy_of(options_.overlong)}, room, question, &second); });
    }
    const bool was_cut = cut_;
    append(example, row, question, &second);
    cut_ |= was_cut;
    place_pieces(context.pieces, begin_of(question, &second), length(second));
    std::pair<int64_t, int64_t> span = {0, 0};
    if (!row.answers.empty()) {
      const TaskAnswer& answer = row.answers.front();
      const int64_t end = answer.begin + static_cast<int64_t>(answer.text.size());
      std::optional<int64_t> first, last;
      for (const PieceTokens& piece : context.pieces) {
        if (piece.text_end <= answer.begin || piece.text_begin >= end || piece.begin == piece.end) continue;
        if (!first) first = piece.begin;
        last = piece.end - 1;
      }
      if (first)
        span = {*first, *last};
      else
        ++result_.num_lost_answers;
    }
    result_.spans.push_back(span);
    result_.pieces.push_back(std::move(context.pieces));
  }

  void refuse(const TaskRow& row, int64_t received) {
    constexpr std::size_t kShown = 10;
    ++num_overlong_;
    if (mistakes_.size() < kShown)
      mistakes_.push_back(fmt::format(
          "[{}] expected at most {} tokens but received {}; overlong = longest-first, only-first or only-second cuts "
          "such rows and counts them",
          row.where, most_, received));
  }

  static int64_t length(const std::vector<int32_t>& ids) { return static_cast<int64_t>(ids.size()); }

  const TaskDescription& task_;
  const text::Tokenizer& tokenizer_;
  const TaskLimits& limits_;
  const TaskEncodeOptions& options_;
  const int64_t most_;
  const bool space_matters_;  // a byte-level BPE makes another token of a word that follows a space
  EncodedSplit result_;
  std::vector<std::string> mistakes_;
  int64_t num_overlong_ = 0;
  bool cut_ = false;
};

}  // namespace

void TaskEncodeOptions::describe(Fields& f) {
  f("max_length", max_length, "tokens of a text or pair, special ones included; 0: what the model takes", at_least(0));
  f("overlong", overlong,
    "rows of more tokens: refuse them, or cut them and count them: the longer text of a pair first, the first, the "
    "second",
    {{"refuse", Overlong::kRefuse},
     {"longest-first", Overlong::kLongestFirst},
     {"only-first", Overlong::kOnlyFirst},
     {"only-second", Overlong::kOnlySecond}});
}

EncodedSplit encode_split(const TaskSplit& split, const TaskDescription& task, const text::Tokenizer& tokenizer,
                          const TaskLimits& limits, const TaskEncodeOptions& options) {
  const Phase phase("tokenise", "data");
  return SplitEncoder(task, tokenizer, limits, options).encode(split);
}

std::string size_text(const EncodedSplit& split) {
  std::string text = fmt::format("{}: {} rows, {} tokens, the longest {}", split.name, split.examples.size(),
                                 split.num_tokens, split.longest);
  if (split.num_cut > 0) text += fmt::format(", {} rows cut", split.num_cut);
  if (split.num_lost_words > 0) text += fmt::format(", {} words cut off", split.num_lost_words);
  if (split.num_lost_answers > 0) text += fmt::format(", {} answers cut off", split.num_lost_answers);
  return text;
}

}  // namespace limbeck::data
