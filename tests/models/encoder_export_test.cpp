#include "models/encoder_export.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/temporary_folder.h"
#include "formats/safetensors.h"
#include "models/encoder_golden.h"
#include "models/word_tokenizer.h"

namespace limbeck::models {
namespace {

Packed pair_of_texts() {
  return pack_texts({{2, 5, 6, 3}, {2, 11, 12, 10, 13, 3}});
}

double distance(const at::Tensor& a, const at::Tensor& b) {
  return ((a - b).norm() / b.norm()).item<double>();
}

TEST(SaveInt8Encoder, IsReadAgainAsWhatItsIntegersStandForAndServedWithThem) {
  at::NoGradGuard no_grad;
  const TemporaryFolder folder;
  const Head head{HeadKind::kClassification, 2, {"no", "yes"}};
  for (const char* type : {"bert", "albert", "distilbert"}) {
    auto model = small_encoder(small_encoder_config(type), head);
    const std::filesystem::path whole = folder / (std::string(type) + "-fp32"), small = folder / type;
    save_encoder(whole, *model, *word_tokenizer());
    save_int8_encoder(small, *model, *word_tokenizer());
    EXPECT_LT(std::filesystem::file_size(small / "model.safetensors"),
              std::filesystem::file_size(whole / "model.safetensors"));
    const LoadedEncoder loaded = load_encoder(small);
    EXPECT_EQ(loaded.model->head().labels, head.labels);
    const at::Tensor expected = logits_of(*model, pair_of_texts()), read = logits_of(*loaded.model, pair_of_texts());
    EXPECT_LT(distance(read, expected), 0.03) << type;
    // As products round what comes in to 8 bits, too.
    loaded.model->freeze(Precision::kFp32);
    const at::Tensor served = logits_of(*loaded.model, pair_of_texts());
    EXPECT_LT(distance(served, expected), 0.05) << type;
    EXPECT_GT(distance(served, read), 1e-6) << type;
    // A format that is asked for is taken instead: the numbers that the integers stand for.
    const LoadedEncoder again = load_encoder(small);
    again.model->freeze(Precision::kFp32, WeightFormat::kFp32);
    EXPECT_LT(distance(logits_of(*again.model, pair_of_texts()), read), 1e-5) << type;
  }
}

TEST(SaveInt8Encoder, WhatWasReadOfItIsSavedAsAnOrdinaryModel) {
  at::NoGradGuard no_grad;
  const TemporaryFolder folder;
  auto model = small_encoder(small_encoder_config("bert"));
  save_int8_encoder(folder / "int8", *model, *word_tokenizer());
  EXPECT_TRUE(read_json(folder / "int8" / "config.json").contains("quantization_config"));
  const LoadedEncoder loaded = load_encoder(folder / "int8");
  save_encoder(folder / "fp32", *loaded.model, *loaded.tokenizer);
  EXPECT_FALSE(read_json(folder / "fp32" / "config.json").contains("quantization_config"));
  const auto source = formats::open_safetensors(folder / "fp32" / "model.safetensors");
  EXPECT_EQ(source->names().size(), parameters_of(*model).size());
  save_int8_encoder(folder / "again", *loaded.model, *loaded.tokenizer);
  const auto first = formats::open_safetensors(folder / "int8" / "model.safetensors");
  const auto second = formats::open_safetensors(folder / "again" / "model.safetensors");
  for (const std::string& name : first->names()) {
    if (first->read(name).scalar_type() != at::kChar) continue;
    EXPECT_TRUE(at::equal(first->read(name), second->read(name))) << name;
  }
}

}  // namespace
}  // namespace limbeck::models
