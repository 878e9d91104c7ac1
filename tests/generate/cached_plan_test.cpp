#include "generate/cached_plan.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/errors.h"

namespace limbeck::generate {
namespace {

const kernels::KvShape kOneLayer{.num_layers = 1, .num_kv_heads = 2, .head_size = 16};

TEST(CachedPlanTest, CountsPositionsFromTheStartOfThePrefix) {
  KvPool pool(kOneLayer);
  KvPages prefix(pool), a(pool), b(pool);
  prefix.set_length(5), b.set_length(2);
  CachedPlan plan(kOneLayer, {{.own = &a, .prefix = &prefix, .num_tokens = 3}, {.own = &b, .num_tokens = 1}});
  EXPECT_TRUE(plan.positions().equal(at::tensor({5, 6, 7, 2}, at::kLong)));
  EXPECT_TRUE(plan.last_rows().equal(at::tensor({2, 3}, at::kLong)));
  EXPECT_EQ(plan.num_tokens(), 4);
  plan.commit();
  EXPECT_EQ(a.length(), 3);
  EXPECT_EQ(b.length(), 3);
}

TEST(CachedPlanTest, EqualsThePackedPlanOnWholeDocuments) {
  at::manual_seed(1);
  for (const std::optional<int64_t> window : {std::optional<int64_t>(), std::optional<int64_t>(4)}) {
    const at::Tensor q = at::randn({12, 4, 16}), k = at::randn({12, 2, 16}), v = at::randn({12, 2, 16});
    const nn::AttentionOptions options{.scale = 0.3, .window = window};
    KvPool pool(kOneLayer);
    KvPages a(pool), b(pool);
    CachedPlan plan(kOneLayer, {{.own = &a, .num_tokens = 7}, {.own = &b, .num_tokens = 5}});
    const auto packed = nn::packed_causal({0, 7, 12});
    EXPECT_TRUE(at::allclose(plan.attend(0, q, k, v, options), packed->attend(0, q, k, v, options), 1e-5, 1e-5));
    // Views whose heads are not side by side, and double precision, are read too.
    const at::Tensor turned = q.transpose(1, 2).contiguous().transpose(1, 2);
    CachedPlan again(kOneLayer, {{.own = &a, .num_tokens = 7}, {.own = &b, .num_tokens = 5}});
    EXPECT_TRUE(at::allclose(again.attend(0, turned, k.to(at::kDouble), v, options),
                             packed->attend(0, q, k, v, options), 1e-5, 1e-5));
  }
}

TEST(CachedPlanTest, RefusesWhatDoesNotFitTheCache) {
  KvPool pool(kOneLayer);
  KvPages own(pool);
  CachedPlan plan(kOneLayer, {{.own = &own, .num_tokens = 2}});
  const at::Tensor q = at::zeros({2, 4, 16}), k = at::zeros({2, 2, 16});
  EXPECT_THROW(plan.attend(0, q, at::zeros({2, 1, 16}), at::zeros({2, 1, 16}), {}), Error);
  EXPECT_THROW(plan.attend(0, at::zeros({3, 4, 16}), k, k, {}), Error);
  EXPECT_THROW(plan.attend(0, at::zeros({2, 3, 16}), k, k, {}), Error);
  EXPECT_THROW(CachedPlan(kOneLayer, {{.own = &own, .num_tokens = 0}}), Error);
}

}  // namespace
}  // namespace limbeck::generate
