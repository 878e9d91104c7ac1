#include "text/train_tokenizer.h"

#include <algorithm>

#include "base/errors.h"
#include "base/files.h"
#include "base/json.h"
#include "base/printable.h"
#include "text/bpe_trainer.h"
#include "text/byte_alphabet.h"
#include "text/components_json.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"
#include "text/vocabulary_files.h"
#include "text/word_counts.h"

namespace limbeck::text {
namespace {

const std::vector<std::string> kBertTokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
const std::vector<std::string> kRobertaTokens = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};

bool has(const std::vector<std::string>& tokens, const std::string& token) {
  return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
}

void check_special_tokens(const std::vector<std::string>& tokens, TrainedKind kind) {
  std::vector<std::string> mistakes;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::string& token = tokens[i];
    if (token.empty() || valid_utf8_prefix(token) != token.size() || token.find('\n') != std::string::npos)
      mistakes.push_back(
          fmt::format("[special_tokens] expected texts without line breaks but received '{}'", printable(token)));
    if (std::find(tokens.begin(), tokens.begin() + int64_t(i), token) != tokens.begin() + int64_t(i))
      mistakes.push_back(fmt::format("[special_tokens] expected each once but received '{}' twice", printable(token)));
  }
  if (kind == TrainedKind::kWordPiece)
    for (const char* needed : {"[UNK]", "[CLS]", "[SEP]"})
      if (!has(tokens, needed))
        mistakes.push_back(
            fmt::format("[special_tokens] expected {} among those of a WordPiece vocabulary but found it not", needed));
  if (!mistakes.empty()) throw UserErrors(std::move(mistakes));
}

std::vector<std::string> byte_alphabet() {
  std::vector<std::string> alphabet;
  for (int b = 0; b < 256; ++b) {
    const char byte = char(b);
    alphabet.push_back(bytes_to_alphabet({&byte, 1}));
  }
  return alphabet;
}

std::string vocab_txt_of(const std::vector<std::string>& tokens) {
  std::string lines;
  for (const std::string& token : tokens) lines += token + "\n";
  return lines;
}

std::string vocab_json_of(const std::vector<std::string>& tokens) {
  std::string json = "{";
  for (std::size_t id = 0; id < tokens.size(); ++id)
    json += (id == 0 ? "" : ", ") + Json(tokens[id]).dump() + ": " + std::to_string(id);
  return json + "}\n";
}

std::string merges_txt_of(const std::vector<std::pair<std::string, std::string>>& merges) {
  std::string lines = "#version: 0.2\n";
  for (const auto& [left, right] : merges) lines += left + " " + right + "\n";
  return lines;
}

// What cuts the texts: as the finished tokenizer will.
TokenizerSpec cutting_spec(const TokenizerTraining& training) {
  TokenizerSpec spec;
  if (training.kind == TrainedKind::kBpe) return spec;
  Pipeline pipeline{.model = ModelKind::kWordPiece};
  pipeline.normalizer = components::bert_normalizer(training.lowercase, Json(), true);
  pipeline.pre_tokenizer = {{"type", "BertPreTokenizer"}};
  spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  return spec;
}

TokenizerSpec finished_spec(TrainedBpe trained, const TokenizerTraining& training,
                            const std::vector<std::string>& special) {
  TokenizerSpec spec;
  if (training.kind == TrainedKind::kWordPiece) {
    spec = spec_from_vocab_txt(vocab_txt_of(trained.tokens), {{"do_lower_case", training.lowercase}}, "vocabulary");
  } else {
    const bool roberta = has(special, "<s>") && has(special, "</s>");
    const Json config = roberta ? Json{{"tokenizer_class", "RobertaTokenizer"}} : Json::object();
    spec = spec_from_tokens_and_merges(std::move(trained.tokens), std::move(trained.merges), config, "vocabulary");
  }
  for (const std::string& token : special) {
    const auto id = int32_t(std::find(special.begin(), special.end(), token) - special.begin());
    if (std::none_of(spec.added.begin(), spec.added.end(), [&](auto& added) { return added.id == id; }))
      spec.added.push_back({.id = id, .content = token, .special = true});
    if (token == "<unk>") spec.unk = id;
    if (token == "<pad>") spec.pad = id;
    if (token == "<|endoftext|>" && !spec.eos) spec.bos = spec.eos = id;
  }
  return spec;
}

}  // namespace

void TokenizerTraining::describe(Fields& f) {
  f("kind", kind, "wordpiece: as BERT's, on words and punctuation; bpe: as GPT-2's and RoBERTa's, on bytes",
    {{"wordpiece", TrainedKind::kWordPiece}, {"bpe", TrainedKind::kBpe}});
  f("vocab_size", vocab_size, "tokens, special ones and single characters included; fewer when pairs run out",
    Range{.low = 1, .high = 1 << 24});
  f("min_frequency", min_frequency, "how often a pair must occur to become a token", at_least(1));
  f("limit_alphabet", limit_alphabet,
    "with wordpiece: the most characters; words with rarer ones become [UNK]. 0: all that occur", at_least(0));
  f("special_tokens", special_tokens,
    "in the order of their ids, from 0; none given: [PAD] [UNK] [CLS] [SEP] [MASK], or <s> <pad> </s> <unk> <mask>");
  f("lowercase", lowercase, "with wordpiece: texts become lower case and lose their accents");
}

TrainedTokenizer train_tokenizer(std::span<const std::string_view> texts, const TokenizerTraining& training) {
  const bool bytes = training.kind == TrainedKind::kBpe;
  const auto& special = !training.special_tokens.empty() ? training.special_tokens
                        : bytes                          ? kRobertaTokens
                                                         : kBertTokens;
  check_special_tokens(special, training.kind);
  const auto words = count_words(texts, cutting_spec(training));
  if (words.empty()) user_fail("train_tokenizer", "expected texts with words but received {} without", texts.size());
  TrainedBpe trained = train_bpe(words, {.vocab_size = training.vocab_size,
                                         .min_frequency = training.min_frequency,
                                         .limit_alphabet = bytes ? 0 : training.limit_alphabet,
                                         .special_tokens = special,
                                         .initial_alphabet = bytes ? byte_alphabet() : std::vector<std::string>{},
                                         .continuing_prefix = bytes ? "" : "##"});
  TrainedTokenizer result{.num_distinct = int64_t(words.size()),
                          .num_special = trained.num_special,
                          .num_characters = trained.num_characters,
                          .num_merged = int64_t(trained.tokens.size()) - trained.num_special - trained.num_characters,
                          .num_left_out = trained.num_left_out};
  for (const WordCount& word : words) result.num_words += word.count;
  result.spec = finished_spec(std::move(trained), training, special);
  return result;
}

void save_trained_tokenizer(const TokenizerSpec& spec, const std::filesystem::path& folder) {
  write_folder_atomically(folder, [&](const std::filesystem::path& inside) {
    save_tokenizer(spec, inside);
    if (spec.pipeline) return write_file_atomically(inside / "vocab.txt", vocab_txt_of(spec.tokens));
    write_file_atomically(inside / "vocab.json", vocab_json_of(spec.tokens));
    write_file_atomically(inside / "merges.txt", merges_txt_of(spec.merges));
  });
}

}  // namespace limbeck::text
