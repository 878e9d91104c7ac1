#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstdlib>
#include <fstream>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "formats/safetensors.h"
#include "models/encoder_golden.h"
#include "models/word_tokenizer.h"

namespace limbeck::models {
namespace {

namespace fs = std::filesystem;

Head classes(std::vector<std::string> labels = {"down", "same", "up"}) {
  const auto outputs = static_cast<int64_t>(labels.size());
  return {HeadKind::kClassification, outputs, std::move(labels)};
}

Packed three_texts() {
  return pack_texts({{2, 5, 6, 3}, {2, 3}, {2, 11, 12, 10, 13, 3}}, {{0, 0, 0, 0}, {0, 0}, {0, 0, 0, 0, 1, 1}});
}

std::map<std::string, std::string> files_in(const fs::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::directory_iterator(folder))
    files[entry.path().filename().string()] = read_file(entry.path());
  return files;
}

void change_encoder_config(const fs::path& folder, const char* key, const Json& value) {
  Json config = read_json(folder / "config.json");
  config[key] = value;
  write_json(folder / "config.json", config);
}

// The tensors of a saved model under other names; "" leaves one out.
void rename_tensors(const fs::path& folder, const std::function<std::string(const std::string&)>& name_of) {
  const auto source = formats::open_safetensors(folder / "model.safetensors");
  formats::NamedTensors tensors;
  for (const std::string& name : source->names())
    if (const std::string renamed = name_of(name); !renamed.empty()) tensors.emplace_back(renamed, source->read(name));
  formats::write_safetensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
}

TEST(SaveEncoder, WhatIsLoadedAndSavedAgainHasTheSameBytesLabelsAndLogits) {
  at::NoGradGuard no_grad;
  const TemporaryFolder folder;
  auto model = small_encoder(small_encoder_config("bert"), classes());
  save_encoder(folder / "first", *model, *word_tokenizer());
  const LoadedEncoder loaded = load_encoder(folder / "first");
  EXPECT_FALSE(loaded.fresh_head);
  EXPECT_EQ(loaded.model->head().kind, HeadKind::kClassification);
  EXPECT_EQ(loaded.model->head().labels, classes().labels);
  EXPECT_TRUE(at::equal(logits_of(*model, three_texts()), logits_of(*loaded.model, three_texts())));
  save_encoder(folder / "second", *loaded.model, *loaded.tokenizer);
  EXPECT_EQ(files_in(folder / "first"), files_in(folder / "second"));
  EXPECT_EQ(loaded.tokenizer->encode("the cats"), (std::vector<int32_t>{2, 5, 6, 10, 3}));
  for (const auto& p : parameters_of(*loaded.model))
    EXPECT_TRUE(p.tensor->requires_grad() && p.tensor->is_leaf()) << p.name;
}

TEST(SaveEncoder, ConfigSaysLabelsAndKindAsTransformersReadsThem) {
  const TemporaryFolder folder;
  save_encoder(folder / "m", *small_encoder(small_encoder_config("bert"), classes()), *word_tokenizer());
  Json config = read_json(folder / "m" / "config.json");
  EXPECT_EQ(config.at("architectures"), Json({"BertForSequenceClassification"}));
  EXPECT_EQ(config.at("id2label"), (Json{{"0", "down"}, {"1", "same"}, {"2", "up"}}));
  EXPECT_EQ(config.at("label2id"), (Json{{"down", 0}, {"same", 1}, {"up", 2}}));
  EXPECT_EQ(config.at("problem_type"), "single_label_classification");
  const Head score{HeadKind::kClassification, 1, {}};
  save_encoder(folder / "score", *small_encoder(small_encoder_config("bert"), score), *word_tokenizer());
  EXPECT_EQ(read_json(folder / "score" / "config.json").at("problem_type"), "regression");
  EXPECT_TRUE(load_encoder(folder / "score").model->head().labels.empty());
}

TEST(SaveEncoder, Bf16FilesHoldRoundedWeightsAndSaySo) {
  const TemporaryFolder folder;
  auto model = small_encoder(small_encoder_config("bert"), classes());
  save_encoder(folder / "low", *model, *word_tokenizer(), Precision::kBf16);
  EXPECT_EQ(read_json(folder / "low" / "config.json").at("torch_dtype"), "bfloat16");
  const LoadedEncoder loaded = load_encoder(folder / "low");
  const auto before = parameters_of(*model), after = parameters_of(*loaded.model);
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(at::equal(before[i].tensor->to(at::kBFloat16).to(at::kFloat), *after[i].tensor)) << before[i].name;
}

TEST(SaveEncoder, RefusesATokenizerThatTheTableCannotHold) {
  const TemporaryFolder folder;
  auto model = small_encoder(small_encoder_config("bert", {{"vocab_size", 9}}));
  EXPECT_NE(message_of([&] { save_encoder(folder / "m", *model, *word_tokenizer()); }).find("tokenizer's 14 tokens"),
            std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "m"));
}

