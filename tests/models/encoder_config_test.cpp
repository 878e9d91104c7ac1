#include "models/encoder_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "models/encoder_catalog.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(EncoderConfig, WhatIsWrittenReadsAsTheSameForEveryArchitecture) {
  for (const EncoderArchitecture& row : encoder_architectures()) {
    SCOPED_TRACE(row.model_type);
    const Json given = small_encoder_config(std::string(row.model_type), {{"initializer_range", 0.03}, {"my_key", 5}});
    EncoderConfig config = read_encoder_config(given, "test");
    const Head head{HeadKind::kTokens, 2, {"O", "B"}};
    const Json written = write_encoder_config(config, head, Precision::kFp32);
    EXPECT_EQ(written.at("my_key"), 5);
    EXPECT_EQ(
        write_encoder_config(read_encoder_config(written, "again"), read_head(written, "again"), Precision::kFp32),
        written);
    EXPECT_EQ(read_head(written, "again").labels, head.labels);
    // From the config alone, as a recipe makes one.
    config.original = Json();
    const EncoderConfig alone = read_encoder_config(write_encoder_config(config, head, Precision::kFp32), "alone");
    EXPECT_EQ(alone.hidden_size, 24);
    EXPECT_EQ(alone.num_hidden_layers, 3);
    EXPECT_EQ(alone.embedding_size, config.embedding_size);
    EXPECT_EQ(alone.activation, config.activation);
    EXPECT_EQ(alone.first_position, config.first_position);
    EXPECT_EQ(alone.hidden_dropout, config.hidden_dropout);
    EXPECT_EQ(alone.classifier_dropout, config.classifier_dropout);
    EXPECT_EQ(alone.initializer_range, 0.03);
    EXPECT_EQ(count_encoder_weights(alone), count_encoder_weights(config));
  }
}

TEST(EncoderConfig, CountsTheWeightsOfEveryBody) {
  for (const EncoderArchitecture& row : encoder_architectures()) {
    auto encoder = make_encoder(read_encoder_config(small_encoder_config(std::string(row.model_type)), "test"), {});
    int64_t weights = 0;
    for (const auto& p : parameters_of(*encoder))
      if (is_of_body(row, p.name)) weights += p.tensor->numel();
    EXPECT_EQ(count_encoder_weights(encoder->config()), static_cast<double>(weights)) << row.model_type;
  }
}

TEST(EncoderConfig, ClassNamesSayTheHead) {
  const auto kind = [](const char* name) {
    return read_head(small_encoder_config("bert", {{"architectures", {name}}}), "test").kind;
  };
  EXPECT_EQ(kind("BertModel"), HeadKind::kNone);
  EXPECT_EQ(kind("BertForSequenceClassification"), HeadKind::kClassification);
  EXPECT_EQ(kind("BertForMultipleChoice"), HeadKind::kChoice);
  EXPECT_EQ(kind("BertForTokenClassification"), HeadKind::kTokens);
  EXPECT_EQ(kind("BertForQuestionAnswering"), HeadKind::kSpan);
  EXPECT_EQ(kind("BertForMaskedLM"), HeadKind::kMaskedLm);
  EXPECT_EQ(kind("BertForPreTraining"), HeadKind::kMaskedLm);
  EXPECT_EQ(kind("BertLMHeadModel"), HeadKind::kMaskedLm);
  EXPECT_EQ(read_head(small_encoder_config("bert"), "test").kind, HeadKind::kNone);
  EXPECT_THROW(kind("BertForEverything"), Error);
}

TEST(EncoderConfig, AClassifierWithoutLabelsHasTransformersOwn) {
  const Json config = small_encoder_config("bert", {{"architectures", {"BertForSequenceClassification"}}});
  EXPECT_EQ(read_head(config, "test").labels, (std::vector<std::string>{"LABEL_0", "LABEL_1"}));
  Json one = config;
  one["num_labels"] = 1;
  EXPECT_TRUE(read_head(one, "test").labels.empty()) << "one output is a score";
  one["num_labels"] = 1e12;
  EXPECT_THROW(read_head(one, "test"), Error);
}

TEST(EncoderConfig, SeveralLabelsAtOnceStaySo) {
  Json config = small_encoder_config("bert", {{"architectures", {"BertForSequenceClassification"}},
                                              {"id2label", {{"0", "a"}, {"1", "b"}}},
                                              {"problem_type", "multi_label_classification"}});
  const Json written =
      write_encoder_config(read_encoder_config(config, "test"), read_head(config, "test"), Precision::kFp32);
  EXPECT_EQ(written.at("problem_type"), "multi_label_classification");
  const Json other =
      write_encoder_config(read_encoder_config(config, "test"), {HeadKind::kMaskedLm, 29, {}}, Precision::kFp32);
  EXPECT_FALSE(other.contains("problem_type"));
  EXPECT_FALSE(other.contains("id2label"));
}

TEST(EncoderConfig, APadTokenBeyondTheVocabularyIsRefusedBeforePositionsAreCountedFromIt) {
  for (const int64_t id : {int64_t{-1}, INT64_MAX})
    EXPECT_THAT(message_of<Error>([&] {
                  read_encoder_config(small_encoder_config("roberta", {{"pad_token_id", id}}), "test");
                }),
                testing::HasSubstr("pad_token_id: expected an id below vocab_size"));
}

TEST(EncoderConfig, AnEncoderIsKnownByItsModelType) {
  const TemporaryFolder folder;
  EXPECT_FALSE(is_encoder(folder.path()));
  write_json(folder / "config.json", Json{{"model_type", "gpt2"}});
  EXPECT_FALSE(is_encoder(folder.path()));
  write_json(folder / "config.json", Json::array());
  EXPECT_FALSE(is_encoder(folder.path()));
  write_json(folder / "config.json", Json{{"model_type", "bert"}});
  EXPECT_TRUE(is_encoder(folder.path()));
}

}  // namespace
}  // namespace limbeck::models
