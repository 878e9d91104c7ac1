#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_golden.h"
#include "models/sentence.h"
#include "models/word_tokenizer.h"

namespace limbeck::models {
namespace {

class SentenceFolder : public testing::Test {
 protected:
  void save(const SentenceConfig& config) {
    SentenceEncoder encoder;
    encoder.model = small_encoder(small_encoder_config("bert"));
    encoder.tokenizer = word_tokenizer();
    encoder.config = config;
    save_sentence_encoder(saved(), encoder);
  }
  std::filesystem::path saved() const { return folder_ / "m"; }
  void change(const std::string& file, const char* key, const Json& value) {
    Json json = read_json(saved() / file);
    if (value.is_null())
      json.erase(key);
    else
      json[key] = value;
    write_json(saved() / file, json);
  }
  std::string complaint() const {
    return message_of([&] { load_sentence_encoder(saved()); });
  }
  TemporaryFolder folder_;
};

TEST_F(SentenceFolder, WhatIsSavedIsLoaded) {
  for (const nn::Pooling pooling :
       {nn::Pooling::kFirst, nn::Pooling::kMean, nn::Pooling::kMax, nn::Pooling::kMeanSqrtLength, nn::Pooling::kLast})
    for (const bool normalize : {false, true}) {
      save({.pooling = {pooling}, .normalize = normalize, .max_length = 9});
      const SentenceEncoder loaded = load_sentence_encoder(saved());
      EXPECT_EQ(loaded.config.pooling, std::vector<nn::Pooling>{pooling});
      EXPECT_EQ(loaded.config.normalize, normalize);
      EXPECT_EQ(loaded.config.max_length, 9);
      SentenceEncoder before;
      before.model = small_encoder(small_encoder_config("bert"));
      before.tokenizer = word_tokenizer();
      before.config = loaded.config;
      const std::vector<SentenceIds> ids = {sentence_ids(loaded, "the cats sat")};
      EXPECT_TRUE(at::equal(embed(loaded, ids), embed(before, ids)));
    }
  save({.pooling = {nn::Pooling::kFirst, nn::Pooling::kMean}});
  EXPECT_EQ(load_sentence_encoder(saved()).config.pooling,
            (std::vector<nn::Pooling>{nn::Pooling::kFirst, nn::Pooling::kMean}));
}

// The layout of all-MiniLM-L6-v2, which some copies of come without 1_Pooling.
TEST_F(SentenceFolder, WithoutAPoolingFileItIsTheMean) {
  save({.pooling = {nn::Pooling::kFirst}, .normalize = true});
  std::filesystem::remove_all(saved() / "1_Pooling");
  const SentenceEncoder loaded = load_sentence_encoder(saved());
  EXPECT_EQ(loaded.config.pooling, std::vector<nn::Pooling>{nn::Pooling::kMean});
  EXPECT_TRUE(loaded.config.normalize);
  std::filesystem::remove(saved() / "modules.json");
  EXPECT_FALSE(load_sentence_encoder(saved()).config.normalize);
}

TEST_F(SentenceFolder, NewerFilesNameTheirPooling) {
  save({});
  write_json(saved() / "1_Pooling" / "config.json", Json{{"pooling_mode", "lasttoken"}});
  EXPECT_EQ(load_sentence_encoder(saved()).config.pooling, std::vector<nn::Pooling>{nn::Pooling::kLast});
  write_json(saved() / "1_Pooling" / "config.json", Json{{"pooling_mode", {"max", "cls"}}});
  EXPECT_EQ(load_sentence_encoder(saved()).config.pooling,
            (std::vector<nn::Pooling>{nn::Pooling::kMax, nn::Pooling::kFirst}));
  write_json(saved() / "1_Pooling" / "config.json", Json{{"pooling_mode", "attention"}});
  EXPECT_NE(complaint().find("pooling_mode"), std::string::npos);
}

TEST_F(SentenceFolder, WhatIsNotKnownIsNamed) {
  save({});
  change("1_Pooling/config.json", "pooling_mode_weightedmean_tokens", true);
  EXPECT_NE(complaint().find("weightedmean"), std::string::npos);
  save({});
  change("sentence_bert_config.json", "max_seq_length", -4);
  EXPECT_NE(complaint().find("max_seq_length"), std::string::npos);
  save({});
  Json modules = read_json(saved() / "modules.json");
  modules[1]["type"] = "sentence_transformers.models.Dense";
  write_json(saved() / "modules.json", modules);
  EXPECT_NE(complaint().find("models.Dense"), std::string::npos);
  for (const char* path : {"../elsewhere", "/etc", "a/../../b"}) {
    modules[1]["type"] = "sentence_transformers.models.Pooling";
    modules[1]["path"] = path;
    write_json(saved() / "modules.json", modules);
    EXPECT_NE(complaint().find("expected a folder of the model"), std::string::npos) << path;
  }
  write_json(saved() / "modules.json", Json{{"idx", 0}});
  EXPECT_NE(complaint().find("list of modules"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::models
