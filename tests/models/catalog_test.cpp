#include "models/catalog.h"

#include <gtest/gtest.h>

#include <set>

#include "base/message_of.h"

namespace limbeck::models {
namespace {

TEST(Catalog, EveryRowIsFoundByItsNames) {
  std::set<std::string_view> types;
  for (const Architecture& row : architectures()) {
    EXPECT_TRUE(types.insert(row.model_type).second);
    EXPECT_EQ(&architecture_of(row.model_type, "test"), &row);
    if (!row.gguf.empty()) {
      EXPECT_EQ(&architecture_of_gguf(row.gguf, "test"), &row);
    }
    EXPECT_NE(row.make, nullptr);
  }
}

TEST(Catalog, AnUnknownArchitectureNamesTheKeyAndTheKnownOnes) {
  const std::string unknown = message_of([] { architecture_of("bert", "config.json"); });
  EXPECT_TRUE(unknown.starts_with("[config.json] model_type: expected llama, mistral, qwen2, ")) << unknown;
  EXPECT_TRUE(unknown.ends_with(" but received 'bert'")) << unknown;
  const std::string gguf = message_of([] { architecture_of_gguf("mamba", "a.gguf"); });
  EXPECT_TRUE(gguf.starts_with("[a.gguf] general.architecture: expected llama, qwen2, ")) << gguf;
  EXPECT_TRUE(gguf.ends_with(" but received 'mamba'")) << gguf;
  EXPECT_THROW(architecture_of_gguf("", "a.gguf"), Error);  // mistral has no GGUF name of its own
}

}  // namespace
}  // namespace limbeck::models
