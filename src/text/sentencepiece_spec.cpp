// From a SentencePiece model to the components that compute the same, as Transformers converts these files.
#include <algorithm>
#include <unordered_map>

#include "base/errors.h"
#include "text/components_json.h"
#include "text/sentencepiece_model.h"
#include "text/unicode.h"

namespace limbeck::text {
namespace {

using Piece = SentencePieceModel::Piece;
using PieceKind = SentencePieceModel::PieceKind;
using Family = SentencePieceSettings::Family;

std::size_t num_characters(std::string_view text) {
  return std::size_t(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// SentencePiece joins the neighbours whose joined piece has the best score; merges in that order do the same.
std::vector<std::pair<std::string, std::string>> merges_by_score(const std::vector<Piece>& pieces) {
  std::unordered_map<std::string_view, int32_t> ids;
  for (std::size_t id = 0; id < pieces.size(); ++id) ids.emplace(pieces[id].text, int32_t(id));
  struct Found {
    int32_t left, right;
    float score;
    std::size_t length_left, length_right;  // characters
  };
  std::vector<Found> all;
  for (const Piece& piece : pieces) {
    const std::string_view text = piece.text;
    const auto first_of_piece = std::ptrdiff_t(all.size());
    if (text.size() > 192) continue;  // bytes; trainers stop at 16 characters, runs of spaces at 31
    for (std::size_t at = text.empty() ? 0 : code_point_at(text.data()).size; at < text.size();
         at += code_point_at(text.data() + at).size) {
      const auto left = ids.find(text.substr(0, at)), right = ids.find(text.substr(at));
      if (left == ids.end() || right == ids.end()) continue;
      all.push_back(
          {left->second, right->second, piece.score, num_characters(left->first), num_characters(right->first)});
    }
    std::sort(all.begin() + first_of_piece, all.end(),
              [](const Found& a, const Found& b) { return std::pair(a.left, a.right) < std::pair(b.left, b.right); });
  }
  std::stable_sort(all.begin(), all.end(), [](const Found& a, const Found& b) {
    return std::tuple(a.score, a.length_left, a.length_right) > std::tuple(b.score, b.length_left, b.length_right);
  });
  std::vector<std::pair<std::string, std::string>> merges;
  merges.reserve(all.size());
  for (const Found& found : all)
    merges.emplace_back(pieces[std::size_t(found.left)].text, pieces[std::size_t(found.right)].text);
  return merges;
}

Json fallback_decoder(bool strips) {
  std::vector<Json> steps = {components::replace("\u2581", " "), {{"type", "ByteFallback"}}, {{"type", "Fuse"}}};
  if (strips) steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  return components::sequence("decoders", std::move(steps));
}

std::vector<Json> without_extra_spaces() {
  return {{{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}}, components::replace_regex(" {2,}", " ")};
}

const char* scheme_of(bool prefix, bool legacy) {
  return !prefix ? "never" : legacy ? "always" : "first";
}

void prepare_bpe(const SentencePieceModel& model, bool prefix, bool legacy, Pipeline& pipeline) {
  std::vector<Json> normalizers;
  if (!model.charsmap.empty()) normalizers.push_back(components::precompiled(model.charsmap));
  if (model.remove_extra_whitespaces)
    for (Json& step : without_extra_spaces()) normalizers.push_back(std::move(step));
  pipeline.normalizer = components::sequence("normalizers", std::move(normalizers));
  // Where leading spaces go, the beginning goes with them: "first" would find none.
  pipeline.pre_tokenizer = components::metaspace(scheme_of(prefix, legacy || model.remove_extra_whitespaces), false);
  pipeline.decoder = fallback_decoder(prefix);
  pipeline.fuse_unknown = true;
}

void prepare_unigram(const SentencePieceModel& model, const SentencePieceSettings& settings, bool prefix,
                     Pipeline& pipeline) {
  std::vector<Json> normalizers;
  if (settings.family == Family::kAlbert) {
    normalizers = {components::replace("``", "\""), components::replace("''", "\"")};
    if (!settings.keep_accents) {
      normalizers.push_back({{"type", "NFKD"}});
      normalizers.push_back({{"type", "StripAccents"}});
    }
    if (settings.lower_case) normalizers.push_back({{"type", "Lowercase"}});
  }
  if (!model.charsmap.empty()) normalizers.push_back(components::precompiled(model.charsmap));
  pipeline.normalizer = components::sequence("normalizers", std::move(normalizers));
  std::vector<Json> steps;
  if (model.remove_extra_whitespaces) steps.push_back({{"type", "WhitespaceSplit"}});
  const char* scheme = prefix ? "always" : "never";
  steps.push_back(components::metaspace(scheme, true));
  pipeline.pre_tokenizer = components::sequence("pretokenizers", std::move(steps));
  pipeline.decoder = components::metaspace(scheme, true);
  if (model.byte_fallback) pipeline.decoder = fallback_decoder(prefix);
}

int32_t required_piece(const TokenizerSpec& spec, const char* text, std::string_view where) {
  const auto found = std::find(spec.tokens.begin(), spec.tokens.end(), text);
  if (found == spec.tokens.end()) fail(where, "expected a piece '{}' but found none", text);
  return int32_t(found - spec.tokens.begin());
}

void surround(const SentencePieceModel& model, const SentencePieceSettings& settings, std::string_view where,
              TokenizerSpec& spec) {
  const auto named = [&](int32_t id) {
    return id >= 0 && std::size_t(id) < model.pieces.size() ? std::optional(id) : std::nullopt;
  };
  spec.bos = named(model.bos);
  spec.eos = named(model.eos);
  spec.pad = named(model.pad);
  spec.add_bos = settings.add_bos.value_or(model.algorithm == SentencePieceModel::Algorithm::kBpe) && spec.bos;
  spec.add_eos = settings.add_eos.value_or(false) && spec.eos;
  if (settings.family == Family::kAlbert) {
    const int32_t cls = required_piece(spec, "[CLS]", where), sep = required_piece(spec, "[SEP]", where);
    spec.bos = cls;
    spec.eos = sep;
    spec.add_bos = spec.add_eos = true;
    spec.post_processor = components::template_processing({"[CLS]:0", "$A:0", "[SEP]:0"},
                                                          {"[CLS]:0", "$A:0", "[SEP]:0", "$B:1", "[SEP]:1"},
                                                          {{"[CLS]", cls}, {"[SEP]", sep}});
  }
  if (settings.family == Family::kT5) {
    spec.eos = required_piece(spec, "</s>", where);
    spec.add_bos = false;
    spec.add_eos = true;
    spec.post_processor = components::template_processing({"$A:0", "</s>:0"}, {"$A:0", "</s>:0", "$B:0", "</s>:0"},
                                                          {{"</s>", *spec.eos}});
  }
}

// "▁1," is worth less to ALBERT than its file says, as Transformers reads it.
bool is_number_with_comma(std::string_view piece) {
  return piece.size() >= 2 && piece.back() == ',' && piece[piece.size() - 2] >= '0' && piece[piece.size() - 2] <= '9';
}

}  // namespace

TokenizerSpec spec_from_sentencepiece(SentencePieceModel model, const SentencePieceSettings& settings,
                                      std::string_view where) {
  TokenizerSpec spec;
  Pipeline pipeline;
  const bool bpe = model.algorithm == SentencePieceModel::Algorithm::kBpe;
  pipeline.model = bpe ? ModelKind::kBpe : ModelKind::kUnigram;
  pipeline.byte_fallback = model.byte_fallback;
  if (bpe) spec.merges = merges_by_score(model.pieces);
  for (std::size_t id = 0; id < model.pieces.size(); ++id) {
    const Piece& piece = model.pieces[id];
    if (piece.kind == PieceKind::kUnknown && !pipeline.unknown) pipeline.unknown = int32_t(id);
    const bool special = piece.kind == PieceKind::kControl || piece.kind == PieceKind::kUnknown;
    if ((special || piece.kind == PieceKind::kUserDefined) && !piece.text.empty())
      spec.added.push_back({.id = int32_t(id), .content = piece.text, .special = special});
    const bool worth_less = settings.family == Family::kAlbert && is_number_with_comma(piece.text);
    if (!bpe) pipeline.scores.push_back(double(piece.score) - (worth_less ? 100 : 0));
    spec.tokens.push_back(piece.text);
  }
  if (!pipeline.unknown) fail(where, "expected a piece of the unknown kind but found none");
  spec.unk = pipeline.unknown;
  if (settings.family == Family::kT5) {
    for (int64_t i = settings.extra_ids; i-- > 0;) {
      spec.added.push_back(
          {.id = int32_t(spec.tokens.size()), .content = "<extra_id_" + std::to_string(i) + ">", .special = true});
      spec.tokens.push_back(spec.added.back().content);
      pipeline.scores.push_back(0);
    }
  }
  const bool prefix = settings.add_prefix_space.value_or(model.add_dummy_prefix);
  if (bpe) {
    prepare_bpe(model, prefix, settings.legacy, pipeline);
  } else {
    prepare_unigram(model, settings, prefix, pipeline);
  }
  surround(model, settings, where, spec);
  spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  return spec;
}

}  // namespace limbeck::text
