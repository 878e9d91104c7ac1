#include "text/decoder_steps.h"

#include <gtest/gtest.h>

namespace limbeck::text {
namespace {

Decoder decoder_of(const char* json) {
  static std::vector<std::unique_ptr<Json>> kept;
  kept.push_back(std::make_unique<Json>(Json::parse(json)));
  return Decoder(Component(*kept.back(), "tokenizer.json", "decoder"));
}
std::string decoded_by(const char* json, std::vector<std::string> tokens) {
  return decoder_of(json).decode(std::move(tokens));
}

constexpr const char* kLlama = R"({"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})";

TEST(Decoder, OfLlamaJoinsMarksAndBytes) {
  EXPECT_EQ(decoded_by(kLlama, {"▁Hello", "▁w", "<0xC3>", "<0xA9>", "!"}), "Hello wé!");
  EXPECT_EQ(decoded_by(kLlama, {"a", "<0xC3>", "b"}), "a\uFFFDb");
  EXPECT_EQ(decoded_by(kLlama, {}), "");
}

TEST(Decoder, OfWordPieceJoinsContinuationsAndCleansUp) {
  EXPECT_EQ(decoded_by(R"({"type": "WordPiece", "prefix": "##", "cleanup": true})", {"do", "not", "##s", ",", "!"}),
            "do nots,!");
  EXPECT_EQ(decoded_by(R"({"type": "WordPiece", "prefix": "##", "cleanup": false})", {"a", "##b", ","}), "ab ,");
}

TEST(Decoder, OthersDoWhatTheirNamesSay) {
  EXPECT_EQ(decoded_by(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"})", {"▁a", "▁b"}),
            "a b");
  EXPECT_EQ(decoded_by(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"})", {"▁a", "▁b"}),
            " a b");
  EXPECT_EQ(decoded_by(R"({"type": "BPEDecoder", "suffix": "</w>"})", {"a</w>", "b", "c</w>"}), "a bc");
  EXPECT_EQ(decoded_by(R"({"type": "ByteLevel"})", {"Ġa", "Ã", "©", "猫"}), " aé猫");
  EXPECT_EQ(decoded_by(R"({"type": "Strip", "content": "_", "start": 2, "stop": 1})", {"___a__"}), "_a_");
  EXPECT_EQ(decoded_by(R"({"type": "Replace", "pattern": {"Regex": "x+"}, "content": "-"})", {"axxb", "x"}), "a-b-");
  EXPECT_EQ(decoded_by("null", {"a", "b"}), "a b");
}

TEST(Decoder, GivesTheBytesOfOneTokenInTheMiddleOfAText) {
  EXPECT_EQ(decoder_of(kLlama).bytes_of("▁Hello"), " Hello");
  EXPECT_EQ(decoder_of(kLlama).bytes_of("<0xC3>"), "\xC3");
  EXPECT_EQ(decoder_of(R"({"type": "WordPiece"})").bytes_of("##ing"), "ing");
  EXPECT_EQ(decoder_of(R"({"type": "WordPiece"})").bytes_of("go"), " go");
  EXPECT_EQ(decoder_of(R"({"type": "ByteLevel"})").bytes_of("Ã"), "\xC3");
}

TEST(Decoder, AnUnknownOneIsRefusedWithItsPlace) {
  EXPECT_THROW(decoder_of(R"({"type": "CTC"})"), UserError);
}

}  // namespace
}  // namespace limbeck::text
