#include <gtest/gtest.h>

#include <cstdlib>

#include "base/json.h"
#include "golden.h"
#include "text/tokenizer.h"
#include "tiny_vocabulary.h"

namespace limbeck::text {
namespace {

TEST(SaveTokenizer, GivesTheSameIdsWhenReadBack) {
  const auto texts = golden::corpus();
  for (const char* name : {"llama3", "qwen2", "marked"}) {
    const auto before = Tokenizer::from_folder(golden::folder() / name);
    const TemporaryFolder folder;
    before->save(folder.path());
    const auto after = Tokenizer::from_folder(folder.path());
    EXPECT_EQ(after->vocab_size(), before->vocab_size());
    for (std::size_t i = 0; i < texts.size(); i += 7) ASSERT_EQ(after->encode(texts[i]), before->encode(texts[i]));
  }
}

TEST(SaveTokenizer, KeepsTheSpecialTokensAndTheChatTemplate) {
  TokenizerSpec spec = tiny_spec();
  spec.added = {{.id = 263, .content = "<s>", .special = true}, {.id = 264, .content = "<e>", .special = true}};
  spec.bos = 263, spec.eos = 264, spec.add_bos = true;
  spec.chat_template = "{% for m in messages %}\n{{ m['content'] }}{% endfor %}";
  const TemporaryFolder folder;
  Tokenizer::from_spec(spec)->save(folder.path());
  const TokenizerSpec read = Tokenizer::from_folder(folder.path())->spec();
  EXPECT_EQ(read.bos, 263);
  EXPECT_EQ(read.eos, 264);
  EXPECT_TRUE(read.add_bos);
  EXPECT_FALSE(read.add_eos);
  EXPECT_EQ(read.chat_template, spec.chat_template);
}

// A reader counts added tokens on from the end of the vocabulary; one that stands elsewhere must be part of it.
TEST(SaveTokenizer, KeepsTheIdOfAnAddedTokenBehindAGap) {
  TokenizerSpec spec = tiny_spec();
  spec.added = {{.id = 300, .content = "<s>", .special = true}, {.id = 301, .content = "<e>", .special = true}};
  const TemporaryFolder folder;
  Tokenizer::from_spec(spec)->save(folder.path());
  EXPECT_EQ(Tokenizer::from_folder(folder.path())->encode("a<s><e>"), (std::vector<int32_t>{'a', 300, 301}));
}

// Needs Python with Transformers (scripts/setup --peers); LIMBECK_PEERS_PYTHON names the interpreter.
TEST(SlowSaveTokenizer, OpensInTransformersWithTheSameIds) {
  const char* python = std::getenv("LIMBECK_PEERS_PYTHON");
  if (!python) GTEST_SKIP() << "LIMBECK_PEERS_PYTHON does not name a Python with Transformers (scripts/setup --peers)";
  for (const char* name : {"llama3", "qwen2", "marked"}) {
    const TemporaryFolder folder;
    const auto tokenizer = Tokenizer::from_folder(golden::folder() / name);
    tokenizer->save(folder.path());
    const auto script = std::filesystem::path(LIMBECK_SOURCE_DIR) / "tests/golden/scripts/check_saved_tokenizer.py";
    const std::string command = std::string(python) + " " + script.string() + " " + folder.path().string() + " " +
                                (golden::folder() / name).string() + " >&2";
    EXPECT_EQ(std::system(command.c_str()), 0) << name;
  }
}

}  // namespace
}  // namespace limbeck::text
