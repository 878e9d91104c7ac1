#include "models/layer_map.h"

#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::models {
namespace {

using Pairs = std::vector<LayerPair>;

TEST(LayerMap, IsTinyBertsOfTwelveBlocksToFour) {
  // arXiv:1909.10351: attention of blocks {2,5,8,11}, counted from 0
  EXPECT_EQ(layer_pairs(4, 12, {}), (Pairs{{0, 2}, {1, 5}, {2, 8}, {3, 11}}));
}

TEST(LayerMap, TakesTheTopTheBottomOrTheLast) {
  EXPECT_EQ(layer_pairs(2, 6, {.kind = LayerMapKind::kTop}), (Pairs{{0, 4}, {1, 5}}));
  EXPECT_EQ(layer_pairs(2, 6, {.kind = LayerMapKind::kBottom}), (Pairs{{0, 0}, {1, 1}}));
  EXPECT_EQ(layer_pairs(2, 6, {.kind = LayerMapKind::kLast}), (Pairs{{1, 5}}));
}

TEST(LayerMap, TakesTheNearestWhereDepthsDoNotDivide) {
  EXPECT_EQ(layer_pairs(4, 6, {}), (Pairs{{0, 1}, {1, 2}, {2, 4}, {3, 5}}));
  for (int64_t teacher = 1; teacher <= 12; ++teacher)
    for (int64_t student = 1; student <= teacher; ++student) {
      const Pairs pairs = layer_pairs(student, teacher, {});
      EXPECT_EQ(pairs.back(), (LayerPair{student - 1, teacher - 1}));
      for (std::size_t i = 1; i < pairs.size(); ++i) EXPECT_GT(pairs[i].teacher, pairs[i - 1].teacher);
    }
}

TEST(LayerMap, OfEqualDepthsIsOneToOneForEveryKind) {
  for (const auto kind : {LayerMapKind::kUniform, LayerMapKind::kTop, LayerMapKind::kBottom})
    EXPECT_EQ(layer_pairs(3, 3, {.kind = kind}), (Pairs{{0, 0}, {1, 1}, {2, 2}}));
}

TEST(LayerMap, TakesGivenBlocksThatAreThere) {
  const auto given = [](std::vector<int64_t> blocks) {
    return LayerMapOptions{LayerMapKind::kGiven, std::move(blocks)};
  };
  EXPECT_EQ(layer_pairs(2, 6, given({3, 1})), (Pairs{{0, 3}, {1, 1}}));
  EXPECT_NE(message_of<UserError>([&] { layer_pairs(2, 6, given({3})); }).find("each of the student's 2"),
            std::string::npos);
  EXPECT_NE(message_of<UserError>([&] {
              layer_pairs(2, 6, given({3, 6}));
            }).find("0 to 5 but received 6"),
            std::string::npos);
}

TEST(LayerMap, RefusesAStudentDeeperThanItsTeacher) {
  EXPECT_NE(message_of<UserError>([] { layer_pairs(4, 3, {}); }).find("at most 3 blocks"), std::string::npos);
  EXPECT_EQ(layer_pairs(4, 3, {.kind = LayerMapKind::kLast}), (Pairs{{3, 2}}));
}

}  // namespace
}  // namespace limbeck::models
