#include "recipes/student.h"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"
#include "models/formula_weights.h"
#include "recipes/tiny_ekt.h"

namespace limbeck::recipes {
namespace {

TEST(LoadStudent, IsTheModelOrASliceOfIt) {
  const std::string teacher = tiny_teacher_folder().string();
  EXPECT_EQ(load_student(teacher, 0).model->config().num_hidden_layers, 3);
  EXPECT_EQ(load_student(teacher, 2).model->config().num_hidden_layers, 2);
  EXPECT_THAT(message_of<UserError>([&] { load_student(teacher, 4); }),
              ::testing::HasSubstr("expected at most 3, the blocks of"));
}

TEST(CopyOf, IsTheSameFunctionAndLeavesTheStudentTrainableWhenItIsFrozen) {
  const auto student = load_student(tiny_teacher_folder().string(), 2);
  const auto ids = models::ids_tensor({'B', 'o', 'x'});
  const at::NoGradGuard no_grad;
  const auto before = models::logits_of_document(*student.model, ids);
  const auto copy = copy_of(student);
  copy.model->freeze(Precision::kFp32);
  EXPECT_TRUE(at::allclose(models::logits_of_document(*copy.model, ids), before, 1e-4, 1e-4));
  EXPECT_FALSE(models::parameters_of(*student.model).empty());
}

}  // namespace
}  // namespace limbeck::recipes
