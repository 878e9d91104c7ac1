#include "models/gemma.h"

#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/gguf_model.h"
#include "models/golden_parity.h"

namespace limbeck::models {
namespace {

TEST(Gemma, AnAbsentCapIsTheDefaultAndANullIsNone) {
  const auto settings = [](const Json& json) { return read_gemma_settings(ConfigReader(json, "c.json"), 50, 30); };
  EXPECT_EQ(settings(Json::object()).score_cap, 50);
  EXPECT_EQ(settings({{"attn_logit_softcapping", nullptr}}).score_cap, 0);
  EXPECT_EQ(settings({{"final_logit_softcapping", 7}}).logit_cap, 7);
  EXPECT_EQ(settings(Json::object()).query_scalar, 256);
  for (const Json& wrong :
       {Json{{"final_logit_softcapping", 0}}, Json{{"attn_logit_softcapping", -1}}, Json{{"query_pre_attn_scalar", 0}},
        Json{{"use_bidirectional_attention", true}}, Json{{"hidden_activation", "mish"}}})
    EXPECT_NE(message_of([&] { settings(wrong); }).find(wrong.begin().key()), std::string::npos) << wrong.dump();
}

TEST(Gemma, FreshNormsMultiplyBy1) {
  const Json row = golden_rows("architectures.json", {"gemma3_text"})[0];
  const auto model = make_decoder(read_config(row.at("config"), "test"), Seed(2));
  for (const auto& p : parameters_of(*model))
    if (p.name.ends_with("norm.weight")) {
      EXPECT_EQ(p.tensor->abs().max().item<double>(), 0) << p.name;
    }
}

}  // namespace
}  // namespace limbeck::models
