#include "base/compressed.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "base/errors.h"
#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

std::string gzip(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string zstd(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

struct Kind {
  const char* name;
  std::string (*compress)(const std::string&);
};
class Compressed : public testing::TestWithParam<Kind> {};
INSTANTIATE_TEST_SUITE_P(Kinds, Compressed, testing::Values(Kind{"gzip", gzip}, Kind{"zstd", zstd}),
                         [](const auto& info) { return info.param.name; });

std::string text_of_lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{{\"n\": {}, \"square\": {}}}\n", i, i * i);
  return text;
}

TEST_P(Compressed, GivesTheTextBackAtEverySize) {
  for (const int count : {0, 1, 1000, 60000}) {
    const std::string text = text_of_lines(count);
    EXPECT_EQ(decompressed(GetParam().compress(text), "x"), text) << count;
  }
}

TEST_P(Compressed, ReadsOnePartAfterAnother) {
  const auto compress = GetParam().compress;
  EXPECT_EQ(decompressed(compress("first\n") + compress("") + compress("second\n"), "x"), "first\nsecond\n");
}

TEST_P(Compressed, RefusesWhatIsCutShortOrBrokenAndNamesTheFile) {
  const std::string whole = GetParam().compress(text_of_lines(500));
  for (const std::size_t size : {std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
    const auto error = message_of<UserError>([&] { decompressed(whole.substr(0, size), "rows.gz"); });
    EXPECT_NE(error.find("[rows.gz] expected whole"), std::string::npos) << size << ": " << error;
  }
  const auto behind = message_of<UserError>([&] { decompressed(whole + "rubbish", "rows.gz"); });
  EXPECT_NE(behind.find("expected whole"), std::string::npos) << behind;
}

TEST_P(Compressed, StopsAtTheLimitInsteadOfFillingTheMemory) {
  const std::string bomb = GetParam().compress(std::string(std::size_t{20} << 20, '0'));
  const DecompressionLimits limits{.free = 1 << 20, .ratio = 10};
  const auto error = message_of<UserError>([&] { decompressed(bomb, "bomb", limits); });
  EXPECT_NE(error.find("[bomb] expected at most"), std::string::npos) << error;
  EXPECT_EQ(decompressed(bomb, "bomb").size(), std::size_t{20} << 20);
}

TEST(PlainText, StaysAsItIs) {
  for (const std::string text : {"", "{}", "\x1f", "\x28\xb5\x2f"}) EXPECT_EQ(decompressed(text, "x"), text);
  const TemporaryFolder folder;
  write_file_atomically(folder / "a.txt", "words");
  EXPECT_EQ(read_text_file(folder / "a.txt"), "words");
}

}  // namespace
}  // namespace limbeck
