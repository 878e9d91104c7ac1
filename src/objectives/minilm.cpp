#include "objectives/minilm.h"

#include <ATen/ATen.h>

#include "base/errors.h"
#include "objectives/relations.h"

namespace limbeck::objectives {
namespace {

Term relation_term(const char* name, const Relation& student, const Relation& teacher,
                   const std::vector<int64_t>& offsets, double weight = 1) {
  return {.name = name,
          .sum = compare_relations(student, teacher, offsets, Compared::kProbabilities),
          .count = static_cast<double>(student.x.size(1) * student.x.size(0)),
          .weight = weight};
}

// [N,H,E] -> [N,R,H·E/R]: the heads behind each other, cut anew.
at::Tensor in_relation_heads(const at::Tensor& x, int64_t heads, const char* whose) {
  const int64_t width = x.size(1) * x.size(2);
  if (heads < 1 || width % heads != 0)
    fail("minilm_relations", "expected a width of the {} that {} relation heads share evenly but received {}", whose,
         heads, width);
  return x.reshape({x.size(0), heads, width / heads});
}

}  // namespace

Loss minilm(const SelfAttention& student, const SelfAttention& teacher, const std::vector<int64_t>& offsets) {
  return {{relation_term("attention", {student.q, student.k}, {teacher.q, teacher.k}, offsets),
           relation_term("values", {student.v, student.v}, {teacher.v, teacher.v}, offsets)}};
}

Loss minilm_relations(const SelfAttention& student, const SelfAttention& teacher, const std::vector<int64_t>& offsets,
                      const RelationOptions& options) {
  Loss loss;
  const auto add = [&](const char* name, const at::Tensor& of_student, const at::Tensor& of_teacher, double weight) {
    if (weight == 0) return;
    const at::Tensor s = in_relation_heads(of_student, options.heads, "student"),
                     t = in_relation_heads(of_teacher, options.heads, "teacher");
    loss.terms.push_back(relation_term(name, {s, s}, {t, t}, offsets, weight));
  };
  add("queries", student.q, teacher.q, options.queries);
  add("keys", student.k, teacher.k, options.keys);
  add("values", student.v, teacher.v, options.values);
  return loss;
}

}  // namespace limbeck::objectives
