#include "models/config_reader.h"

#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::models {
namespace {

TEST(ConfigReader, ANullIsAbsentButNamed) {
  const Json json{{"a", nullptr}, {"b", 3}};
  const ConfigReader r(json, "config.json");
  EXPECT_FALSE(r.has("a"));
  EXPECT_TRUE(r.names("a"));
  EXPECT_FALSE(r.names("c"));
  EXPECT_EQ(r.integer("a", 7), 7);
  EXPECT_EQ(r.integer("b", 7), 3);
}

TEST(ConfigReader, SeveralNamesOfOneSettingAreTriedInTurn) {
  const Json json{{"hidden_size", 3}, {"n_embd", nullptr}};
  const ConfigReader r(json, "config.json");
  EXPECT_STREQ(r.first_of({"n_embd", "hidden_size"}), "hidden_size");
  EXPECT_STREQ(r.first_of({"n_layer", "num_layers"}), "n_layer");
}

TEST(ConfigReader, MistakesNameFileAndKey) {
  const Json json{{"size", 1.5}, {"flag", 1}, {"list", {1, "a"}}, {"huge", std::string(1000, 'x')}};
  const ConfigReader r(json, "config.json");
  EXPECT_EQ(message_of([&] { r.integer("size"); }), "[config.json] size: expected an integer but received 1.5");
  EXPECT_EQ(message_of([&] { r.integer("none"); }), "[config.json] none: expected an integer but the key is missing");
  EXPECT_NE(message_of([&] { r.boolean("flag", false); }).find("flag: expected true or false"), std::string::npos);
  EXPECT_NE(message_of([&] { r.token_ids("list"); }).find("list: expected token ids"), std::string::npos);
  EXPECT_LT(message_of([&] { r.number("huge"); }).size(), 200u);
  EXPECT_NE(message_of([&] { r.refuse("size", 2); }).find("expected 2 but received 1.5"), std::string::npos);
}

TEST(Put, KeepsTheSpellingOfAnEqualValue) {
  Json json{{"a", 8.0}};
  put(json, "a", 8);
  EXPECT_EQ(json.dump(), "{\"a\":8.0}");
  put(json, "a", 9);
  EXPECT_EQ(json.at("a"), 9);
}

}  // namespace
}  // namespace limbeck::models
