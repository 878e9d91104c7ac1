// Golden numbers: tests/golden/models/smollm2.json, made by tests/golden/scripts/make_model_golden.py with
// Transformers.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstdlib>
#include <fstream>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "formats/safetensors.h"
#include "models/golden_parity.h"
#include "models/language_model.h"

namespace limbeck::models {
namespace {

namespace fs = std::filesystem;

// Every byte is a token; the last three are special.
std::shared_ptr<const text::Tokenizer> byte_tokenizer() {
  text::TokenizerSpec spec;
  // The 256 characters that stand for bytes in GPT-2's alphabet: printable ones for themselves, the rest from U+0100
  // on.
  const auto add = [&](int character) {
    std::string utf8;
    if (character < 0x80)
      utf8 += static_cast<char>(character);
    else
      utf8 += static_cast<char>(0xc0 | character >> 6), utf8 += static_cast<char>(0x80 | (character & 0x3f));
    spec.tokens.push_back(utf8);
  };
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    add(printable ? byte : next++);
  }
  spec.tokens.insert(spec.tokens.end(), {"<s>", "</s>"});
  spec.added = {{.id = 256, .content = "<s>", .special = true}, {.id = 257, .content = "</s>", .special = true}};
  spec.bos = 256;
  spec.eos = 257;
  return text::Tokenizer::from_spec(spec);
}

Json big_enough(Json changes = Json::object()) {
  changes["vocab_size"] = 260;
  return changes;
}

std::map<std::string, std::string> files_of(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

void save_small(const fs::path& folder, const Json& changes = Json::object()) {
  save_pretrained(folder, *small_model(big_enough(changes)), *byte_tokenizer());
}

// One model of every architecture and variant that is compared with Transformers, with room for the tokenizer's ids.
std::vector<std::shared_ptr<LanguageModel>> one_of_each() {
  std::vector<std::shared_ptr<LanguageModel>> models;
  for (const Json& row : read_json(golden("models/architectures.json"))) {
    Json config = row.at("config");
    config["vocab_size"] = 260;
    models.push_back(make_decoder(read_config(config, row.at("name").get<std::string>())));
    fill_by_formula(*models.back());
  }
  EXPECT_GE(models.size(), 15u);
  return models;
}

void change_config(const fs::path& folder, const char* key, const Json& value) {
  Json config = read_json(folder / "config.json");
  config[key] = value;
  write_json(folder / "config.json", config);
}

TEST(SavePretrained, WhatIsLoadedAndSavedAgainHasTheSameBytesAndLogits) {
  at::NoGradGuard no_grad;
  for (const Json& changes : {Json::object(), Json{{"tie_word_embeddings", false}, {"attention_bias", true}},
                              Json{{"model_type", "qwen2"}}}) {
    const TemporaryFolder folder;
    save_small(folder / "first", changes);
    const Pretrained loaded = load_pretrained(folder / "first");
    save_pretrained(folder / "second", *loaded.model, *loaded.tokenizer);
    EXPECT_EQ(files_of(folder / "first"), files_of(folder / "second"));
    const at::Tensor ids = at::arange(20, at::kLong);
    EXPECT_TRUE(
        at::equal(logits_of_document(*small_model(big_enough(changes)), ids), logits_of_document(*loaded.model, ids)));
    EXPECT_EQ(loaded.eos_ids, std::vector<int64_t>{2});
    EXPECT_EQ(loaded.tokenizer->encode("ab"), (std::vector<int32_t>{'a', 'b'}));
    for (const auto& p : parameters_of(*loaded.model))
      EXPECT_TRUE(p.tensor->requires_grad() && p.tensor->is_leaf()) << p.name;
  }
}

TEST(SavePretrained, EveryArchitectureIsTheSameAfterSavingAndLoading) {
  at::NoGradGuard no_grad;
  const at::Tensor ids = at::arange(20, at::kLong);
  for (const auto& model : one_of_each()) {
    SCOPED_TRACE(model->config().original.dump());
    const TemporaryFolder folder;
    save_pretrained(folder / "first", *model, *byte_tokenizer());
    const Pretrained loaded = load_pretrained(folder / "first");
    EXPECT_TRUE(at::equal(logits_of_document(*model, ids), logits_of_document(*loaded.model, ids)));
    save_pretrained(folder / "second", *loaded.model, *loaded.tokenizer);
    EXPECT_EQ(files_of(folder / "first"), files_of(folder / "second"));
    const int64_t layers = model->config().num_hidden_layers;
    auto slice = slice_layers(*model, {0, layers - 1});
    save_pretrained(folder / "slice", *slice, *byte_tokenizer());
    EXPECT_TRUE(
        at::equal(logits_of_document(*slice, ids), logits_of_document(*load_pretrained(folder / "slice").model, ids)));
  }
}

TEST(SavePretrained, ShardsHoldTheSameModel) {
  const TemporaryFolder folder;
  auto model = small_model(big_enough());
  save_pretrained(folder / "sharded", *model, *byte_tokenizer(), Precision::kFp32, 20'000);
  EXPECT_TRUE(fs::exists(folder / "sharded" / "model.safetensors.index.json"));
  const Pretrained loaded = load_pretrained(folder / "sharded");
  const auto before = parameters_of(*model), after = parameters_of(*loaded.model);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(at::equal(*before[i].tensor, *after[i].tensor)) << before[i].name;
}

TEST(SavePretrained, Bf16FilesHoldRoundedWeightsAndSaySo) {
  const TemporaryFolder folder;
  auto model = small_model(big_enough());
  save_pretrained(folder / "low", *model, *byte_tokenizer(), Precision::kBf16);
  EXPECT_EQ(read_json(folder / "low" / "config.json").at("torch_dtype"), "bfloat16");
  EXPECT_EQ(formats::open_safetensors(folder / "low" / "model.safetensors")->read("model.norm.weight").scalar_type(),
            at::kBFloat16);
  const Pretrained loaded = load_pretrained(folder / "low");
  const auto before = parameters_of(*model), after = parameters_of(*loaded.model);
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].tensor->scalar_type(), at::kFloat);
    EXPECT_TRUE(at::equal(before[i].tensor->to(at::kBFloat16).to(at::kFloat), *after[i].tensor)) << before[i].name;
  }
}

