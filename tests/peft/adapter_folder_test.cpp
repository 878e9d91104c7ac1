#include "peft/adapter_folder.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/files.h"
#include "base/json.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "formats/safetensors.h"

namespace limbeck::peft {
namespace {

namespace fs = std::filesystem;

// A joint projection as GPT-NeoX has it: its rows stand head by head in files.
struct Joint {
  nn::Linear qkv{{.in = 8, .out = 12, .layout = {.heads = 2}}};
  std::vector<nn::NamedLinear> linears() {
    nn::Parameters p;
    p.group("m.qkv", qkv);
    return p.linears();
  }
  Joint() {
    at::NoGradGuard no_grad;
    qkv.weight().fill_(0.5);
  }
};

void save_one(const fs::path& folder, Joint& layer) {
  Lora lora(layer.linears(), {.rank = 2, .alpha = 3, .dropout = 0.1, .targets = {"qkv"}}, Seed(4));
  at::NoGradGuard no_grad;
  for (const auto& p : lora.parameters()) p.tensor->copy_(at::arange(p.tensor->numel()).view(p.tensor->sizes()));
  save_adapter(folder, lora, "/models/base");
}

TEST(AdapterFolder, WhatIsSavedIsLoadedAgainWithRowsInTheOrderOfFiles) {
  const TemporaryFolder folder;
  Joint first, second;
  save_one(folder / "a", first);
  EXPECT_TRUE(is_adapter_folder(folder / "a"));
  EXPECT_FALSE(is_adapter_folder(folder.path()));
  const AdapterConfig config = read_adapter_config(folder / "a");
  EXPECT_EQ(config.base_model, "/models/base");
  EXPECT_EQ(config.lora.rank, 2);
  EXPECT_EQ(config.lora.alpha, 3);
  EXPECT_EQ(config.lora.targets, std::vector<std::string>{"qkv"});
  Lora loaded = load_adapter(folder / "a", second.linears());
  const at::Tensor x = at::randn({3, 8});
  EXPECT_TRUE(at::equal(first.qkv.forward(x), second.qkv.forward(x)));
  const auto file = formats::open_safetensors(folder / "a" / "adapter_model.safetensors");
  const at::Tensor b = file->read("base_model.model.m.qkv.lora_B.weight");
  // Rows of the layer 0 1 | 2 3 (queries), 4 5 | 6 7 (keys), 8 9 | 10 11 (values) of heads 0 | 1.
  EXPECT_TRUE(
      at::equal(b.select(1, 0) / 2, at::tensor({0., 1., 4., 5., 8., 9., 2., 3., 6., 7., 10., 11.}).to(at::kFloat)));
}

TEST(AdapterFolder, WhatIsNotImplementedIsRefusedByItsKey) {
  const TemporaryFolder folder;
  Joint layer;
  save_one(folder / "a", layer);
  const Json good = read_json(folder / "a" / "adapter_config.json");
  for (const auto& [key, value] : std::vector<std::pair<const char*, Json>>{{"peft_type", "IA3"},
                                                                            {"use_dora", true},
                                                                            {"bias", "all"},
                                                                            {"modules_to_save", {"lm_head"}},
                                                                            {"rank_pattern", {{"q_proj", 4}}},
                                                                            {"r", "four"},
                                                                            {"lora_alpha", "big"},
                                                                            {"target_modules", nullptr},
                                                                            {"target_modules", {1}}}) {
    Json json = good;
    json[key] = value;
    write_json(folder / "a" / "adapter_config.json", json);
    const std::string message = message_of([&] { load_adapter(folder / "a", layer.linears()); });
    EXPECT_NE(message.find(std::string("adapter_config.json] ") + key), std::string::npos) << message;
  }
}

TEST(AdapterFolder, TensorsThatDoNotFitAreNamed) {
  const TemporaryFolder folder;
  Joint layer;
  save_one(folder / "a", layer);
  Json json = read_json(folder / "a" / "adapter_config.json");
  json["r"] = 3;
  write_json(folder / "a" / "adapter_config.json", json);
  EXPECT_NE(message_of([&] { load_adapter(folder / "a", layer.linears()); }).find("expected 3x8 but received 2x8"),
            std::string::npos);
  json["r"] = 2;
  write_json(folder / "a" / "adapter_config.json", json);
  const auto file = formats::open_safetensors(folder / "a" / "adapter_model.safetensors");
  formats::NamedTensors tensors;
  for (const std::string& name : file->names()) tensors.emplace_back(name, file->read(name));
  tensors.emplace_back("base_model.model.m.other.lora_A.weight", at::zeros({2, 8}));
  formats::write_safetensors(folder / "a" / "adapter_model.safetensors", tensors, {});
  EXPECT_NE(message_of([&] { load_adapter(folder / "a", layer.linears()); }).find("m.other.lora_A"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::peft
