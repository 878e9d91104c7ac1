#include "text/continuation.h"

#include <algorithm>

namespace limbeck::text {
namespace {

// A spec whose texts get no mark, and what marked them.
struct Unmarked {
  TokenizerSpec spec;
  bool found = false, every_stretch = false;
};

bool is_of_type(const Json& component, const char* type) {
  return component.is_object() && component.contains("type") && component["type"] == type;
}

// The first step of a component, which may be a sequence.
Json& first_step(Json& component, const char* steps) {
  const bool several = is_of_type(component, "Sequence") && component.contains(steps) && component[steps].is_array();
  return several && !component[steps].empty() ? component[steps][0] : component;
}

void take_prepend_out(Json& normalizer, Unmarked& result) {
  Json& step = first_step(normalizer, "normalizers");
  if (!is_of_type(step, "Prepend")) return;
  if (&step == &normalizer)
    normalizer = nullptr;
  else
    normalizer["normalizers"].erase(0);
  result.found = result.every_stretch = true;
}

void take_metaspace_out(Json& pre_tokenizer, Unmarked& result) {
  Json& step = first_step(pre_tokenizer, "pretokenizers");
  if (!is_of_type(step, "Metaspace")) return;
  if (step.value("add_prefix_space", Json(true)) == false) return;  // the older key
  const Json scheme = step.value("prepend_scheme", Json("always"));
  if (scheme == "never") return;
  step["prepend_scheme"] = "never";
  result.found = true;
  result.every_stretch = result.every_stretch || scheme == "always";
}

Unmarked without_mark(const TokenizerSpec& spec) {
  Unmarked result{.spec = spec};
  if (!spec.pipeline) {
    result.found = result.every_stretch = spec.add_prefix_space;
    result.spec.add_prefix_space = false;
  } else if (spec.pipeline->model == ModelKind::kBpe) {  // the others are no decoders'
    Pipeline pipeline = *spec.pipeline;
    take_prepend_out(pipeline.normalizer, result);
    take_metaspace_out(pipeline.pre_tokenizer, result);
    result.spec.pipeline = std::make_shared<const Pipeline>(std::move(pipeline));
  }
  return result;
}

}  // namespace

Continuation::Continuation(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {
  Unmarked unmarked = without_mark(tokenizer.spec());
  if (!unmarked.found) return;
  marks_every_stretch_ = unmarked.every_stretch;
  added_.assign(static_cast<std::size_t>(tokenizer.vocab_size()), false);
  for (const AddedToken& token : unmarked.spec.added) added_.at(static_cast<std::size_t>(token.id)) = true;
  unmarked_ = Tokenizer::from_spec(std::move(unmarked.spec));
}

std::vector<int32_t>::const_iterator Continuation::first_added(const std::vector<int32_t>& ids) const {
  return std::find_if(ids.begin(), ids.end(), [this](int32_t id) { return is_added(id); });
}

std::vector<int32_t> Continuation::encode(std::string_view piece, std::optional<int32_t> last, Special special) const {
  const auto ids_by = [&](const Tokenizer& tokenizer) {
    return special == Special::kFind ? tokenizer.encode_rendered(piece) : tokenizer.encode_ordinary(piece);
  };
  if (!last || !unmarked_) return ids_by(tokenizer_);
  if (!marks_every_stretch_) return ids_by(*unmarked_);
  if (is_added(*last)) return ids_by(tokenizer_);
  // The first stretch goes on from text, those after added tokens have their marks.
  std::vector<int32_t> ids = ids_by(*unmarked_);
  ids.erase(first_added(ids), ids.cend());
  const std::vector<int32_t> marked = ids_by(tokenizer_);
  ids.insert(ids.end(), first_added(marked), marked.cend());
  return ids;
}

}  // namespace limbeck::text
