#include "objectives/relations.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <fmt/ranges.h>  // fmt::join
#include <torch/csrc/autograd/custom_function.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>
#include <string_view>

#include "base/errors.h"
#include "base/profile.h"

namespace limbeck::objectives {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One document of a relation, ready for products.
struct DocumentHeads {
  at::Tensor x, y;  // [H,L,E]
  double scale = 1;
};

DocumentHeads document_of(const Relation& relation, int64_t begin, int64_t length, at::ScalarType type) {
  const auto heads = [&](const at::Tensor& all) { return all.narrow(0, begin, length).transpose(0, 1).to(type); };
  return {heads(relation.x), heads(relation.y), 1 / std::sqrt(static_cast<double>(relation.x.size(2)))};
}

at::Tensor scores_of(const DocumentHeads& d) {  // [H,L,L]
  return at::bmm(d.x, d.y.transpose(1, 2)).mul_(d.scale);
}

// The loss of a document, and its gradient with respect to the student's products x·yᵀ [H,L,L] when that is wanted.
struct Comparison {
  double sum = 0;
  at::Tensor gradient;
};

Comparison compare_scores(const DocumentHeads& student, const DocumentHeads& teacher, bool want_gradient) {
  at::Tensor difference = at::bmm(teacher.x, teacher.y.transpose(1, 2));
  difference.baddbmm_(student.x, student.y.transpose(1, 2), -teacher.scale, student.scale);
  const at::Tensor flat = difference.view(-1);
  Comparison result{.sum = at::dot(flat, flat).item<double>()};
  if (want_gradient) result.gradient = difference.mul_(2 * student.scale);
  return result;
}

Comparison compare_probabilities(const DocumentHeads& student, const DocumentHeads& teacher, bool want_gradient) {
  const at::Tensor log_q = at::log_softmax(scores_of(student), 2), log_p = at::log_softmax(scores_of(teacher), 2);
  const at::Tensor p = log_p.exp();
  Comparison result{.sum = (p * (log_p - log_q)).sum().item<double>()};
  if (want_gradient) result.gradient = log_q.exp().sub_(p).mul_(student.scale);
  return result;
}

class CompareRelations : public torch::autograd::Function<CompareRelations> {
 public:
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& y, const Relation& teacher,
                            const std::vector<int64_t>& offsets, Compared compared, bool gradients_on) {
    const Span span("relations", "loss", x.size(0));
    const bool wanted = gradients_on && (x.requires_grad() || y.requires_grad());
    const auto type = x.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
    const Relation student{x.detach(), y.detach()}, taught{teacher.x.detach(), teacher.y.detach()};
    at::Tensor dx, dy;
    if (wanted) dx = at::empty(x.sizes(), student.x.options()), dy = at::empty(y.sizes(), student.y.options());
    const int64_t num_documents = static_cast<int64_t>(offsets.size()) - 1;
    std::vector<double> sums(static_cast<std::size_t>(num_documents));
    at::parallel_for(0, num_documents, 1, [&](int64_t first, int64_t last) {
      const at::NoGradGuard no_grad;  // a thread's own
      for (int64_t d = first; d < last; ++d) {
        const int64_t begin = offsets[d], length = offsets[d + 1] - begin;
        if (length == 0) continue;
        const DocumentHeads mine = document_of(student, begin, length, type),
                            theirs = document_of(taught, begin, length, type);
        const Comparison result = compared == Compared::kScores ? compare_scores(mine, theirs, wanted)
                                                                : compare_probabilities(mine, theirs, wanted);
        sums[d] = result.sum;
        if (!wanted) continue;
        dx.narrow(0, begin, length).copy_(at::bmm(result.gradient, mine.y).transpose(0, 1));
        dy.narrow(0, begin, length).copy_(at::bmm(result.gradient.transpose(1, 2), mine.x).transpose(0, 1));
      }
    });
    double sum = 0;
    for (const double of_document : sums) sum += of_document;
    context->save_for_backward({dx, dy});
    return at::scalar_tensor(sum, student.x.options().dtype(type));
  }

  static variable_list backward(AutogradContext* context, variable_list outer) {
    const auto saved = context->get_saved_variables();
    const auto scaled = [&](const at::Tensor& gradient) {
      return gradient.defined() ? gradient * outer[0].to(gradient.scalar_type()) : gradient;
    };
    return {scaled(saved[0]), scaled(saved[1]), {}, {}, {}, {}};
  }
};

void check_relation(std::string_view whose, const Relation& relation, const std::vector<int64_t>& offsets) {
  if (relation.x.dim() != 3 || relation.x.sizes() != relation.y.sizes())
    fail("compare_relations", "expected both sides of the {}'s relation as [N,H,E] but received {} and {}", whose,
         fmt::join(relation.x.sizes(), "x"), fmt::join(relation.y.sizes(), "x"));
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != relation.x.size(0))
    fail("compare_relations", "expected offsets 0, …, {} (the {}'s tokens) but received {} that end at {}",
         relation.x.size(0), whose, offsets.size(), offsets.empty() ? 0 : offsets.back());
}

}  // namespace

at::Tensor compare_relations(const Relation& student, const Relation& teacher, const std::vector<int64_t>& offsets,
                             Compared compared) {
  check_relation("student", student, offsets);
  check_relation("teacher", teacher, offsets);
  for (std::size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] < offsets[i - 1])
      fail("compare_relations", "expected ascending offsets but received {} after {}", offsets[i], offsets[i - 1]);
  if (student.x.size(1) != teacher.x.size(1))
    fail("compare_relations", "expected as many heads of student and teacher but received {} and {}", student.x.size(1),
         teacher.x.size(1));
  return CompareRelations::apply(student.x, student.y, teacher, offsets, compared, at::GradMode::is_enabled());
}

double num_pairs(const std::vector<int64_t>& offsets) {
  double pairs = 0;
  for (std::size_t i = 1; i < offsets.size(); ++i) {
    const auto length = static_cast<double>(offsets[i] - offsets[i - 1]);
    pairs += length * length;
  }
  return pairs;
}

}  // namespace limbeck::objectives
