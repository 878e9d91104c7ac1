// BPE with byte fallback (Llama 2, Mistral, Gemma) as a GGUF vocabulary of the kind "llama". That kind has no merges:
// it joins the neighbours whose joined piece has the best score, so pieces get scores in the order of the merges that
// make them, and what it cannot say is refused because the ids would not be the same.
#include <algorithm>
#include <array>
#include <charconv>
#include <unordered_map>
#include <utility>  // std::exchange

#include "base/errors.h"
#include "text/gguf_vocabulary.h"

namespace limbeck::text {
namespace {

constexpr int32_t kNormalPiece = 1, kUnknownPiece = 2, kBytePiece = 6;  // llama.cpp's token types

bool is_byte_token(std::string_view token) {  // "<0x0A>"
  unsigned byte = 0;
  return token.size() == 6 && token.starts_with("<0x") && token.back() == '>' &&
         std::from_chars(token.data() + 3, token.data() + 5, byte, 16).ptr == token.data() + 5;
}

// The sooner a merge, the better the score of what it makes; pieces that no merge makes come last.
std::vector<double> scores_of(const TokenizerSpec& spec, const GgufVocabulary& v) {
  std::unordered_map<std::string, std::size_t> first;
  for (std::size_t rank = 0; rank < spec.merges.size(); ++rank)
    first.emplace(spec.merges[rank].first + spec.merges[rank].second, rank);
  std::vector<double> scores;
  for (const std::string& token : v.tokens) {
    const auto found = first.find(token);
    scores.push_back(-static_cast<double>(found == first.end() ? spec.merges.size() : found->second));
  }
  return scores;
}

// Texts that show whether two tokenizers agree, none of which begins with a space (where Llama's, Mistral's and
// llama.cpp's tokenizers put different numbers of marks): spaces, line breaks, characters that no vocabulary has, and
// all of the vocabulary's own tokens, one after the other and each in the middle of another's end.
std::vector<std::string> probes(const Tokenizer& tokenizer) {
  std::vector<std::string> texts = {"Hello, world! It's 2 x 3.75 = 7.5.",
                                    "a  b   c \n\n\td\r\n e ",
                                    "",
                                    "def f(x):\n        return x\n",
                                    "\u4f60\u597d \u00e9e\u0301 \U0001f375\u200d \u00df",
                                    "http://a.b/c?d=e&f#g ~~~ ___ ((([[[{{{"};
  constexpr std::size_t kAtATime = 64;
  std::string running, spaced;
  for (int64_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_special(static_cast<int32_t>(id))) continue;
    const std::string_view token = tokenizer.token_bytes(static_cast<int32_t>(id));
    running += token;
    spaced += std::string(token) + " ";
    if (static_cast<std::size_t>(id) % kAtATime != 0) continue;
    texts.push_back("." + std::exchange(running, ""));
    texts.push_back("." + std::exchange(spaced, ""));
  }
  return texts;
}

bool same_ids(const Tokenizer& a, const Tokenizer& b, const std::vector<std::string>& texts) {
  return std::all_of(texts.begin(), texts.end(),
                     [&](const std::string& text) { return a.encode_ordinary(text) == b.encode_ordinary(text); });
}

}  // namespace

GgufVocabulary gguf_from_sentencepiece_spec(const TokenizerSpec& spec, int64_t vocab_size) {
  const auto refuse = [](const char* received) {
    user_fail(
        "save_gguf",
        "tokenizer: expected byte-level BPE, or BPE with byte fallback as SentencePiece computes it, but received "
        "{}, which is not written to GGUF",
        received);
  };
  const Pipeline& p = *spec.pipeline;
  if (p.model == ModelKind::kUnigram) refuse("Unigram");
  if (p.model == ModelKind::kWordPiece) refuse("WordPiece");
  if (!p.byte_fallback) refuse("BPE without byte fallback");

  GgufVocabulary v = gguf_tokens_of(spec, vocab_size);
  v.model = "llama";
  v.pre = "default";
  for (std::size_t id = 0; id < v.tokens.size(); ++id)
    if (v.token_types[id] == kNormalPiece && is_byte_token(v.tokens[id])) v.token_types[id] = kBytePiece;
  if (p.unknown) v.token_types[static_cast<std::size_t>(*p.unknown)] = kUnknownPiece;
  v.scores = scores_of(spec, v);

  const auto given = Tokenizer::from_spec(spec);
  const std::vector<int32_t> around = given->encode("");
  v.add_bos = !around.empty() && spec.bos && around.front() == *spec.bos;
  v.add_eos = !around.empty() && spec.eos && around.back() == *spec.eos;
  const auto texts = probes(*given);
  for (const bool prefix : {true, false}) {
    v.add_space_prefix = prefix;
    if (same_ids(*given, *Tokenizer::from_spec(spec_from_gguf(v, "save_gguf")), texts)) return v;
  }
  refuse("BPE whose ids SentencePiece would not give");
  return v;
}

}  // namespace limbeck::text
