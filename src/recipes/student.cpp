#include "recipes/student.h"

#include <numeric>
#include <vector>

#include "base/errors.h"

namespace limbeck::recipes {

models::Pretrained load_student(const std::string& source, int64_t layers) {
  return in_context("loading student " + source, [&] {
    models::Pretrained student = models::load_pretrained(source);
    const int64_t has = student.model->config().num_hidden_layers;
    if (layers > has)
      user_fail("student_layers", "expected at most {}, the blocks of {}, but received {}", has, source, layers);
    if (layers > 0) student.model = models::slice_layers(*student.model, models::evenly_spaced_layers(has, layers));
    return student;
  });
}

models::Pretrained copy_of(const models::Pretrained& student) {
  models::Pretrained copy = student;
  std::vector<int64_t> all(static_cast<std::size_t>(student.model->config().num_hidden_layers));
  std::iota(all.begin(), all.end(), int64_t{0});
  copy.model = models::slice_layers(*student.model, all);
  return copy;
}

}  // namespace limbeck::recipes
