#include "formats/safetensors_header.h"

#include <gtest/gtest.h>

#include "formats/files.h"

namespace limbeck::formats {
namespace {

using testing::error_of;
using testing::ExactBytes;

std::string file_of(std::string_view json, std::size_t num_data_bytes = 0) {
  const uint64_t length = json.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + std::string(json) + std::string(num_data_bytes, '\1');
}

SafetensorsHeader parsed(const std::string& file) {
  return parse_safetensors_header(ExactBytes(file).span(), "m.safetensors");
}

std::string refusal(std::string_view json, std::size_t num_data_bytes = 0) {
  return error_of([&] { parsed(file_of(json, num_data_bytes)); });
}

TEST(SafetensorsHeader, GivesTensorsInTheOrderOfTheirBytes) {
  const SafetensorsHeader header = parsed(file_of(
      R"({"b":{"dtype":"BF16","shape":[2,3],"data_offsets":[4,16]},"__metadata__":{"format":"pt","é":"x"},)"
      R"("a":{"data_offsets":[0,4],"shape":[],"dtype":"F32"},"none":{"dtype":"I64","shape":[0,7],"data_offsets":[16,16]}}   )",
      16));
  ASSERT_EQ(header.entries.size(), 3u);
  EXPECT_EQ(header.entries[0].name, "a");
  EXPECT_EQ(header.entries[0].shape, std::vector<int64_t>{});
  EXPECT_EQ(header.entries[1].name, "b");
  EXPECT_EQ(header.entries[1].dtype, at::ScalarType::BFloat16);
  EXPECT_EQ(header.entries[1].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(header.entries[2].name, "none");
  EXPECT_EQ(header.metadata.at("format"), "pt");
  EXPECT_EQ(header.metadata.at("é"), "x");
}

TEST(SafetensorsHeader, ReadsAFileWithoutTensors) {
  EXPECT_TRUE(parsed(file_of("{}")).entries.empty());
}

TEST(SafetensorsHeader, SaysWhichTensorHasBytesThatDoNotFitItsShape) {
  EXPECT_EQ(
      refusal(R"({"wte":{"dtype":"F32","shape":[2,2],"data_offsets":[0,12]}})", 12),
      "[open_safetensors] m.safetensors: tensor 'wte': expected 16 bytes for its shape and dtype but received the "
      "offsets 0 to 12");
}

TEST(SafetensorsHeader, RefusesGapsOverlapsAndBytesOfNobody) {
  const char* two =
      R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[%d,%d]}})";
  const auto at = [&](int begin) {
    char json[200];
    snprintf(json, sizeof json, two, begin, begin + 4);
    return refusal(json, 8);
  };
  EXPECT_EQ(at(4), "");
  EXPECT_NE(at(5).find("expected its bytes to begin at 4"), std::string::npos);
  EXPECT_NE(at(2).find("expected its bytes to begin at 4"), std::string::npos);
  EXPECT_NE(at(0).find("tensor 'b': expected its bytes to begin at 4"), std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 5)
                .find("expected 4 bytes of tensors after the header but received 5"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", 3).find("cut short"),
            std::string::npos);
}

TEST(SafetensorsHeader, RefusesShapesWhoseProductOverflows) {
  EXPECT_NE(refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})").find("below 2^63"),
            std::string::npos);
  // Empty by its first size, but its strides would overflow.
  EXPECT_NE(
      refusal(R"({"a":{"dtype":"U8","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}})").find("below 2^63"),
      std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0]}})").find("below 2^63"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"dtype":"U8","shape":[99999999999999999999999],"data_offsets":[0,0]}})"), "");
}

TEST(SafetensorsHeader, RefusesWhatStandsTwice) {
  const std::string entry = R"({"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_NE(refusal(R"({"a":)" + entry + R"(,"a":)" + entry + "}").find("tensor 'a': expected it once"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"a":{"dtype":"U8","dtype":"I8","shape":[0],"data_offsets":[0,0]}})").find("'dtype' once"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"__metadata__":{"k":"1","k":"2"}})").find("metadata 'k': expected it once"), std::string::npos);
  EXPECT_NE(refusal(R"({"__metadata__":{},"__metadata__":{}})"), "");
}

