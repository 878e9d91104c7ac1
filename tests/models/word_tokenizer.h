// A WordPiece tokenizer of a few words, as a folder of BERT has one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/json.h"
#include "base/temporary_folder.h"
#include "text/tokenizer.h"

namespace limbeck::models {

inline std::shared_ptr<const text::Tokenizer> word_tokenizer() {
  const TemporaryFolder folder;
  std::string lines;
  for (const char* word :
       {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "on", "mat", "##s", "a", "dog", "ran"})
    lines += std::string(word) + "\n";
  write_file_atomically(folder / "vocab.txt", lines);
  write_json(folder / "tokenizer_config.json", Json{{"tokenizer_class", "BertTokenizer"}, {"do_lower_case", true}});
  return text::Tokenizer::from_folder(folder.path());
}

}  // namespace limbeck::models
