// NumPy's .npy files (format 1.0): matrices of fp32, written row by row.
#pragma once

#include <cstdint>
#include <string>

namespace limbeck::formats {

// What stands before the numbers of a matrix [rows, columns] of little-endian fp32 in C order; the numbers follow as
// they are in memory.
std::string npy_header(int64_t rows, int64_t columns);

}  // namespace limbeck::formats