TEST(SafetensorsHeader, RefusesEveryOtherKindOfJson) {
  for (const char* json : {"[]",
                           "1",
                           "null",
                           " {}",
                           "",
                           "{",
                           "{}}",
                           "{} x",
                           R"({"a":1})",
                           R"({"a":null})",
                           R"({"a":[1]})",
                           R"({"a":"x"})",
                           R"({"a":{}})",
                           R"({"a":{"dtype":"F32","shape":[1]}})",
                           R"({"a":{"dtype":"F4","shape":[0],"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":7,"shape":[0],"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":"U8","shape":0,"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":"U8","shape":[0.0],"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":"U8","shape":[[0]],"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}})",
                           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}})",
                           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":{}}})",
                           R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"more":1}})",
                           R"({"__metadata__":{"a":1}})",
                           R"({"__metadata__":{"a":{}}})",
                           R"({"__metadata__":"x"})",
                           R"({"a":{"dtype":["U8"],"shape":[0],"data_offsets":[0,0]}})",
                           R"({"a":{"dtype":"U8","shape":[true],"data_offsets":[0,0]}})"})
    EXPECT_EQ(refusal(json).substr(0, 34), "[open_safetensors] m.safetensors: ") << json;
}

TEST(SafetensorsHeader, RefusesNamesThatAreNotUtf8) {
  EXPECT_NE(
      refusal("{\"a\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}").find("expected JSON in UTF-8"),
      std::string::npos);
}

TEST(SafetensorsHeader, RefusesALengthBeyondTheFileBeforeAllocatingAnything) {
  std::string file = file_of("{}");
  for (const uint64_t length : {3ull, 100'000'000ull, 100'000'001ull, ~0ull, ~0ull - 7}) {
    std::memcpy(file.data(), &length, 8);
    EXPECT_NE(error_of([&] { parsed(file); }), "") << length;
  }
}

TEST(SafetensorsHeader, RefusesDeepNestingWithoutRecursion) {
  EXPECT_NE(refusal("{\"a\":" + std::string(2'000'000, '[')), "");
  EXPECT_NE(refusal("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,0],\"shape\":[" + std::string(200, '1') + "]}}"), "");
  std::string ones = "1";
  for (int i = 0; i < 100; ++i) ones += ",1";
  EXPECT_NE(refusal("{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,1],\"shape\":[" + ones + "]}}", 1)
                .find("at most 64 dimensions"),
            std::string::npos);
}

TEST(SafetensorsHeader, AFileCutAnywhereIsAnError) {
  const std::string whole = read_file(testing::golden("dtypes.safetensors"));
  ASSERT_NO_THROW(parsed(whole));
  for (std::size_t size = 0; size < whole.size(); ++size)
    ASSERT_NE(error_of([&] { parsed(whole.substr(0, size)); }), "") << "cut at " << size;
}

TEST(SafetensorsHeader, TwentyThousandBrokenFilesAreErrorsOrSoundHeaders) {
  const std::string whole = read_file(testing::golden("dtypes.safetensors"));
  Random random(Seed(11));
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const std::string broken = testing::mutated(whole, random);
    SafetensorsHeader header;
    if (!error_of([&] { header = parsed(broken); }).empty()) {
      ++refused;
      continue;
    }
    for (const SafetensorsEntry& entry : header.entries) {
      ASSERT_LE(entry.begin, entry.end);
      ASSERT_LE(header.data_begin + entry.end, broken.size());
    }
  }
  EXPECT_GT(refused, 10'000);
  EXPECT_LT(refused, 20'000);  // changes of the numbers themselves are no fault of the header
}

TEST(SafetensorsHeader, WhatIsMadeReadsBackAndIsAligned) {
  std::vector<SafetensorsEntry> entries(2);
  entries[0].name = "x\"\\\n\xc3\xbc";
  entries[0].shape = {3};
  entries[1].name = "flag";
  entries[1].dtype = at::ScalarType::Bool;
  entries[1].shape = {5};
  const std::string bytes = make_safetensors_header(entries, {{"k", "v"}});
  EXPECT_EQ(bytes.size() % 8, 0u);
  const SafetensorsHeader header = parsed(bytes + std::string(17, '\1'));
  EXPECT_EQ(header.entries[0].name, entries[0].name);
  EXPECT_EQ(header.entries[1].begin, 12u);
  EXPECT_EQ(header.entries[1].end, 17u);
  EXPECT_EQ(header.metadata.at("k"), "v");
}

TEST(SafetensorsHeader, NoHeaderIsMadeOfNamesThatCouldNotBeReadBack) {
  const auto make = [](std::vector<std::string> names) {
    return error_of([&] {
      std::vector<SafetensorsEntry> entries(names.size());
      for (std::size_t i = 0; i < names.size(); ++i) entries[i].name = names[i];
      make_safetensors_header(entries, {});
    });
  };
  EXPECT_EQ(make({"a", "b"}), "");
  EXPECT_NE(make({"a", "a"}).find("one that is taken"), std::string::npos);
  EXPECT_NE(make({"__metadata__"}), "");
  EXPECT_NE(make({"a\xff"}).find("UTF-8"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::formats
