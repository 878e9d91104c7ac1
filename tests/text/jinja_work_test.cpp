#include "text/jinja_work.h"

#include <gtest/gtest.h>

namespace limbeck::text::jinja {
namespace {

const Json kText = std::string(64000, 'x');

Json object_of(int num_keys) {
  Json object = Json::object();
  for (int i = 0; i < num_keys; ++i) object.emplace(std::to_string(i), i);
  return object;
}

TEST(WorkOf, GrowsWithTheBytesAndTheItemsOfAValue) {
  EXPECT_EQ(work_of(1), 1);
  EXPECT_EQ(work_of(kText), 1001);
  EXPECT_EQ(work_of(Json::array({1, kText})), 1003);
  EXPECT_EQ(work_of(Json{{std::string(640, 'k'), kText}}), 1012) << "keys are text too";
  EXPECT_EQ(work_of_items(kText), 64001) << "every character is an item";
  EXPECT_EQ(work_of_items(Json::array({1, kText})), 1003);
}

TEST(WorkOfFinding, GrowsWithTheKeysOfAnObjectAndTheLengthOfAText) {
  EXPECT_EQ(work_of_finding(object_of(2), Json("role")), 0);
  EXPECT_EQ(work_of_finding(object_of(1600), Json("role")), 100);
  EXPECT_EQ(work_of_finding(object_of(1600), std::size_t(640)), 1100);
  EXPECT_EQ(work_of_finding(kText, Json(0)), 1001);
  EXPECT_EQ(work_of_finding(Json::array({1, 2}), Json(0)), 0);
}

TEST(WorkOfBinary, CountsWhatIsCompared) {
  const Json list = Json::array({kText, kText}), longer = Json::array({kText, kText, kText});
  EXPECT_EQ(work_of_binary("==", kText, kText), 1000);
  EXPECT_EQ(work_of_binary("==", kText, "a"), 0);
  EXPECT_EQ(work_of_binary("!=", list, list), 2003);
  EXPECT_EQ(work_of_binary("==", list, longer), 0) << "their sizes tell them apart";
  EXPECT_EQ(work_of_binary("in", "a", kText), 1001);
  EXPECT_GE(work_of_binary("in", kText, list), 1001);
  EXPECT_EQ(work_of_binary("in", "a", object_of(1600)), 100);
  EXPECT_EQ(work_of_binary("+", kText, kText), 0) << "counted with what it makes";
}

TEST(WorkOfFilter, IsNoneForWhatLooksAtOneItem) {
  const Json list = Json::array({kText, kText});
  for (const char* name : {"first", "last", "length", "default"}) EXPECT_EQ(work_of_filter(name, list, {}), 0) << name;
  EXPECT_EQ(work_of_filter("length", kText, {}), 1001);
  EXPECT_EQ(work_of_filter("trim", kText, {}), 1001);
  EXPECT_EQ(work_of_filter("list", kText, {}), 64001);
  EXPECT_EQ(work_of_filter("map", list, {{}, {{"attribute", "role"}}}), 2003);
  EXPECT_EQ(work_of_filter("map", list, {{"list"}, {}}), 128003);
  EXPECT_GE(work_of_filter("selectattr", list, {{0, "in", kText}, {}}), 4000) << "the test once an item";
}

TEST(WorkOfMethod, CountsTheTextAndWhatIsJoined) {
  EXPECT_EQ(work_of_method(kText, "split", {}), 1001);
  EXPECT_EQ(work_of_method(",", "join", {{kText}, {}}), 64002);
  EXPECT_EQ(work_of_method(object_of(1600), "get", {{"role"}, {}}), 100);
}

}  // namespace
}  // namespace limbeck::text::jinja
