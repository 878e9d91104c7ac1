#include "teachers/answer_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/message_of.h"
#include "base/temporary_folder.h"

namespace limbeck::teachers {
namespace {

using ::testing::HasSubstr;

const Json kWhose = {{"model", "m"}};

Answer two_choices() {
  return {.choices = {{.text = "a\nb", .finish = generate::Finish::kStop, .log_prob = -1.5}, {.text = "\xff"}}};
}

TEST(AnswerStore, FindsWhatAnEarlierProcessStored) {
  const TemporaryFolder folder;
  {
    AnswerStore store(folder / "a.jsonl", kWhose);
    store.asked("k1", {.prompt = 100, .completion = 50});
    store.answered("k1", "p1", 4, two_choices(), {.prompt = 30, .completion = 20});
    EXPECT_EQ(store.find("k1")->choices[0].text, "a\nb");
  }
  AnswerStore store(folder / "a.jsonl", kWhose);
  EXPECT_EQ(store.num_answers(), 1);
  EXPECT_EQ(store.spent().prompt, 30);
  EXPECT_EQ(store.spent().completion, 20);
  const auto answer = store.find("k1");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->choices.size(), 2u);
  EXPECT_EQ(answer->choices[0].finish, generate::Finish::kStop);
  EXPECT_EQ(answer->choices[0].log_prob, -1.5);
  EXPECT_EQ(answer->choices[1].text, "\xef\xbf\xbd") << "bytes that are not UTF-8 become U+FFFD";
  EXPECT_TRUE(std::isnan(answer->choices[1].log_prob));
  EXPECT_FALSE(store.find("k2"));
}

TEST(AnswerStore, WhatWasAskedAndNeverAnsweredCountsAtItsWorst) {
  const TemporaryFolder folder;
  for (int process = 0; process < 2; ++process) {  // the second one asks again and is killed again
    AnswerStore store(folder / "a.jsonl", kWhose);
    EXPECT_EQ(store.spent().total(), process * 150);
    store.asked("k1", {.prompt = 100, .completion = 50});
  }
  {
    AnswerStore store(folder / "a.jsonl", kWhose);
    EXPECT_EQ(store.spent().total(), 300);
    store.asked("k1", {.prompt = 100, .completion = 50});
    store.answered("k1", "p", 0, two_choices(), {.prompt = 1, .completion = 2});
    store.asked("k2", {.prompt = 1000, .completion = 0});
    store.failed("k2", {});
    store.asked("k2", {.prompt = 1000, .completion = 0});
    store.failed("k2", {.prompt = 1000, .completion = 0});
    EXPECT_EQ(store.spent().total(), 1303);
  }
  EXPECT_EQ(AnswerStore(folder / "a.jsonl", kWhose).spent().total(), 1303);
}

TEST(AnswerStore, ATornLastLineIsForgotten) {
  const TemporaryFolder folder;
  {
    AnswerStore store(folder / "a.jsonl", kWhose);
    store.answered("k1", "p", 0, two_choices(), {});
    store.answered("k2", "p", 2, two_choices(), {});
  }
  const std::string whole = read_file(folder / "a.jsonl");
  for (std::size_t length = 0; length <= whole.size(); length += 9) {
    write_file_atomically(folder / "b.jsonl", whole.substr(0, length));
    AnswerStore store(folder / "b.jsonl", kWhose);
    const auto lines = std::count(whole.begin(), whole.begin() + static_cast<int64_t>(length), '\n');
    EXPECT_EQ(store.num_answers(), std::max<int64_t>(0, lines - 1)) << length;
    store.answered("k3", "p", 4, two_choices(), {});
    EXPECT_EQ(store.find("k3")->choices.size(), 2u) << length;
  }
}

TEST(AnswerStore, RefusesTheFileOfAnotherTeacherAndOneThatIsInUse) {
  const TemporaryFolder folder;
  const AnswerStore store(folder / "a.jsonl", kWhose);
  EXPECT_THAT(message_of<UserError>([&] { AnswerStore(folder / "a.jsonl", kWhose); }), HasSubstr("another process"));
  { const AnswerStore other(folder / "b.jsonl", {{"model", "other"}}); }
  EXPECT_THAT(message_of<UserError>([&] { AnswerStore(folder / "b.jsonl", kWhose); }),
              HasSubstr("the answers of another teacher, {\"model\":\"other\"}"));
  write_file_atomically(folder / "c.jsonl", "{\"id\":\"p\"}\n");
  EXPECT_THAT(message_of<UserError>([&] { AnswerStore(folder / "c.jsonl", kWhose); }), HasSubstr("c.jsonl:1"));
}

TEST(AnswerStore, ABrokenLineIsNamed) {
  const TemporaryFolder folder;
  for (const char* line : {"{", "[]", "{\"key\":3}", "{\"key\":\"k\"}", "{\"key\":\"k\",\"asked\":[1]}",
                           "{\"key\":\"k\",\"failed\":[-1,2]}", "{\"key\":\"k\",\"failed\":[9223372036854775807,1]}",
                           "{\"key\":\"k\",\"charged\":[1,2],\"choices\":[]}",
                           "{\"key\":\"k\",\"charged\":[1,2],\"choices\":[{\"text\":\"x\"}]}"}) {
    write_file_atomically(folder / "a.jsonl", std::string("{\"answers_of\":{\"model\":\"m\"}}\n") + line + "\n");
    EXPECT_THAT(message_of([&] { AnswerStore(folder / "a.jsonl", kWhose); }), HasSubstr("a.jsonl:2")) << line;
  }
}

}  // namespace
}  // namespace limbeck::teachers