class SavedBert : public testing::Test {
 protected:
  void SetUp() override {
    model_ = small_encoder(small_encoder_config("bert"), classes());
    save_encoder(folder_ / "m", *model_, *word_tokenizer());
  }
  fs::path saved() const { return folder_ / "m"; }
  void expect_same_model(const LoadedEncoder& loaded) {
    at::NoGradGuard no_grad;
    EXPECT_TRUE(at::equal(logits_of(*model_, three_texts()), logits_of(*loaded.model, three_texts())));
  }
  TemporaryFolder folder_;
  std::shared_ptr<Encoder> model_;
};

TEST_F(SavedBert, TakesTheNamesOfOldFilesAndOfBodiesAlone) {
  rename_tensors(saved(), [](std::string name) {
    for (const auto& [now, then] :
         {std::pair{"LayerNorm.weight", "LayerNorm.gamma"}, {"LayerNorm.bias", "LayerNorm.beta"}})
      if (const std::size_t at = name.find(now); at != std::string::npos)
        name.replace(at, std::string(now).size(), then);
    return name;
  });
  expect_same_model(load_encoder(saved()));
  rename_tensors(saved(), [](const std::string& name) { return name.starts_with("bert.") ? name.substr(5) : name; });
  expect_same_model(load_encoder(saved()));
}

TEST_F(SavedBert, NamesWhatIsMissingAndWhatNobodyReads) {
  rename_tensors(saved(),
                 [](const std::string& name) { return name == "bert.encoder.layer.1.output.dense.bias" ? "" : name; });
  EXPECT_NE(message_of([&] {
              load_encoder(saved());
            }).find("'bert.encoder.layer.1.output.dense.bias': expected it but received none"),
            std::string::npos);
  save_encoder(saved(), *model_, *word_tokenizer());
  rename_tensors(saved(), [](const std::string& name) { return name == "classifier.bias" ? "classifier.tail" : name; });
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("'classifier.bias'"), std::string::npos);
  save_encoder(saved(), *model_, *word_tokenizer());
  change_encoder_config(saved(), "num_hidden_layers", 2);
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("'bert.encoder.layer.2."), std::string::npos);
  change_encoder_config(saved(), "num_hidden_layers", 4);
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("'bert.encoder.layer.3."), std::string::npos);
  change_encoder_config(saved(), "num_hidden_layers", 3);
  change_encoder_config(saved(), "intermediate_size", 21);
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("expected 21x24 but received 20x24"), std::string::npos);
  change_encoder_config(saved(), "intermediate_size", 4'000'000);
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("weights as the config says"), std::string::npos);
}

TEST_F(SavedBert, LeavesOutTablesOfPlacesAndHeadsOfPretraining) {
  const auto source = formats::open_safetensors(saved() / "model.safetensors");
  formats::NamedTensors tensors = {{"bert.embeddings.position_ids", at::arange(16)},
                                   {"cls.seq_relationship.weight", at::ones({2, 24})}};
  for (const std::string& name : source->names()) tensors.emplace_back(name, source->read(name));
  formats::write_safetensors(saved() / "model.safetensors", tensors, {{"format", "pt"}});
  expect_same_model(load_encoder(saved()));
}

TEST_F(SavedBert, AGivenHeadIsReadWhereTheFileHasItAndFreshWhereItDoesNot) {
  const LoadedEncoder same = load_encoder(saved(), classes());
  EXPECT_FALSE(same.fresh_head);
  expect_same_model(same);
  // Rows of outputs mean labels: another order is another order of rows.
  const LoadedEncoder turned = load_encoder(saved(), classes({"up", "down", "same"}));
  EXPECT_FALSE(turned.fresh_head);
  EXPECT_TRUE(at::allclose(logits_of(*turned.model, three_texts()),
                           logits_of(*model_, three_texts()).index_select(1, at::tensor({2, 0, 1}, at::kLong)), 0,
                           1e-6));
  EXPECT_TRUE(load_encoder(saved(), classes({"up", "same", "below"})).fresh_head);
  const LoadedEncoder two = load_encoder(saved(), classes({"no", "yes"}), Seed(7));
  EXPECT_TRUE(two.fresh_head);
  at::NoGradGuard no_grad;
  for (const auto& p : parameters_of(*two.model)) {
    if (p.name == "classifier.weight") {
      EXPECT_EQ(p.tensor->sizes(), at::IntArrayRef({2, 24}));
      EXPECT_LT(p.tensor->abs().max().item<double>(), 0.2);
      continue;
    }
    for (const auto& q : parameters_of(*model_))
      if (q.name == p.name && p.name != "classifier.bias") {
        EXPECT_TRUE(at::equal(*p.tensor, *q.tensor)) << p.name;
      }
  }
  const LoadedEncoder again = load_encoder(saved(), classes({"no", "yes"}), Seed(7));
  EXPECT_TRUE(at::equal(logits_of(*two.model, three_texts()), logits_of(*again.model, three_texts())));
  const LoadedEncoder other = load_encoder(saved(), classes({"no", "yes"}), Seed(8));
  EXPECT_FALSE(at::equal(logits_of(*two.model, three_texts()), logits_of(*other.model, three_texts())));
  const LoadedEncoder words = load_encoder(saved(), Head{HeadKind::kMaskedLm, 0, {}});
  EXPECT_TRUE(words.fresh_head);
  EXPECT_EQ(logits_of(*words.model, three_texts()).sizes(), at::IntArrayRef({12, 29}));
}