TEST(SavePretrained, RefusesATokenizerThatTheEmbeddingCannotHold) {
  const TemporaryFolder folder;
  const std::string message = message_of([&] { save_pretrained(folder / "m", *small_model(), *byte_tokenizer()); });
  EXPECT_NE(message.find("tokenizer's 258 tokens but received vocab_size 61"), std::string::npos) << message;
  EXPECT_FALSE(fs::exists(folder / "m"));
}

TEST(LoadPretrained, RefusesATokenizerThatTheEmbeddingCannotHold) {
  const TemporaryFolder folder;
  save_small(folder / "m");
  const TemporaryFolder other;
  formats::NamedTensors tensors;
  auto model = small_model();
  for (const auto& p : parameters_of(*model)) tensors.emplace_back(p.name, p.tensor->detach());
  formats::write_safetensors(folder / "m" / "model.safetensors", tensors, {{"format", "pt"}});
  change_config(folder / "m", "vocab_size", 61);
  const std::string message = message_of([&] { load_pretrained(folder / "m"); });
  EXPECT_NE(message.find("tokenizer's 258 tokens but received vocab_size 61"), std::string::npos) << message;
}

TEST(LoadPretrained, NamesWhatTheConfigAndTheTensorsDisagreeOn) {
  const auto complaint = [](const char* key, const Json& value) {
    const TemporaryFolder folder;
    save_small(folder / "m", {{"tie_word_embeddings", false}});
    change_config(folder / "m", key, value);
    return message_of([&] { load_pretrained(folder / "m"); });
  };
  EXPECT_NE(complaint("num_hidden_layers", 2).find("tensor 'model.layers.2."), std::string::npos);
  EXPECT_NE(
      complaint("num_hidden_layers", 4).find("'model.layers.3.input_layernorm.weight': expected it but received none"),
      std::string::npos);
  EXPECT_NE(complaint("intermediate_size", 47).find("expected 47x32 but received 48x32"), std::string::npos);
  EXPECT_NE(complaint("intermediate_size", 4'000'000).find("weights as the config says"), std::string::npos);
  EXPECT_NE(complaint("model_type", "qwen2").find("q_proj.bias"), std::string::npos);
  EXPECT_NE(complaint("num_hidden_layers", 1e18).find("num_hidden_layers"), std::string::npos);
}

