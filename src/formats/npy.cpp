#include "formats/npy.h"

#include <fmt/format.h>

namespace limbeck::formats {

std::string npy_header(int64_t rows, int64_t columns) {
  std::string header = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  // Magic, version and length take 10 bytes; all of it ends with a newline at a multiple of 64.
  constexpr std::size_t kBefore = 10, kBlock = 64;
  header.append(kBlock - (kBefore + header.size() + 1) % kBlock, ' ');
  header += '\n';
  std::string file("\x93NUMPY\x01\x00", 8);
  file += static_cast<char>(header.size() & 0xff);
  file += static_cast<char>(header.size() >> 8);
  return file + header;
}

}  // namespace limbeck::formats
