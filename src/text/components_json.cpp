#include "text/components_json.h"

#include "text/charsmap.h"

namespace limbeck::text::components {
namespace {

Json parts_of_template(const std::vector<std::string>& parts) {
  Json out = Json::array();
  for (const std::string& part : parts) {
    const std::size_t colon = part.rfind(':');
    const std::string name = part.substr(0, colon);
    const int type_id = part[colon + 1] - '0';
    if (name[0] == '$') {
      out.push_back({{"Sequence", {{"id", name.substr(1)}, {"type_id", type_id}}}});
    } else {
      out.push_back({{"SpecialToken", {{"id", name}, {"type_id", type_id}}}});
    }
  }
  return out;
}

}  // namespace

Json sequence(const char* key, std::vector<Json> steps) {
  if (steps.empty()) return nullptr;
  if (steps.size() == 1) return steps[0];
  return {{"type", "Sequence"}, {key, Json(std::move(steps))}};
}

Json replace(const char* before, const char* after) {
  return {{"type", "Replace"}, {"pattern", {{"String", before}}}, {"content", after}};
}
Json replace_regex(const char* before, const char* after) {
  return {{"type", "Replace"}, {"pattern", {{"Regex", before}}}, {"content", after}};
}

Json metaspace(const char* prepend_scheme, bool split) {
  return {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", prepend_scheme}, {"split", split}};
}

Json bert_normalizer(bool lower_case, Json strip_accents, bool chinese) {
  return {{"type", "BertNormalizer"},
          {"clean_text", true},
          {"handle_chinese_chars", chinese},
          {"strip_accents", std::move(strip_accents)},
          {"lowercase", lower_case}};
}

Json precompiled(std::string_view charsmap) {
  return {{"type", "Precompiled"}, {"precompiled_charsmap", encode_base64(charsmap)}};
}

Json template_processing(const std::vector<std::string>& single, const std::vector<std::string>& pair,
                         const std::vector<NamedId>& special) {
  Json tokens = Json::object();
  for (const NamedId& token : special)
    tokens[token.name] = {{"id", token.name}, {"ids", Json::array({token.id})}, {"tokens", Json::array({token.name})}};
  return {{"type", "TemplateProcessing"},
          {"single", parts_of_template(single)},
          {"pair", parts_of_template(pair)},
          {"special_tokens", std::move(tokens)}};
}

}  // namespace limbeck::text::components
