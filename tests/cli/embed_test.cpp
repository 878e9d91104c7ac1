#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cstring>  // std::memcpy

#include "base/json.h"
#include "cli/program.h"
#include "models/encoder_golden.h"
#include "models/sentence.h"
#include "models/word_tokenizer.h"

namespace limbeck {
namespace {

class EmbedVerb : public testing::Test {
 protected:
  void SetUp() override {
    encoder_.model = models::small_encoder(models::small_encoder_config("bert"));
    encoder_.tokenizer = models::word_tokenizer();
    encoder_.config.normalize = true;
    models::save_sentence_encoder(folder_ / "m", encoder_);
    write_file_atomically(folder_ / "texts.txt", "the cat sat\na dog\nthe cats ran on the mat\n");
  }
  Outcome embed(const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args = {"embed", "--model=" + (folder_ / "m").string(),
                                     "--input=" + (folder_ / "texts.txt").string(),
                                     "--out=" + (folder_ / out).string()};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  at::Tensor expected() const {
    std::vector<models::SentenceIds> ids;
    for (const char* text : {"the cat sat", "a dog", "the cats ran on the mat"})
      ids.push_back(models::sentence_ids(encoder_, text));
    return models::embed(encoder_, ids);
  }
  TemporaryFolder folder_;
  models::SentenceEncoder encoder_;
};

TEST_F(EmbedVerb, WritesAVectorForEachTextInTheirOrder) {
  const Outcome outcome = embed("v.jsonl");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  std::vector<float> numbers;
  read_jsonl(folder_ / "v.jsonl", [&](const Json& row, int64_t) {
    for (const Json& x : row.at("embedding")) numbers.push_back(x.get<float>());
  });
  ASSERT_EQ(numbers.size(), 3u * 24);
  EXPECT_LT(models::largest_gap(at::tensor(numbers).view({3, 24}), expected()), 1e-6);
  EXPECT_NE(outcome.out.find("3 texts, 18 tokens in "), std::string::npos) << outcome.out;
  EXPECT_NE(outcome.out.find(" s, vectors of 24; 0 texts were cut"), std::string::npos) << outcome.out;
}

TEST_F(EmbedVerb, ReadsAnotherFieldOfATable) {
  write_file_atomically(folder_ / "t.csv", "id,sentence\n1,the cat sat\n2,a dog\n3,the cats ran on the mat\n");
  const std::string input = "--input=" + (folder_ / "t.csv").string();
  ASSERT_EQ(embed("lines.npy").code, 0);
  const Outcome outcome = embed("table.npy", {input, "--text=sentence"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_EQ(read_file(folder_ / "table.npy"), read_file(folder_ / "lines.npy"));
  EXPECT_EQ(embed("none.npy", {input}).code, 2) << "a table without a field 'text'";
}

TEST_F(EmbedVerb, ANpyFileHoldsTheSameNumbers) {
  ASSERT_EQ(embed("v.npy").code, 0);
  const std::string file = read_file(folder_ / "v.npy");
  ASSERT_EQ(file.size(), 128 + 3 * 24 * sizeof(float));
  at::Tensor numbers = at::empty({3, 24});
  std::memcpy(numbers.mutable_data_ptr(), file.data() + 128, numbers.nbytes());
  EXPECT_LT(models::largest_gap(numbers, expected()), 1e-6);
}

TEST_F(EmbedVerb, CountsWhatItCutsAndTakesAnotherPooling) {
  const Outcome cut = embed("v.jsonl", {"--max-length=4"});
  ASSERT_EQ(cut.code, 0) << cut.error;
  EXPECT_NE(cut.out.find("2 texts were cut"), std::string::npos) << cut.out;
  const Outcome first = embed("first.jsonl", {"--pooling=cls", "--normalize=no"});
  ASSERT_EQ(first.code, 0) << first.error;
  EXPECT_NE(read_file(folder_ / "first.jsonl"), read_file(folder_ / "v.jsonl"));
}

TEST_F(EmbedVerb, MistakesAreTheUsers) {
  EXPECT_EQ(embed("v.jsonl", {"--pooling=average"}).code, 2);
  write_file_atomically(folder_ / "texts.txt", "");
  const Outcome empty = embed("v.jsonl");
  EXPECT_EQ(empty.code, 2);
  EXPECT_NE(empty.error.find("texts.txt"), std::string::npos) << empty.error;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "v.jsonl"));
}

}  // namespace
}  // namespace limbeck
