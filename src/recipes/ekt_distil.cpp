#include "recipes/ekt_distil.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/errors.h"
#include "recipes/ekt_pairs.h"
#include "synthesis/prompts.h"
#include "teachers/prompt.h"

namespace limbeck::recipes {
namespace {

// The longest text of the examples once the worked examples stand in front of it.
void expect_room(const models::LanguageModel& teacher, const std::vector<data::Example>& examples,
                 const std::vector<Shown>& shown) {
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const auto length = static_cast<int64_t>(shown[i].prefix.size() + examples[i].ids.size()) - shown[i].dropped;
    if (length > teacher.config().max_position_embeddings)
      user_fail("distillation",
                "expected at most {} tokens, the teacher's context, but text {} has {} behind the worked examples",
                teacher.config().max_position_embeddings, i + 1, length);
  }
}

train::Step step_from(const EktContext& context, const models::Pretrained& teacher, const Course& course,
                      models::Pretrained& student, const std::vector<data::Example>& examples) {
  expect_same_vocabulary(student, teacher);
  expect_readable(*teacher.model, examples, "pairs.jsonl");
  ShownTo shown;
  if (context.options.teacher_sees_examples) {
    auto views = std::make_shared<std::vector<Shown>>();
    for (const auto& pair : course.pairs)
      views->push_back(few_shot_in_front(context, *student.tokenizer, pair.question));
    expect_room(*teacher.model, examples, *views);
    shown = [views](int64_t index) { return (*views)[static_cast<std::size_t>(index)]; };
  }
  return distil_step(*student.model, *teacher.model, context.options.precision, context.options.kd, std::move(shown));
}

}  // namespace

Shown few_shot_in_front(const EktContext& context, const text::Tokenizer& tokenizer, const std::string& question) {
  const synthesis::Problem problem{.id = "", .question = question};
  const auto alone = teachers::encode_prompt(tokenizer, EktContext::zero_shot(problem)),
             whole = teachers::encode_prompt(tokenizer, context.few_shot(problem));
  const auto [in_alone, in_whole] = std::mismatch(alone.rbegin(), alone.rend(), whole.rbegin(), whole.rend());
  const auto same = in_alone - alone.rbegin();
  return {.prefix = {whole.begin(), whole.end() - same}, .dropped = static_cast<int64_t>(alone.size()) - same};
}

ArmResult run_distillation(EktContext& context, const Run& run) {
  Course course = usual_course(context, verified_pairs(context, context.samples));
  course.step = [&](models::Pretrained& student, const std::vector<data::Example>& examples) {
    return step_from(context, *context.teacher().model(), course, student, examples);
  };
  ArmResult result = train_and_measure(context, run, "distilled student", course, run.path("model"));
  context.release_teacher();
  result.note = context.options.teacher_sees_examples ? "the teacher read the worked examples in front of each text"
                                                      : "the teacher read the texts without worked examples";
  return result;
}

}  // namespace limbeck::recipes