// The first published GPT-2 files: names without "transformer.", masks beside the weights, no lm_head.
TEST(LoadPretrained, ReadsFilesOfABareModelAndLeavesOutTheirBuffers) {
  at::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const Json config = {{"model_type", "gpt2"}, {"vocab_size", 260}, {"n_embd", 32},     {"n_layer", 2},
                       {"n_head", 4},          {"n_positions", 64}, {"eos_token_id", 2}};
  auto model = make_decoder(read_config(config, "test"));
  fill_by_formula(*model);
  save_pretrained(folder / "m", *model, *byte_tokenizer());
  formats::NamedTensors tensors;
  const auto saved = formats::open_safetensors(folder / "m" / "model.safetensors");
  EXPECT_EQ(saved->shape("transformer.h.0.attn.c_attn.weight"), (std::vector<int64_t>{32, 96}));
  for (const std::string& name : saved->names())
    tensors.emplace_back(name.substr(std::string("transformer.").size()), saved->read(name));
  tensors.emplace_back("h.0.attn.bias", at::ones({1, 1, 64, 64}));
  tensors.emplace_back("h.1.attn.masked_bias", at::ones({1}));
  formats::write_safetensors(folder / "m" / "model.safetensors", tensors, {{"format", "pt"}});
  const at::Tensor ids = at::arange(9, at::kLong);
  EXPECT_TRUE(
      at::equal(logits_of_document(*load_pretrained(folder / "m").model, ids), logits_of_document(*model, ids)));
  tensors.emplace_back("h.1.attn.extra", at::ones({1}));
  formats::write_safetensors(folder / "m" / "model.safetensors", tensors, {{"format", "pt"}});
  EXPECT_NE(message_of([&] { load_pretrained(folder / "m"); }).find("h.1.attn.extra"), std::string::npos);
}

TEST(LoadPretrained, AGenerationConfigSaysWhatEndsAText) {
  const TemporaryFolder folder;
  save_small(folder / "m");
  write_json(folder / "m" / "generation_config.json", Json{{"eos_token_id", {7, 9}}, {"temperature", 0.7}});
  const Pretrained loaded = load_pretrained(folder / "m");
  EXPECT_EQ(loaded.eos_ids, (std::vector<int64_t>{7, 9}));
  save_pretrained(folder / "again", *loaded.model, *loaded.tokenizer);
  EXPECT_EQ(read_json(folder / "again" / "generation_config.json").at("temperature"), 0.7);
  write_json(folder / "m" / "generation_config.json", Json{{"eos_token_id", "end"}});
  EXPECT_NE(message_of([&] { load_pretrained(folder / "m"); }).find("eos_token_id"), std::string::npos);
}

TEST(LoadPretrained, APathThatIsNoModelIsTheUsersMistake) {
  const TemporaryFolder folder;
  EXPECT_THROW(load_pretrained(folder / "nothing"), UserError);
  EXPECT_THROW(load_pretrained(folder.path()), UserError);
  std::ofstream(folder / "weights.bin") << "x";
  EXPECT_THROW(load_pretrained(folder / "weights.bin"), UserError);
  std::ofstream(folder / "torn.gguf") << "GGUF";
  EXPECT_THROW(load_pretrained(folder / "torn.gguf"), Error);
  save_small(folder / "m");
  fs::remove(folder / "m" / "model.safetensors");
  EXPECT_THROW(load_pretrained(folder / "m"), Error);
}

const Pretrained& smollm2() {
  static const Pretrained source = load_pretrained(smollm2_path());
  return source;
}

