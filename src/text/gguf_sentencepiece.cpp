// GGUF vocabularies of SentencePiece models ("llama": BPE by score, "t5": Unigram) and of BERT ("bert").
#include <cmath>

#include "base/errors.h"
#include "base/printable.h"
#include "text/components_json.h"
#include "text/gguf_vocabulary.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"
#include "text/vocabulary_files.h"

namespace limbeck::text {
namespace {

constexpr std::string_view kWordBegins = "\u2581";  // llama.cpp writes "hello" and "##ing" as "▁hello" and "ing"

}  // namespace

TokenizerSpec sentencepiece_spec_from_gguf(GgufVocabulary v, std::string_view where) {
  const std::size_t size = v.tokens.size();
  if (v.scores.size() != size)
    fail(where, "tokenizer.ggml.scores: expected {} entries, one a token, but received {}", size, v.scores.size());
  if (v.token_types.size() != size)
    fail(where, "tokenizer.ggml.token_type: expected {} entries, one a token, but received {}", size,
         v.token_types.size());
  SentencePieceModel model;
  const bool bpe = v.model == "llama";
  model.algorithm = bpe ? SentencePieceModel::Algorithm::kBpe : SentencePieceModel::Algorithm::kUnigram;
  model.add_dummy_prefix = v.add_space_prefix.value_or(true);
  model.remove_extra_whitespaces = v.remove_extra_whitespaces.value_or(!bpe);
  model.charsmap = std::move(v.charsmap);
  for (std::size_t id = 0; id < size; ++id) {
    const int32_t kind = v.token_types[id];
    if (kind < 1 || kind > 6)
      fail(where, "tokenizer.ggml.token_type of token {}: expected 1 to 6 but received {}", id, kind);
    if (!std::isfinite(v.scores[id]))
      fail(where, "tokenizer.ggml.scores of token {}: expected a finite number but received {}", id, v.scores[id]);
    const auto piece_kind = SentencePieceModel::PieceKind(kind);
    model.byte_fallback = model.byte_fallback || piece_kind == SentencePieceModel::PieceKind::kByte;
    model.pieces.push_back({std::move(v.tokens[id]), float(v.scores[id]), piece_kind});
  }
  const auto id_or_none = [&](const std::optional<int64_t>& id, const char* name) {
    return checked_gguf_id(id, name, size, where).value_or(-1);
  };
  model.bos = id_or_none(v.bos, "tokenizer.ggml.bos_token_id");
  model.eos = id_or_none(v.eos, "tokenizer.ggml.eos_token_id");
  model.pad = id_or_none(v.pad, "tokenizer.ggml.padding_token_id");
  const SentencePieceSettings settings{.add_bos = v.add_bos.value_or(bpe), .add_eos = v.add_eos.value_or(!bpe)};
  const bool marks_always = bpe && model.add_dummy_prefix && !model.remove_extra_whitespaces;
  TokenizerSpec spec = spec_from_sentencepiece(std::move(model), settings, where);
  if (marks_always) {
    // As llama.cpp and SentencePiece itself: a mark before every stretch of text, also before one that begins with a
    // space.
    Pipeline pipeline = *spec.pipeline;
    pipeline.normalizer = components::sequence(
        "normalizers", {{{"type", "Prepend"}, {"prepend", kWordBegins}}, components::replace(" ", "\u2581")});
    pipeline.pre_tokenizer = nullptr;
    spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  }
  spec.chat_template = std::move(v.chat_template);
  return spec;
}

TokenizerSpec word_piece_spec_from_gguf(GgufVocabulary v, std::string_view where) {
  std::string vocabulary;
  for (const std::string& token : v.tokens) {
    if (token.find('\n') != std::string::npos) fail(where, "expected tokens without a line break");
    const bool marked = token.starts_with('[') && token.ends_with(']');
    if (token.starts_with(kWordBegins)) {
      vocabulary += token.substr(kWordBegins.size());
    } else {
      vocabulary += (marked || token.empty() ? "" : "##") + token;
    }
    vocabulary += '\n';
  }
  TokenizerSpec spec = spec_from_vocab_txt(vocabulary, nullptr, where);
  const auto cls = checked_gguf_id(v.cls ? v.cls : v.bos, "tokenizer.ggml.cls_token_id", v.tokens.size(), where);
  const auto sep = checked_gguf_id(v.sep ? v.sep : v.eos, "tokenizer.ggml.seperator_token_id", v.tokens.size(), where);
  if ((cls && cls != spec.bos) || (sep && sep != spec.eos))
    fail(where, "expected [CLS] and [SEP] as the tokens around a text but received the ids {} and {}", cls.value_or(-1),
         sep.value_or(-1));
  return spec;
}

}  // namespace limbeck::text
