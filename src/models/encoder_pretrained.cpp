// Encoders from Hugging Face folders, and back into folders.
#include <ATen/ATen.h>
#include <fmt/ranges.h>  // fmt::join

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include "base/errors.h"
#include "base/files.h"
#include "base/phases.h"
#include "formats/int8_weights.h"
#include "formats/safetensors.h"
#include "models/encoder.h"
#include "models/encoder_catalog.h"
#include "models/encoder_config.h"
#include "models/fresh_weights.h"
#include "models/tensor_files.h"

namespace limbeck::models {
namespace {

namespace fs = std::filesystem;

std::string with_end(const std::string& name, std::string_view end, std::string_view other) {
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) + std::string(other) : std::string();
}

// Where a file has a parameter: under its name, or as a file of the body alone or under a head names it, or as BERT's
// first files do (gamma and beta), or with the bias of the vocabulary product at its other place.
std::string encoder_name_in_file(const formats::TensorSource& source, const EncoderArchitecture& row,
                                 const std::string& name) {
  const std::string prefix = std::string(row.body) + ".";
  const std::string other = name.starts_with(prefix) ? name.substr(prefix.size()) : prefix + name;
  for (const std::string& candidate : {name, other}) {
    if (source.contains(candidate)) return candidate;
    for (const auto& [end, old] : {std::pair{"LayerNorm.weight", "LayerNorm.gamma"},
                                   {"LayerNorm.bias", "LayerNorm.beta"},
                                   {".bias", ".decoder.bias"}})
      if (const std::string renamed = with_end(candidate, end, old); !renamed.empty() && source.contains(renamed))
        return renamed;
  }
  return name;
}

bool is_harmless(const EncoderArchitecture& row, const std::string& name) {
  if (name.ends_with(".position_ids") || name.ends_with(".token_type_ids")) return true;  // tables of 0, 1, 2, ...
  for (const std::string_view begin : row.left_out)
    if (name.starts_with(begin)) return true;
  return false;
}

// Tensors that nobody reads mean that it is another model than its config says. Where the caller chose the head, the
// file's own is not asked for.
void refuse_unread(const formats::TensorSource& source, const EncoderArchitecture& row,
                   const std::set<std::string>& read, bool head_is_given) {
  std::vector<std::string> unread;
  for (const std::string& name : source.names()) {
    const std::string prefix = std::string(row.body) + ".";
    const bool of_body = is_of_body(row, name.starts_with(prefix) ? name.substr(prefix.size()) : name);
    if (read.contains(name) || is_harmless(row, name) || (head_is_given && !of_body)) continue;
    if (unread.size() < 5) unread.push_back(fmt::format("'{}'", name));
  }
  if (!unread.empty())
    fail(source.path().string(), "expected tensors of the config's architecture and head only but received {}",
         fmt::join(unread, ", "));
}

// Which of a file's rows of outputs stand for the labels that are wanted; empty: they are in their order. None where
// they stand for others, and are no start.
std::optional<std::vector<int64_t>> rows_of_labels(const Head& own, const Head& wanted) {
  if (own.kind != wanted.kind) return std::nullopt;
  const bool named = !own.labels.empty() && own.labels[0] != "LABEL_0" && !wanted.labels.empty();
  if (!named || own.labels == wanted.labels) return std::vector<int64_t>{};
  std::vector<int64_t> rows;
  for (const std::string& label : wanted.labels) {
    const auto found = std::find(own.labels.begin(), own.labels.end(), label);
    if (found == own.labels.end()) return std::nullopt;
    rows.push_back(found - own.labels.begin());
  }
  return rows;
}

EncoderConfig config_of_folder(const fs::path& folder, Json& json) {
  if (!fs::exists(folder / "config.json"))
    user_fail("load_encoder", "{}: expected a model folder with config.json but received {}", folder.string(),
              fs::exists(folder) ? "one without" : "nothing there");
  json = read_json(folder / "config.json");
  return read_encoder_config(json, (folder / "config.json").string());
}

void check_encoder_vocabulary(const fs::path& path, const EncoderConfig& config, const text::Tokenizer& tokenizer) {
  // An embedding larger than the tokenizer is padding; a smaller one cannot hold what the tokenizer gives out.
  if (tokenizer.vocab_size() > config.vocab_size)
    fail(path.string(), "expected an embedding of at least the tokenizer's {} tokens but received vocab_size {}",
         tokenizer.vocab_size(), config.vocab_size);
}

}  // namespace

