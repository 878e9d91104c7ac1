#include "recipes/ekt_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "recipes/made_up_result.h"
#include "recipes/well_formed.h"

namespace limbeck::recipes {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Report : public MadeUpResult {};

TEST_F(Report, IsWellFormedAndRunsNothingWhateverTheModelsWrote) {
  const std::string page = ekt_report(result_, *context_);
  EXPECT_EQ(fault_of_html(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;")) << "shown, not run";
}

TEST_F(Report, HasEverySection) {
  const std::string page = ekt_report(result_, *context_);
  for (const char* text :
       {"The arms", "From samples to training text", "Training loss", "held-out problems", "Programs side by side",
        "What the sandbox said", "options.toml", "manifest.json", "Why samples were not kept", "not first"})
    EXPECT_THAT(page, HasSubstr(text));
}

TEST_F(Report, TheSameResultGivesTheSameBytes) {
  EXPECT_EQ(ekt_report(result_, *context_), ekt_report(result_, *context_));
}

TEST_F(Report, ARowThatAResumedRunWroteAgainIsDrawnOnce) {
  const std::string before = ekt_report(result_, *context_);
  const std::string log = read_file(folder_ / "arm/log.jsonl");
  const std::string first_half = log.substr(0, log.find('\n', log.size() / 2) + 1);
  write_file_atomically(folder_ / "arm/log.jsonl", first_half + log);
  EXPECT_EQ(ekt_report(result_, *context_), before);
}

}  // namespace
}  // namespace limbeck::recipes
