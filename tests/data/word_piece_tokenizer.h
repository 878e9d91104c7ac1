// BERT's tokenizer over a few words for tests: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, then letters and words.
#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "base/temporary_folder.h"
#include "text/tokenizer.h"

namespace limbeck {

inline std::shared_ptr<const text::Tokenizer> word_piece_tokenizer() {
  std::string vocabulary = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const char* word : {"good", "bad", "film", "the", "a", "is", "was", ".", ",", "play", "##ing", "##ed", "bob"})
    vocabulary += std::string(word) + "\n";  // 5 to 17
  for (char c = 'a'; c <= 'z'; ++c)
    vocabulary += std::string(c == 'a' ? "" : std::string(1, c) + "\n") + "##" + c + "\n";
  const TemporaryFolder folder;
  write_file_atomically(folder / "vocab.txt", vocabulary);
  return text::Tokenizer::from_folder(folder.path());
}

}  // namespace limbeck
