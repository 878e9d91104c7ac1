#include "base/sha256.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/files.h"
#include "base/temporary_folder.h"

namespace limbeck {
namespace {

TEST(Sha256, GivesTheDigestsOfFips180) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1000000, 'a')), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PadsEveryLengthAroundABlockApart) {
  std::vector<std::string> digests;
  for (std::size_t n = 0; n < 200; ++n) digests.push_back(sha256(std::string(n, '\0')));
  std::sort(digests.begin(), digests.end());
  EXPECT_EQ(std::adjacent_find(digests.begin(), digests.end()), digests.end());
  EXPECT_EQ(sha256(std::string(55, 'a')), "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(sha256(std::string(56, 'a')), "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(sha256(std::string(64, 'a')), "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

TEST(Sha256, IsTheSameWithAndWithoutTheProcessorsInstructions) {
  std::string data(64 * 37, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 31 + i / 64);
  const auto* bytes = reinterpret_cast<const unsigned char*>(data.data());
  Sha256State portable = {1, 2, 3, 4, 5, 6, 7, 8}, fast = portable;
  sha256_compress_portable(portable, bytes, 37);
  if (!sha256_compress_fast(fast, bytes, 37)) GTEST_SKIP() << "this processor has no SHA instructions";
  EXPECT_EQ(fast, portable);
}

TEST(Sha256, ReadsAFileAsItsBytes) {
  const TemporaryFolder folder;
  write_file_atomically(folder / "empty", "");
  write_file_atomically(folder / "abc", "abc");
  EXPECT_EQ(sha256_of_file(folder / "empty"), sha256(""));
  EXPECT_EQ(sha256_of_file(folder / "abc"), sha256("abc"));
}

}  // namespace
}  // namespace limbeck
