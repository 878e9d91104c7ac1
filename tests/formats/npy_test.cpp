#include "formats/npy.h"

#include <gtest/gtest.h>

namespace limbeck::formats {
namespace {

// numpy.lib.format.header_data_from_array_1_0 and _write_array_header of NumPy 2.
TEST(Npy, HeaderIsWhatNumPyReads) {
  const std::string header = npy_header(12, 384);
  EXPECT_EQ(header.size() % 64, 0u);
  EXPECT_EQ(header.substr(0, 8), std::string("\x93NUMPY\x01\x00", 8));
  EXPECT_EQ(static_cast<unsigned char>(header[8]) + 256u * static_cast<unsigned char>(header[9]), header.size() - 10);
  EXPECT_EQ(header.substr(10, 62), "{'descr': '<f4', 'fortran_order': False, 'shape': (12, 384), }");
  EXPECT_EQ(header.back(), '\n');
  EXPECT_EQ(npy_header(0, 1).size() % 64, 0u);
}

}  // namespace
}  // namespace limbeck::formats