TEST(SlowSmolLm2, LogitsEqualTransformersOnTheDequantisedGguf) {
  if (!fs::exists(smollm2_path())) GTEST_SKIP() << smollm2_path() << " is not here; scripts/setup fetches it";
  at::NoGradGuard no_grad;
  const Json golden_rows = read_json(golden("models/smollm2.json"));
  for (const Json& row : golden_rows) {
    SCOPED_TRACE(row.at("text").get<std::string>());
    const auto ids = row.at("ids").get<std::vector<int64_t>>();
    const auto encoded = smollm2().tokenizer->encode(row.at("text").get<std::string>());
    EXPECT_EQ(std::vector<int64_t>(encoded.begin(), encoded.end()), ids);
    const at::Tensor logits = logits_of_document(*smollm2().model, ids_tensor(ids));
    for (const Json& at : row.at("at")) {
      const at::Tensor here = logits[at.at("position").get<int64_t>()];
      EXPECT_NEAR(here.logsumexp(0).item<double>(), at.at("logsumexp").get<double>(), 1e-4);
      const auto [values, indices] = here.topk(8);
      for (int64_t i = 0; i < 8; ++i) {
        EXPECT_EQ(indices[i].item<int64_t>(), at.at("ids")[i].get<int64_t>());
        EXPECT_NEAR(values[i].item<double>(), at.at("values")[i].get<double>(), 1e-4);
        EXPECT_NEAR(here[i].item<double>(), at.at("first_values")[i].get<double>(), 1e-4);
      }
    }
  }
}

// The Python of scripts/setup --peers, "" where there is none with Transformers.
std::string peers_python() {
  std::vector<fs::path> candidates;
  if (const char* named = std::getenv("LIMBECK_PEERS_PYTHON")) candidates.emplace_back(named);
  candidates.push_back(smollm2_path().parent_path().parent_path().parent_path() / "peers" / "bin" / "python");
  for (const fs::path& python : candidates)
    if (fs::exists(python) && std::system((python.string() + " -c 'import transformers' 2>/dev/null").c_str()) == 0)
      return python.string();
  return "";
}

void expect_same_logits_in_transformers(LanguageModel& model, const text::Tokenizer& tokenizer,
                                        const std::string& python) {
  const TemporaryFolder folder;
  save_pretrained(folder / "model", model, tokenizer);
  at::NoGradGuard no_grad;
  const std::vector<int64_t> ids = {3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32, 38, 46};
  const at::Tensor logits = logits_of_document(model, ids_tensor(ids)).contiguous();
  std::ofstream(folder / "logits", std::ios::binary)
      .write(static_cast<const char*>(logits.const_data_ptr()), static_cast<std::streamsize>(logits.nbytes()));
  std::string list;
  for (const int64_t id : ids) list += (list.empty() ? "" : ",") + std::to_string(id);
  const fs::path script = golden("scripts/check_saved_model.py");
  const std::string command = python + " " + script.string() + " " + (folder / "model").string() + " " + list + " " +
                              (folder / "logits").string() + " >&2";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(SlowSavePretrained, OpensInTransformersWithTheSameLogits) {
  const std::string python = peers_python();
  if (python.empty()) GTEST_SKIP() << "no Python with Transformers; scripts/setup --peers installs one";
  for (const Json& changes :
       {Json::object(), Json{{"attention_bias", true}, {"mlp_bias", true}, {"tie_word_embeddings", false}},
        Json{{"model_type", "mistral"}, {"sliding_window", 5}},
        Json{{"model_type", "qwen2"}, {"use_sliding_window", true}, {"sliding_window", 4}, {"max_window_layers", 1}},
        Json{{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 16}}}}}) {
    SCOPED_TRACE(changes.dump());
    expect_same_logits_in_transformers(*small_model(big_enough(changes)), *byte_tokenizer(), python);
  }
  for (const auto& model : one_of_each()) {
    SCOPED_TRACE(model->config().original.dump());
    expect_same_logits_in_transformers(*model, *byte_tokenizer(), python);
    // Blocks in another order: lists of kinds of block must follow.
    expect_same_logits_in_transformers(*slice_layers(*model, {2, 1}), *byte_tokenizer(), python);
  }
  if (!fs::exists(smollm2_path())) return;
  auto slice = slice_layers(*smollm2().model, evenly_spaced_layers(30, 4));
  expect_same_logits_in_transformers(*slice, *smollm2().tokenizer, python);
}

}  // namespace
}  // namespace limbeck::models
