#include <gtest/gtest.h>

#include <cstdlib>

#include "cli/program.h"
#include "generate/tiny_model.h"
#include "models/encoder_golden.h"
#include "models/word_tokenizer.h"

namespace limbeck {
namespace {

class Export : public testing::Test {
 protected:
  void SetUp() override {
    models::save_pretrained(folder_ / "tiny", *models::small_model(generate::tiny_config()),
                            *generate::byte_tokenizer());
  }
  Outcome write(const std::string& model, const std::string& out, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> args = {"export", "--model=" + (folder_ / model).string(),
                                     "--out=" + (folder_ / out).string()};
    args.insert(args.end(), more.begin(), more.end());
    return run_program(args);
  }
  std::string continued(const std::string& model) const {
    const auto outcome = run_program({"generate", "--model=" + (folder_ / model).string(), "--prompt=abcd",
                                      "--max-new-tokens=12", "--temperature=0", "--precision=fp32"});
    EXPECT_EQ(outcome.code, 0) << outcome.error;
    return outcome.out;
  }
  TemporaryFolder folder_;
};

TEST_F(Export, ToGgufAndBackToAFolderContinuesTheSame) {
  auto outcome = write("tiny", "tiny.gguf", {"--type=f32"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_NE(outcome.out.find("tiny.gguf: "), std::string::npos);
  outcome = write("tiny.gguf", "again", {"--type=f32"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  EXPECT_EQ(continued("tiny.gguf"), continued("tiny"));
  EXPECT_EQ(continued("again"), continued("tiny"));
}

TEST_F(Export, RefusesWhatCannotBeWrittenBeforeItLoads) {
  const auto refused = [&](const std::string& out, const std::vector<std::string>& more, const std::string& message) {
    const auto outcome = write("tiny", out, more);
    EXPECT_EQ(outcome.code, 2);
    EXPECT_NE(outcome.error.find(message), std::string::npos) << outcome.error;
  };
  refused("folder", {"--type=q8_0"}, "expected f32 or bf16 for a folder but received Q8_0");
  refused("tiny", {}, "expected a folder that is not there yet");
  refused("x.gguf", {"--type=q5_1"}, "type");
  EXPECT_EQ(run_program({"export", "--model=" + (folder_ / "tiny").string()}).code, 2);
}

TEST_F(Export, AnEncoderWith8BitWeightsIsAFolderOfHalfTheSizeOrLess) {
  auto encoder = models::small_encoder(
      models::small_encoder_config("bert", Json{{"hidden_size", 96}, {"intermediate_size", 192}}));
  models::save_encoder(folder_ / "encoder", *encoder, *models::word_tokenizer());
  auto outcome = write("encoder", "int8", {"--weights=int8"});
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  outcome = write("encoder", "bf16");
  ASSERT_EQ(outcome.code, 0) << outcome.error;
  const auto size = [&](const char* name) { return std::filesystem::file_size(folder_ / name / "model.safetensors"); };
  EXPECT_LT(size("int8"), size("bf16"));
  EXPECT_LT(size("bf16") * 10, size("encoder") * 6);
  EXPECT_EQ(models::load_encoder(folder_ / "int8").model->config().hidden_size, 96);
  EXPECT_EQ(write("encoder", "encoder.gguf").code, 2);
  EXPECT_EQ(write("encoder", "encoder.gguf", {"--weights=int8"}).code, 2);
  EXPECT_EQ(write("tiny", "tiny-int8", {"--weights=int8"}).code, 2);
}

// Needs llama-cpp-python (scripts/setup --peers) and the demo's model.
TEST(SlowExport, WritesFilesThatLlamaCppContinuesAsWeDo) {
  const char* python = std::getenv("LIMBECK_PEERS_PYTHON");
  if (!python) GTEST_SKIP() << "LIMBECK_PEERS_PYTHON does not name a Python with llama-cpp-python";
  const std::string command = fmt::format("{} {}/tests/golden/scripts/check_gguf_export.py {} 1>&2", python,
                                          LIMBECK_SOURCE_DIR, LIMBECK_PROGRAM);
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace limbeck