LoadedEncoder load_encoder(const fs::path& folder, const std::optional<Head>& head, Seed seed) {
  const Phase phase("load", "models");
  Json json;
  const EncoderConfig config = config_of_folder(folder, json);
  const std::string where = (folder / "config.json").string();
  const EncoderArchitecture& row = encoder_architecture_of(config.model_type, where);
  const Head own = read_head(json, where), wanted = checked_head(config, head.value_or(own));
  if (wanted.kind == HeadKind::kMaskedLm) ConfigReader(json, where).refuse("tie_word_embeddings", true);
  auto source = formats::open_safetensors_folder(folder);
  if (formats::has_int8_weights(json, where)) source = formats::read_int8_weights(std::move(source));
  check_size(count_encoder_weights(config), *source);

  LoadedEncoder result;
  result.model = make_encoder(config, wanted);
  nn::Parameters parameters;
  result.model->parameters(parameters);
  const NameInFile name_in_file = [&](const std::string& name) { return encoder_name_in_file(*source, row, name); };
  const auto shape_in_file = [](const nn::NamedParameter& p) { return nn::shape_in_file(*p.tensor, p.traits.layout); };
  NamedParameters from_file, fresh, of_labels;
  const auto rows = rows_of_labels(own, wanted);
  const std::string outputs = wanted.kind == HeadKind::kMaskedLm ? std::string() : row.outputs(config, wanted.kind).out;
  for (const nn::NamedParameter& p : parameters.list()) {
    const std::string name = name_in_file(p.name), prefix = std::string(row.body) + ".";
    const bool of_body = is_of_body(row, p.name.starts_with(prefix) ? p.name.substr(prefix.size()) : p.name);
    const bool may_be_fresh = !of_body && (head || wanted.kind == HeadKind::kNone);
    const bool of_outputs = !outputs.empty() && p.name.starts_with(outputs);
    const bool there =
        source->contains(name) && source->shape(name) == shape_in_file(p) && (!of_outputs || !head || rows);
    (may_be_fresh && !there ? fresh : from_file).push_back(p);
    if (of_outputs && there && head && !rows->empty()) of_labels.push_back(p);
  }
  check_tensors(from_file, *source, name_in_file, shape_in_file);
  std::set<std::string> read;
  for (const nn::NamedParameter& p : parameters.list()) read.insert(name_in_file(p.name));
  refuse_unread(*source, row, read, head.has_value());
  fill_parameters(from_file, [&](const std::string& name) { return source->read(name_in_file(name)); });
  for (const nn::NamedParameter& p : of_labels)
    p.tensor->detach().copy_(p.tensor->detach().index_select(0, at::tensor(*rows, at::kLong)));
  for (const nn::NamedParameter& p : fresh) fill_fresh(p, config.initializer_range, seed);
  result.fresh_head = !fresh.empty() && wanted.kind != HeadKind::kNone;
  result.tokenizer = text::Tokenizer::from_folder(folder);
  check_encoder_vocabulary(folder, config, *result.tokenizer);
  return result;
}

void save_encoder(const fs::path& folder, Encoder& encoder, const text::Tokenizer& tokenizer, Precision stored,
                  const std::function<void(const fs::path& inside)>& more) {
  const Phase phase("save", "models");
  check_encoder_vocabulary(folder, encoder.config(), tokenizer);
  nn::Parameters parameters;
  encoder.parameters(parameters);
  formats::NamedTensors tensors;
  for (const nn::NamedParameter& p : parameters.list()) tensors.emplace_back(p.name, p.tensor->detach().contiguous());
  const at::ScalarType dtype = stored == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
  constexpr int64_t kMostShardBytes = 5'000'000'000;
  write_folder_atomically(folder, [&](const fs::path& inside) {
    write_json(inside / "config.json", write_encoder_config(encoder.config(), encoder.head(), stored));
    tokenizer.save(inside);
    formats::write_safetensors_folder(inside, tensors, kMostShardBytes, dtype);
    if (more) more(inside);
  });
}

}  // namespace limbeck::models
