#include "models/catalog.h"

#include <fmt/ranges.h>  // fmt::join

#include <string>

#include "base/errors.h"
#include "base/printable.h"
#include "models/gemma2.h"
#include "models/gemma3.h"
#include "models/gpt2.h"
#include "models/gpt_neo.h"
#include "models/gpt_neox.h"
#include "models/gptj.h"
#include "models/llama.h"
#include "models/mistral.h"
#include "models/qwen2.h"
#include "models/qwen3.h"

namespace limbeck::models {
namespace {

const Architecture& architecture_with(std::string_view Architecture::*name, std::string_view wanted, const char* key,
                                      std::string_view where) {
  std::vector<std::string_view> known;
  for (const Architecture& row : architectures()) {
    if ((row.*name).empty()) continue;  // has no name of this kind
    if (row.*name == wanted) return row;
    known.push_back(row.*name);
  }
  fail(where, "{}: expected {} but received '{}'", key, fmt::join(known, ", "), printable(wanted));
}

}  // namespace

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> rows = {
      llama(), mistral(), qwen2(), qwen3(), gpt2(), gpt_neo(), gptj(), gpt_neox(), gemma2(), gemma3(),
  };
  return rows;
}

const Architecture& architecture_of(std::string_view model_type, std::string_view where) {
  return architecture_with(&Architecture::model_type, model_type, "model_type", where);
}

const Architecture& architecture_of_gguf(std::string_view gguf_name, std::string_view where) {
  return architecture_with(&Architecture::gguf, gguf_name, "general.architecture", where);
}

}  // namespace limbeck::models
