// Tokenizers as the `tokenizers` library computes them: byte-level BPE with the pre-tokenisers of GPT-2, Llama-3/Qwen2
// and SmolLM by a short way of its own, and whatever else a tokenizer.json is made of (text/pipeline.h): BPE with byte
// fallback, Unigram, WordPiece. Read from the files of a Hugging Face folder, or from a TokenizerSpec that a GGUF
// reader filled (text/gguf_vocabulary.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "text/encoding.h"
#include "text/pipeline.h"

namespace limbeck::text {

// A token that is looked for in the text before anything else.
struct AddedToken {
  int32_t id = 0;
  std::string content;
  bool special = false, single_word = false, lstrip = false, rstrip = false, normalized = false;
};

enum class PreTokenizer { kGpt2, kLlama3, kQwen2, kSmolLm };

// What a vocabulary needs besides code. Tokens and merges are as the file spells them; those of byte-level BPE in the
// byte-to-unicode alphabet of GPT-2.
struct TokenizerSpec {
  std::vector<std::string> tokens;                          // by id; "" for an id that is none
  std::vector<std::pair<std::string, std::string>> merges;  // by rank
  std::vector<AddedToken> added;
  // None: byte-level BPE as the fields down to fuse_missing_bytes say. Else these say nothing.
  std::shared_ptr<const Pipeline> pipeline;
  PreTokenizer pre_tokenizer = PreTokenizer::kGpt2;
  bool nfc = false;                                      // text is brought to normalisation form C first
  bool add_prefix_space = false, ignore_merges = false;  // a prefix space: with kGpt2 only
  // The token of a byte that the vocabulary lacks (a run of them one token when fused). None: such bytes are dropped,
  // as in the `tokenizers` library. Not the same as `unk`, which only names a token.
  std::optional<int32_t> missing_byte_token;
  bool fuse_missing_bytes = false;
  std::optional<int32_t> bos, eos, unk, pad;
  bool add_bos = false, add_eos = false;
  // As tokenizer.json has it; null where bos and eos as above are all that is put around a text.
  Json post_processor;
  std::optional<Truncation> truncation;  // encode_batch follows these two, nothing else does
  std::optional<Padding> padding;
  std::string chat_template;  // Jinja text as the model ships it, "" for none
};

struct TextPair {
  std::string_view first;
  std::optional<std::string_view> second;
};

class PostProcessor;

class Tokenizer {
 public:
  static std::shared_ptr<const Tokenizer> from_spec(TokenizerSpec spec);
  // Reads tokenizer.json, else tokenizer.model, vocab.json with merges.txt, or vocab.txt; and tokenizer_config.json and
  // special_tokens_map.json beside it where they are.
  static std::shared_ptr<const Tokenizer> from_folder(const std::filesystem::path& folder);
  virtual ~Tokenizer() = default;

  virtual int64_t vocab_size() const = 0;  // one more than the largest id
  // Text is any bytes; invalid UTF-8 is taken as the `tokenizers` library's Python caller would have to pass it: each
  // invalid sequence replaced by U+FFFD first. Added tokens in the text become their ids; bos and eos are put around it
  // where the spec says so.
  virtual std::vector<int32_t> encode(std::string_view text) const = 0;
  // The same without bos and eos: for text that has them already, as a rendered chat has (text/chat_template.h).
  virtual std::vector<int32_t> encode_rendered(std::string_view text) const = 0;
  // Without bos and eos, and special added tokens in the text are text like any other (for text from outside, and for
  // what continues another text).
  virtual std::vector<int32_t> encode_ordinary(std::string_view text) const = 0;
  // As encoder models are given a text or a pair of texts, neither cut nor padded.
  Encoding encode_pair(const TextPair& texts) const;
  // The same, cut and padded as the file says: to a fixed length, or to the longest of these.
  std::vector<Encoding> encode_batch(std::span<const TextPair> texts) const;
  // Valid UTF-8: what is not becomes U+FFFD. Ids that are no token (below 0, past the end, holes) are skipped.
  virtual std::string decode(std::span<const int32_t> ids, bool skip_special = false) const = 0;
  // Raw bytes of one token in the middle of a text, "" for an id that is none.
  virtual std::string_view token_bytes(int32_t id) const = 0;
  virtual bool is_special(int32_t id) const = 0;
  // By the token's text as it stands in the vocabulary or in the added tokens.
  virtual std::optional<int32_t> id_of(std::string_view token) const = 0;
  virtual const TokenizerSpec& spec() const = 0;  // bos, eos, chat_template ...
  virtual const PostProcessor& post_processor() const = 0;
  virtual void save(
      const std::filesystem::path& folder) const = 0;  // tokenizer.json, tokenizer_config.json; opens in Transformers
};

// Decodes while tokens come: gives out only whole UTF-8 characters, keeps the rest until it is complete.
class StreamDecoder {
 public:
  explicit StreamDecoder(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special = true);
  std::string add(int32_t id);  // what can be shown now, maybe ""
  std::string finish();         // the rest; an unfinished character as U+FFFD

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
  bool skip_special_;
  std::string pending_;
};

}  // namespace limbeck::text
