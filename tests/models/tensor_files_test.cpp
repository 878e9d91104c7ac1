#include "models/tensor_files.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::models {
namespace {

class TensorFiles : public testing::Test {
 protected:
  void SetUp() override {
    formats::write_safetensors(folder_ / "m.safetensors",
                               {{"a", at::ones({2, 3})}, {"b", at::zeros({4})}, {"ids", at::arange(5)}});
    source_ = formats::open_safetensors(folder_ / "m.safetensors");
  }
  static std::string same(const std::string& name) { return name; }
  static std::vector<int64_t> shape(const nn::NamedParameter& p) { return p.tensor->sizes().vec(); }
  TemporaryFolder folder_;
  std::unique_ptr<formats::TensorSource> source_;
  at::Tensor a_ = at::empty({2, 3}), b_ = at::empty({4});
};

TEST_F(TensorFiles, WhatIsMissingAndWhatHasAnotherShapeIsNamedAtOnce) {
  EXPECT_NO_THROW(check_tensors({{"a", &a_, {}}, {"b", &b_, {}}}, *source_, same, shape));
  const std::string message = message_of([&] {
    check_tensors({{"a", &b_, {}}, {"c", &b_, {}}}, *source_, same, shape);
  });
  EXPECT_NE(message.find("tensor 'a': expected 4 but received 2x3"), std::string::npos) << message;
  EXPECT_NE(message.find("tensor 'c': expected it but received none"), std::string::npos) << message;
}

TEST_F(TensorFiles, LongListsAreCutShort) {
  NamedParameters wanted;
  for (const char* name : {"n1", "n2", "n3", "n4", "n5", "n6", "n7"}) wanted.push_back({name, &a_, {}});
  const std::string message = message_of([&] { check_tensors(wanted, *source_, same, shape); });
  EXPECT_NE(message.find("'n5'"), std::string::npos) << message;
  EXPECT_EQ(message.find("'n6'"), std::string::npos) << message;
  EXPECT_NE(message.find("and 2 more"), std::string::npos) << message;
}

TEST_F(TensorFiles, AConfigThatAsksForMuchMoreThanTheFileHoldsIsRefused) {
  EXPECT_NO_THROW(check_size(1e6, *source_));
  EXPECT_NE(message_of([&] { check_size(1e15, *source_); }).find("received 15"), std::string::npos);
}

TEST_F(TensorFiles, OnlyFloatingPointNumbersBecomeWeights) {
  fill_parameters({{"a", &a_, {}}}, [&](const std::string& name) { return source_->read(name); });
  EXPECT_TRUE(at::equal(a_, at::ones({2, 3})));
  at::Tensor ids = at::empty({5});
  const std::string message = message_of([&] {
    fill_parameters({{"ids", &ids, {}}}, [&](const std::string& n) { return source_->read(n); });
  });
  EXPECT_NE(message.find("'ids'"), std::string::npos) << message;
}

}  // namespace
}  // namespace limbeck::models
