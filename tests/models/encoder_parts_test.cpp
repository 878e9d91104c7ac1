#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/encoder_catalog.h"
#include "models/encoder_golden.h"

namespace limbeck::models {
namespace {

const Head kFour{HeadKind::kClassification, 4, {"a", "b", "c", "d"}};

Packed few_texts() {
  return pack_texts({{5, 6, 7, 8}, {9, 10, 11}});
}

std::map<std::string, at::Tensor> by_name(Encoder& encoder) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& p : parameters_of(encoder)) tensors[p.name] = *p.tensor;
  return tensors;
}

TEST(WithHead, KeepsTheBodyAndStartsTheHeadAnew) {
  for (const EncoderArchitecture& row : encoder_architectures()) {
    SCOPED_TRACE(row.model_type);
    auto encoder = small_encoder(small_encoder_config(std::string(row.model_type)), kFour);
    const Head two{HeadKind::kClassification, 2, {"no", "yes"}};
    auto other = with_head(*encoder, two, Seed(1));
    EXPECT_EQ(other->head().labels, two.labels);
    const auto before = by_name(*encoder), after = by_name(*other);
    int64_t copied = 0, fresh = 0;
    const std::string body = std::string(row.body) + ".";
    for (const auto& [name, tensor] : after) {
      if (name.starts_with(body)) {
        EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
        EXPECT_NE(tensor.data_ptr(), before.at(name).data_ptr()) << "shared, not copied";
        ++copied;
      } else {
        EXPECT_FALSE(before.contains(name) && at::equal(tensor, before.at(name))) << name;
        ++fresh;
      }
    }
    EXPECT_GE(fresh, 2);
    EXPECT_GE(copied, 20);
    // A body alone and back: the pooler, which belongs to the body, comes along.
    auto alone = with_head(*encoder, Head{}, Seed(1));
    const auto back = by_name(*with_head(*alone, kFour, Seed(2)));
    for (const auto& [name, tensor] : back)
      if (name.starts_with(body)) {
        EXPECT_TRUE(at::equal(tensor, before.at(name))) << name;
      }
  }
}

TEST(KeepLayers, AllOfThemIsTheSameModel) {
  at::NoGradGuard no_grad;
  for (const EncoderArchitecture& row : encoder_architectures()) {
    SCOPED_TRACE(row.model_type);
    auto encoder = small_encoder(small_encoder_config(std::string(row.model_type)), kFour);
    auto same = keep_layers(*encoder, {0, 1, 2});
    EXPECT_EQ(same->head().labels, kFour.labels);
    EXPECT_TRUE(at::equal(logits_of(*encoder, few_texts()), logits_of(*same, few_texts())));
  }
}

TEST(KeepLayers, WithoutTheTopItsLastStateIsTheWholesStateThere) {
  at::NoGradGuard no_grad;
  for (const EncoderArchitecture& row : encoder_architectures()) {
    SCOPED_TRACE(row.model_type);
    auto encoder = small_encoder(small_encoder_config(std::string(row.model_type)), kFour);
    const EncoderOutput whole = run_encoder(*encoder, few_texts(), {.hidden_states = true});
    auto lower = keep_layers(*encoder, {0, 1});
    EXPECT_EQ(lower->config().num_hidden_layers, 2);
    EXPECT_TRUE(at::equal(run_encoder(*lower, few_texts()).hidden, whole.hidden_states[2]));
  }
}

TEST(KeepLayers, CopiesEmbeddingsHeadAndTheBlocksAskedFor) {
  auto encoder = small_encoder(small_encoder_config("bert", {{"num_hidden_layers", 5}}), kFour);
  auto kept = keep_layers(*encoder, {1, 4});
  const auto before = by_name(*encoder), after = by_name(*kept);
  for (const auto& [name, tensor] : after) {
    std::string source = name;
    if (const std::size_t at = name.find("layer."); at != std::string::npos)
      source.replace(at + 6, 1, name[at + 6] == '0' ? "1" : "4");
    EXPECT_TRUE(at::equal(tensor, before.at(source))) << name;
    EXPECT_NE(tensor.data_ptr(), before.at(source).data_ptr());
    EXPECT_TRUE(tensor.requires_grad());
  }
  EXPECT_EQ(after.size(), before.size() - 3 * 16);
}

TEST(KeepLayers, RefusesLayersThatAreNotThereOrOutOfOrder) {
  auto encoder = small_encoder(small_encoder_config("bert"), kFour);
  EXPECT_THROW(keep_layers(*encoder, {}), UserError);
  EXPECT_THROW(keep_layers(*encoder, {0, 3}), UserError);
  EXPECT_THROW(keep_layers(*encoder, {-1}), UserError);
  EXPECT_THROW(keep_layers(*encoder, {1, 0}), UserError);
  EXPECT_THROW(keep_layers(*encoder, {1, 1}), UserError);
}

}  // namespace
}  // namespace limbeck::models