TEST_F(SavedBert, ABodyAloneKeepsThePoolerForALaterHead) {
  const LoadedEncoder body = load_encoder(saved(), Head{});
  EXPECT_FALSE(body.fresh_head);
  save_encoder(folder_ / "body", *body.model, *body.tokenizer);
  const auto names = formats::open_safetensors(folder_ / "body" / "model.safetensors")->names();
  EXPECT_TRUE(std::find(names.begin(), names.end(), "pooler.dense.weight") != names.end());
  EXPECT_TRUE(std::find(names.begin(), names.end(), "embeddings.word_embeddings.weight") != names.end());
  const LoadedEncoder headed = load_encoder(folder_ / "body", classes({"no", "yes"}));
  for (const auto& p : parameters_of(*headed.model))
    for (const auto& q : parameters_of(*model_))
      if (q.name == p.name && p.name.starts_with("bert.")) {
        EXPECT_TRUE(at::equal(*p.tensor, *q.tensor)) << p.name;
      }
}

TEST_F(SavedBert, LabelsThatDoNotCountUpAreRefused) {
  for (const Json& labels : {Json{{"0", "a"}, {"2", "b"}}, Json::object(), Json::array({"a"}), Json("a")}) {
    change_encoder_config(saved(), "id2label", labels);
    EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("id2label"), std::string::npos) << labels;
  }
  change_encoder_config(saved(), "id2label", Json{{"0", "a"}, {"1", "b"}});
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("expected 2x24 but received 3x24"), std::string::npos);
  change_encoder_config(saved(), "architectures", Json::array({"BertForEverything"}));
  EXPECT_NE(message_of([&] { load_encoder(saved()); }).find("architectures"), std::string::npos);
}

TEST(LoadEncoder, APathThatIsNoModelIsTheUsersMistake) {
  const TemporaryFolder folder;
  EXPECT_THROW(load_encoder(folder / "nothing"), UserError);
  EXPECT_THROW(load_encoder(folder.path()), UserError);
}

// The Python of scripts/setup --peers, "" where there is none with Transformers.
std::string python_with_transformers() {
  std::vector<fs::path> candidates;
  if (const char* named = std::getenv("LIMBECK_PEERS_PYTHON")) candidates.emplace_back(named);
  candidates.push_back(smollm2_path().parent_path().parent_path().parent_path() / "peers" / "bin" / "python");
  for (const fs::path& python : candidates)
    if (fs::exists(python) && std::system((python.string() + " -c 'import transformers' 2>/dev/null").c_str()) == 0)
      return python.string();
  return "";
}

TEST(SlowSaveEncoder, FoldersOpenInTransformersWithTheSameNumbers) {
  const std::string python = python_with_transformers();
  if (python.empty()) GTEST_SKIP() << "no Python with Transformers; scripts/setup --peers installs one";
  at::NoGradGuard no_grad;
  const TemporaryFolder folder;
  Json list = Json::array();
  for (const Json& row : read_json(golden("models/encoders.json"))) {
    auto encoder = small_encoder(row.at("config"), golden_head(row));
    const fs::path saved = folder / std::to_string(list.size());
    save_encoder(saved, *encoder, *word_tokenizer());
    const at::Tensor numbers = compared(*encoder, row, golden_texts(row)).contiguous();
    const float* data = numbers.const_data_ptr<float>();
    list.push_back({{"folder", saved.string()},
                    {"head", row.at("head")},
                    {"texts", row.at("texts")},
                    {"types", row.contains("types") ? row.at("types") : Json()},
                    {"numbers", std::vector<float>(data, data + numbers.numel())}});
  }
  write_json(folder / "list.json", list);
  const std::string command = python + " " + golden("scripts/check_saved_encoders.py").string() + " " +
                              (folder / "list.json").string() + " >&2";
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace limbeck::models
