// Vectors of words as GloVe and word2vec write them as text: "word v1 v2 … vD" a line, perhaps after a line with their
// number and width; also gzip or zstd.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace limbeck::formats {

struct WordVectors {
  std::vector<std::string> words;
  at::Tensor vectors;  // [words, D] fp32
};

// The first `most` words (files are sorted by frequency); a word that comes again is passed over. Throws UserError
// "[path:line] …" for a line of another width, numbers that are none or not finite, and a file without words.
WordVectors read_word_vectors(const std::filesystem::path& path, int64_t most);

// What stands nearest to each of some vectors by cosine: rows [M,K] int64 of `table` [N,D], the nearest first.
// `allowed` [N] bool says which rows count; fewer than K of them throw. Works in chunks of rows.
at::Tensor nearest_rows(const at::Tensor& table, const at::Tensor& vectors, const at::Tensor& allowed, int64_t k);

}  // namespace limbeck::formats
