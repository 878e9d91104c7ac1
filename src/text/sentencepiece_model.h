// SentencePiece's tokenizer.model: a protocol-buffers file with the pieces, their scores, and how a text is prepared.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer.h"

namespace limbeck::text {

struct SentencePieceModel {
  enum class PieceKind { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };
  struct Piece {
    std::string text;
    float score = 0;
    PieceKind kind = PieceKind::kNormal;
  };
  enum class Algorithm { kUnigram = 1, kBpe = 2 };

  std::vector<Piece> pieces;  // by id
  Algorithm algorithm = Algorithm::kUnigram;
  int32_t bos = 1, eos = 2, pad = -1;  // -1: none
  bool byte_fallback = false, add_dummy_prefix = true, remove_extra_whitespaces = true;
  std::string charsmap;  // precompiled, "" for none
};

// Throws Error naming `where` and the byte when the file is broken, UserError for what is not supported.
SentencePieceModel parse_sentencepiece_model(std::string_view bytes, std::string_view where);

// What the file does not say and a model's publisher does, in tokenizer_config.json.
struct SentencePieceSettings {
  enum class Family { kPlain, kAlbert, kT5 };
  Family family = Family::kPlain;
  std::optional<bool> add_bos, add_eos, add_prefix_space;
  bool legacy = false;  // a mark before every stretch of text between special tokens, not the first one only
  bool lower_case = true, keep_accents = false;  // kAlbert
  int64_t extra_ids = 100;                       // kT5: "<extra_id_0>" ... after the pieces
};

// As Transformers makes a tokenizer.json of such a file.
TokenizerSpec spec_from_sentencepiece(SentencePieceModel model, const SentencePieceSettings& settings,
                                      std::string_view where);

}  // namespace limbeck::text
