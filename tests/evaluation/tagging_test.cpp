#include "evaluation/tagging.h"

#include <gtest/gtest.h>

#include "evaluation/golden_metrics.h"

namespace limbeck::evaluation {
namespace {

using Tags = std::vector<std::string>;

TEST(Tagging, CountsEntitiesAsSeqevalDoes) {
  for (const Json& row : golden_metrics("tags")) {
    EntityCounts all;
    for (std::size_t i = 0; i < row.at("labels").size(); ++i) {
      const auto counts = entity_counts(row["predicted"][i].get<Tags>(), row["labels"][i].get<Tags>());
      all.right += counts.right, all.predicted += counts.predicted, all.labelled += counts.labelled;
    }
    EXPECT_NEAR(all.f1(), row.at("entity_f1").get<double>(), 1e-12);
  }
}

TEST(Tagging, ReadsEntitiesOfEveryPrefix) {
  const Tags tags = {"B-X", "I-X", "I-Y", "O", "I-Y", "B-Y", "S-Z", "S-Z", "E-Z"};
  EXPECT_EQ(
      entities_of(tags),
      (std::vector<Entity>{{"X", 0, 2}, {"Y", 2, 3}, {"Y", 4, 5}, {"Y", 5, 6}, {"Z", 6, 7}, {"Z", 7, 8}, {"Z", 8, 9}}));
  EXPECT_TRUE(entities_of(Tags{"O", "O"}).empty());
  EXPECT_EQ(entity_counts(Tags{"O"}, Tags{"O"}).f1(), 0);
}

}  // namespace
}  // namespace limbeck::evaluation
