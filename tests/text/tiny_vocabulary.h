// A small byte-level vocabulary for tests: every byte, and a few merges.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "text/byte_alphabet.h"
#include "text/tokenizer.h"

namespace limbeck::text {

// Ids 0 to 255 are the bytes, 256 and up the merges: "he" "ll" "hell" "hello" " w" "or" " wor".
inline TokenizerSpec tiny_spec() {
  TokenizerSpec spec;
  for (int b = 0; b < 256; ++b) {
    const char byte = char(b);
    spec.tokens.push_back(bytes_to_alphabet({&byte, 1}));
  }
  for (const auto& [left, right] :
       {std::pair{"h", "e"}, {"l", "l"}, {"he", "ll"}, {"hell", "o"}, {"Ġ", "w"}, {"o", "r"}, {"Ġw", "or"}}) {
    spec.merges.emplace_back(left, right);
    spec.tokens.push_back(std::string(left) + right);
  }
  return spec;
}

// A folder of its own that goes away with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "limbeck-text-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace limbeck::text
