#include "serve/job_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::serve {
namespace {

using ::testing::HasSubstr;

class JobLimits : public testing::Test {
 protected:
  models::DecoderConfig config_;
  EngineOptions options_{.max_batch = 4, .cache_tokens = 200};
  Job job_{.ids = {1, 2, 3}, .num_samples = 2, .sampling = {.max_new_tokens = 10}};
  void SetUp() override {
    config_.vocab_size = 8;
    config_.max_position_embeddings = 64;
  }
  std::string error() const {
    return message_of<UserError>([&] { check_job(job_, config_, options_); });
  }
};

TEST_F(JobLimits, AJobThatFitsIsTaken) {
  check_job(job_, config_, options_);
  EXPECT_EQ(positions_of(job_), 3 + 16 + 2 * (10 + 16))
      << "a page of 16 positions for the prompt's end and each sample's";
  job_.ids.assign(54, 1);  // with ten more the whole context
  check_job(job_, config_, options_);
}

TEST_F(JobLimits, WhatCanNeverRunIsNamed) {
  const Job good = job_;
  job_.ids.clear();
  EXPECT_THAT(error(), HasSubstr("prompt] expected at least one token"));
  job_.ids = {1, 8};
  EXPECT_THAT(error(), HasSubstr("tokens from 0 to 7 but received 8"));
  job_.ids = {-1};
  EXPECT_THAT(error(), HasSubstr("received -1"));
  job_.ids.assign(55, 1);
  EXPECT_THAT(error(), HasSubstr("at most 54 tokens"));
  job_ = good;
  job_.num_samples = 5;
  EXPECT_THAT(error(), HasSubstr("n] expected 1 to 4 samples"));
  job_.num_samples = 0;
  EXPECT_THAT(error(), HasSubstr("n] expected 1 to 4 samples"));
  job_ = good;
  options_.cache_tokens = 70;
  EXPECT_THAT(error(), HasSubstr("could need 71 positions, and the server keeps 70"));
}

TEST_F(JobLimits, NoNewTokensOnlyWhereThePromptIsTold) {
  job_.sampling.max_new_tokens = 0;
  EXPECT_THAT(error(), HasSubstr("max_tokens] expected at least 1"));
  job_.tell_prompt = true;
  check_job(job_, config_, options_);
}

}  // namespace
}  // namespace limbeck::serve
