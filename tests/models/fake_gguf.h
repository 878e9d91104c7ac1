// A GGUF file that is only in memory: metadata and tensors as a test gives them.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>
#include <vector>

#include "base/errors.h"
#include "formats/gguf.h"

namespace limbeck::models {

class FakeGguf final : public formats::GgufFile {
 public:
  Json json = Json::object();
  std::map<std::string, std::vector<std::string>> arrays;
  std::map<std::string, at::Tensor> tensors;

  const Json& metadata() const override { return json; }
  const std::vector<std::string>* strings(const std::string& key) const override {
    const auto found = arrays.find(key);
    return found == arrays.end() ? nullptr : &found->second;
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> result;
    for (const auto& [name, tensor] : tensors) result.push_back(name);
    return result;
  }
  bool contains(const std::string& name) const override { return tensors.contains(name); }
  std::vector<int64_t> shape(const std::string& name) const override { return tensors.at(name).sizes().vec(); }
  at::Tensor read(const std::string& name) const override {
    if (!contains(name)) fail("fake", "no tensor '{}'", name);
    return tensors.at(name).clone();
  }
  formats::GgufBlocks blocks(const std::string& name) const override { fail("fake", "no blocks of '{}'", name); }
  const std::filesystem::path& path() const override { return path_; }

 private:
  std::filesystem::path path_ = "fake.gguf";
};

// What llama.cpp's converter writes for a small Llama.
inline FakeGguf small_gguf() {
  FakeGguf file;
  file.json = {{"general.architecture", "llama"},    {"llama.block_count", 2},
               {"llama.context_length", 128},        {"llama.embedding_length", 32},
               {"llama.feed_forward_length", 48},    {"llama.attention.head_count", 4},
               {"llama.attention.head_count_kv", 2}, {"llama.rope.freq_base", 100000.0},
               {"llama.rope.dimension_count", 8},    {"llama.attention.layer_norm_rms_epsilon", 9.999999747378752e-06},
               {"tokenizer.ggml.bos_token_id", 1},   {"tokenizer.ggml.eos_token_id", 2}};
  file.tensors["token_embd.weight"] = at::zeros({61, 32});
  return file;
}

}  // namespace limbeck::models
