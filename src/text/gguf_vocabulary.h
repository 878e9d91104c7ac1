// A tokenizer's spec from the arrays of a GGUF file's metadata (keys "tokenizer.ggml.*", as llama.cpp writes them).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

struct GgufVocabulary {
  std::string
      model;  // tokenizer.ggml.model: "gpt2" byte-level BPE, "llama" SentencePiece, "t5" Unigram, "bert" WordPiece
  std::string pre;                            // tokenizer.ggml.pre, "" where there is none
  std::vector<std::string> tokens;            // tokenizer.ggml.tokens
  std::vector<std::string> merges;            // tokenizer.ggml.merges, "left right"
  std::vector<int32_t> token_types;           // tokenizer.ggml.token_type, may be empty
  std::optional<int64_t> bos, eos, unk, pad;  // tokenizer.ggml.bos_token_id, eos_, unknown_, padding_
  std::optional<bool> add_bos, add_eos,
      add_space_prefix;       // tokenizer.ggml.add_bos_token, add_eos_token, add_space_prefix
  std::string chat_template;  // tokenizer.chat_template
  // Of "llama", "t5" and "bert".
  std::vector<double> scores;                    // tokenizer.ggml.scores
  std::string charsmap;                          // tokenizer.ggml.precompiled_charsmap
  std::optional<bool> remove_extra_whitespaces;  // tokenizer.ggml.remove_extra_whitespaces
  std::optional<int64_t> cls, sep;               // tokenizer.ggml.cls_token_id, seperator_token_id
};

// Throws, naming `where`, what is wrong with the arrays or not supported.
TokenizerSpec spec_from_gguf(GgufVocabulary vocabulary, std::string_view where);

// The way back, for byte-level BPE and for BPE with byte fallback as SentencePiece computes it (UserError for another
// kind); the vocabulary is filled up with unused tokens to the embedding's vocab_size.
GgufVocabulary gguf_from_spec(const TokenizerSpec& spec, int64_t vocab_size);

// The pre-tokeniser that a GGUF name stands for; throws UserError for names whose regular expression is not supported.
PreTokenizer pre_tokenizer_of_gguf(std::string_view pre, std::string_view where);

// Parts of spec_from_gguf: the families of SentencePiece and BERT (gguf_sentencepiece.cpp).
TokenizerSpec sentencepiece_spec_from_gguf(GgufVocabulary vocabulary, std::string_view where);
TokenizerSpec word_piece_spec_from_gguf(GgufVocabulary vocabulary, std::string_view where);
std::optional<int32_t> checked_gguf_id(const std::optional<int64_t>& id, const char* name, std::size_t size,
                                       std::string_view where);

// Parts of gguf_from_spec: what all kinds write, without model, merges and scores; and "llama"
// (gguf_sentencepiece_write.cpp).
GgufVocabulary gguf_tokens_of(const TokenizerSpec& spec, int64_t vocab_size);
GgufVocabulary gguf_from_sentencepiece_spec(const TokenizerSpec& spec, int64_t vocab_size);

}  // namespace limbeck::text
