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
  EXPECT_EQ(message_of([] { architecture_of("gpt_neox", "config.json"); }),
            "[config.json] model_type: expected llama, mistral, qwen2 but received 'gpt_neox'");
  EXPECT_EQ(message_of([] { architecture_of_gguf("mamba", "a.gguf"); }),
            "[a.gguf] general.architecture: expected llama, qwen2 but received 'mamba'");
  EXPECT_THROW(architecture_of_gguf("", "a.gguf"), Error);  // mistral has no GGUF name of its own
}

}  // namespace
}  // namespace limbeck::models
