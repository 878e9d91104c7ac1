#include "models/gpt_neo.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(GptNeo, LogitsAndGradientsEqualTransformers) {
  expect_golden("gpt_neo");
}

Json gpt_neo_config(const Json& changes = Json::object()) {
  Json config = {{"model_type", "gpt_neo"},
                 {"vocab_size", 61},
                 {"hidden_size", 32},
                 {"num_layers", 4},
                 {"num_heads", 4},
                 {"attention_types", Json::array({Json::array({Json::array({"global", "local"}), 2})})}};
  config.update(changes);
  return config;
}

TEST(GptNeo, LocalBlocksSeeTheWindow) {
  const DecoderConfig c = read_config(gpt_neo_config({{"window_size", 7}}), "test");
  EXPECT_FALSE(window_of(c, 0));
  EXPECT_EQ(window_of(c, 3), 7);
}

TEST(GptNeo, AListOfKindsThatDoesNotFitIsAnError) {
  const Json local = Json::array({"local"});
  for (const Json& types :
       {Json("local"), Json::array({1}), Json::array({Json::array({local, 5})}), Json::array({Json::array({local, 3})}),
        Json::array({Json::array({local, -4})}), Json::array({Json::array({Json::array({"sparse"}), 4})}),
        Json::array({Json::array({local, 1e18})}), Json::array({Json::array({local, "4"})})})
    EXPECT_NE(message_of([&] {
                read_config(gpt_neo_config({{"attention_types", types}}), "c.json");
              }).find("attention_types"),
              std::string::npos)
        << types.dump();
}

TEST(GptNeo, TheListOfKindsFollowsASliceAndStaysWhereItFits) {
  auto model = make_decoder(read_config(gpt_neo_config(), "test"));
  EXPECT_EQ(write_config(model->config(), Precision::kFp32).at("attention_types"),
            gpt_neo_config().at("attention_types"));
  const Json sliced = write_config(slice_layers(*model, {1, 3, 0})->config(), Precision::kFp32);
  EXPECT_EQ(sliced.at("num_layers"), 3);
  EXPECT_EQ(read_config(sliced, "sliced").windowed_layers, (std::vector<bool>{true, true, false}));
}

}  // namespace
}  // namespace limbeck::models
