#include "models/encoder_catalog.h"

#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"
#include "models/catalog.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

TEST(EncoderCatalog, NamesEachArchitectureOnceAndNoDecoder) {
  std::set<std::string_view> names;
  for (const Architecture& row : architectures()) names.insert(row.model_type);
  for (const EncoderArchitecture& row : encoder_architectures()) {
    EXPECT_TRUE(names.insert(row.model_type).second) << row.model_type;
    EXPECT_FALSE(row.about.empty());
    EXPECT_EQ(&encoder_architecture_of(row.model_type, "test"), &row);
  }
  const std::string message = message_of([] { encoder_architecture_of("gpt2", "c.json"); });
  EXPECT_NE(message.find("[c.json]"), std::string::npos) << message;
  EXPECT_NE(message.find("bert"), std::string::npos) << message;
}

TEST(EncoderCatalog, EveryArchitectureTakesEveryHeadAndAllItsParametersLearn) {
  const Packed packed = pack_texts({{5, 6, 7}, {8, 9}});
  for (const EncoderArchitecture& row : encoder_architectures())
    for (const Head& head : std::vector<Head>{{HeadKind::kClassification, 3, {}},
                                              {HeadKind::kChoice, 0, {}},
                                              {HeadKind::kTokens, 4, {}},
                                              {HeadKind::kSpan, 0, {}},
                                              {HeadKind::kMaskedLm, 0, {}}}) {
      SCOPED_TRACE(std::string(row.model_type) + ", head " + std::to_string(static_cast<int>(head.kind)));
      auto encoder =
          make_encoder(read_encoder_config(small_encoder_config(std::string(row.model_type)), "test"), head, Seed(3));
      const EncoderOutput out = run_encoder(*encoder, packed, {.dropout_salt = 5});
      encoder->logits(out, packed.offsets, {}, 6).square().sum().backward();
      std::set<std::string> names;
      for (const auto& p : parameters_of(*encoder)) {
        EXPECT_TRUE(names.insert(p.name).second) << p.name;
        ASSERT_TRUE(p.tensor->grad().defined()) << p.name;
        EXPECT_TRUE(p.tensor->grad().isfinite().all().item<bool>()) << p.name;
      }
      nn::Parameters parameters;
      encoder->parameters(parameters);
      EXPECT_GE(parameters.linears().size(), 6u);
    }
}

TEST(EncoderCatalog, PartsOfTheBodyAreKnownByTheirNames) {
  for (const EncoderArchitecture& row : encoder_architectures()) {
    auto encoder = make_encoder(read_encoder_config(small_encoder_config(std::string(row.model_type)), "test"), {});
    int64_t others = 0;
    for (const auto& p : parameters_of(*encoder)) others += !is_of_body(row, p.name);
    EXPECT_EQ(others, row.outputs(encoder->config(), HeadKind::kNone).dense.empty() ? 0 : 2) << row.model_type;
    EXPECT_FALSE(is_of_body(row, "classifier.weight"));
  }
}

}  // namespace
}  // namespace limbeck::models
