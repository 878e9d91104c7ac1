#include "generate/teacher.h"

#include <gtest/gtest.h>

#include "generate/tiny_model.h"

namespace limbeck::generate {
namespace {

TEST(LocalTeacher, WritesWhatGenerateWrites) {
  const models::Pretrained source = tiny_model();
  const SamplingOptions sampling{.max_new_tokens = 9, .temperature = 2};
  const auto teacher = local_teacher(source, {.precision = Precision::kFp32}, "tiny");
  EXPECT_EQ(teacher->name(), "tiny");
  Samples samples;
  const std::vector<TextPrompt> prompts = {{.text = "abcd x", .num_samples = 3, .first_sample = 2, .seed = Seed(4)}};
  teacher->generate(prompts, sampling, [&](Sample sample) {
    samples[{sample.prompt_index, sample.sample_index}] = sample;
  });
  const Samples expected =
      samples_of(source, {{.ids = {261, ' ', 'x'}, .num_samples = 3, .first_sample = 2, .seed = Seed(4)}}, sampling,
                 {.precision = Precision::kFp32});
  EXPECT_EQ(ids_of(samples), ids_of(expected));
  const std::vector<std::vector<int32_t>> texts = {{1, 2, 3}};
  EXPECT_EQ(teacher->score(texts), score(*source.model, texts));
  EXPECT_EQ(teacher->tokenizer(), source.tokenizer);
}

}  // namespace
}  // namespace limbeck::generate
