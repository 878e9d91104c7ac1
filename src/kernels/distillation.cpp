#include "kernels/distillation.h"

#include <algorithm>
#include <cmath>

#include "kernels/exp.h"
#include "kernels/log.h"
#include "kernels/row_clones.h"

namespace limbeck::kernels {
namespace {

constexpr int64_t kBlock = 2048;     // numbers summed in fp32 before they join the double sum
constexpr float kFarBelow = -1e30f;  // stands for the -inf of a token that cannot be, so that differences stay numbers

// What the loops over a row need. With a = (t - max t) / T and b = (s - max s) / T of teacher and student:
// log p = a - log_p_sum, log q = b - log_q_sum.
struct RowState {
  float inverse_temperature = 1, beta = 0.5f;
  float most_s = 0, most_t = 0;  // over the shared tokens
  float log_p_sum = 0, log_q_sum = 0;
  float p_scale = 0, q_scale = 0;      // of exp(a) and exp(b) in the gradient
  float shift = 0;                     // of the bracket that exp(b) is multiplied with
  float most_all = 0, hard_scale = 0;  // cross-entropy's own softmax: hard_scale · exp(s - most_all)
};

struct BlockSums {
  float p = 0, q = 0, p_a_b = 0, q_b_a = 0;  // Σ exp(a), Σ exp(b), Σ exp(a)(a - b), Σ exp(b)(b - a)
};
struct MixtureSums {
  float loss = 0, q_part = 0;  // the divergence; Σ q log(q / m)
};

LIMBECK_ROW_BODY float shifted(float x, float most, float inverse_temperature) {
  const float y = (x - most) * inverse_temperature;
  return y < kFarBelow ? kFarBelow : y;
}

template <class S>
LIMBECK_ROW_BODY float largest_body(const S* x, int64_t n) {
  float most = -INFINITY;
#pragma omp simd reduction(max : most)
  for (int64_t i = 0; i < n; ++i) most = wide(x[i]) > most ? wide(x[i]) : most;
  return most;
}
LIMBECK_ROW_CLONES float largest(const float* x, int64_t n) {
  return largest_body(x, n);
}
LIMBECK_ROW_CLONES float largest(const BFloat16* x, int64_t n) {
  return largest_body(x, n);
}

template <class S>
LIMBECK_ROW_BODY BlockSums sums_body(const S* s, const float* t, int64_t n, const RowState& row) {
  const float inverse = row.inverse_temperature, most_s = row.most_s, most_t = row.most_t;
  float p_sum = 0, q_sum = 0, p_a_b = 0, q_b_a = 0;
#pragma omp simd reduction(+ : p_sum, q_sum, p_a_b, q_b_a)
  for (int64_t i = 0; i < n; ++i) {
    const float a = shifted(t[i], most_t, inverse), b = shifted(wide(s[i]), most_s, inverse);
    const float p = exp_of_negative(a), q = exp_of_negative(b);
    p_sum += p;
    q_sum += q;
    p_a_b += p * (a - b);
    q_b_a += q * (b - a);
  }
  return {p_sum, q_sum, p_a_b, q_b_a};
}
LIMBECK_ROW_CLONES BlockSums block_sums(const float* s, const float* t, int64_t n, const RowState& row) {
  return sums_body(s, t, n, row);
}
LIMBECK_ROW_CLONES BlockSums block_sums(const BFloat16* s, const float* t, int64_t n, const RowState& row) {
  return sums_body(s, t, n, row);
}

template <class S>
LIMBECK_ROW_BODY MixtureSums mixture_body(const S* s, const float* t, int64_t n, const RowState& row) {
  const float inverse = row.inverse_temperature, most_s = row.most_s, most_t = row.most_t;
  const float log_p_sum = row.log_p_sum, log_q_sum = row.log_q_sum, beta = row.beta, rest = 1 - row.beta;
  float loss = 0, q_part = 0;
#pragma omp simd reduction(+ : loss, q_part)
  for (int64_t i = 0; i < n; ++i) {
    const float p = exp_of_negative(shifted(t[i], most_t, inverse) - log_p_sum);
    const float q = exp_of_negative(shifted(wide(s[i]), most_s, inverse) - log_q_sum);
    const float inverse_m = 1.0f / (beta * p + rest * q);
    const float of_q = q * log_of_positive(q * inverse_m);
    loss += beta * p * log_of_positive(p * inverse_m) + rest * of_q;
    q_part += of_q;
  }
  return {loss, q_part};
}
LIMBECK_ROW_CLONES MixtureSums mixture_sums(const float* s, const float* t, int64_t n, const RowState& row) {
  return mixture_body(s, t, n, row);
}
LIMBECK_ROW_CLONES MixtureSums mixture_sums(const BFloat16* s, const float* t, int64_t n, const RowState& row) {
  return mixture_body(s, t, n, row);
}

template <class S>
LIMBECK_ROW_BODY float exp_sum_body(const S* s, int64_t n, float most) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += exp_of_negative(wide(s[i]) - most);
  return sum;
}
LIMBECK_ROW_CLONES float exp_sum_block(const float* s, int64_t n, float most) {
  return exp_sum_body(s, n, most);
}
LIMBECK_ROW_CLONES float exp_sum_block(const BFloat16* s, int64_t n, float most) {
  return exp_sum_body(s, n, most);
}

// The share of one token in d divergence / d logits, and where the cross-entropy has a softmax of its own, of that too.
template <Divergence kind, class S>
LIMBECK_ROW_BODY void gradient_body(S* s, const float* t, int64_t n, const RowState& row) {
  const float inverse = row.inverse_temperature, most_s = row.most_s, most_t = row.most_t;
  const float log_p_sum = row.log_p_sum, log_q_sum = row.log_q_sum, beta = row.beta, rest = 1 - row.beta;
  const float p_scale = row.p_scale, q_scale = row.q_scale, shift = row.shift;
  const float most_all = row.most_all, hard_scale = row.hard_scale;
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) {
    const float logit = wide(s[i]);
    const float a = shifted(t[i], most_t, inverse), b = shifted(logit, most_s, inverse);
    float g = 0;
    if constexpr (kind == Divergence::kForwardKl) g = q_scale * exp_of_negative(b) - p_scale * exp_of_negative(a);
    if constexpr (kind == Divergence::kReverseKl) g = q_scale * exp_of_negative(b) * (b - a + shift);
    if constexpr (kind == Divergence::kJensenShannon) {
      const float p = exp_of_negative(a - log_p_sum), q = exp_of_negative(b - log_q_sum);
      g = q_scale * q * (log_of_positive(q / (beta * p + rest * q)) + shift);
    }
    put(s[i], g + hard_scale * exp_of_negative(logit - most_all));
  }
}
template <class S>
LIMBECK_ROW_BODY void gradient_of(Divergence kind, S* s, const float* t, int64_t n, const RowState& row) {
  if (kind == Divergence::kForwardKl) gradient_body<Divergence::kForwardKl>(s, t, n, row);
  if (kind == Divergence::kReverseKl) gradient_body<Divergence::kReverseKl>(s, t, n, row);
  if (kind == Divergence::kJensenShannon) gradient_body<Divergence::kJensenShannon>(s, t, n, row);
}
LIMBECK_ROW_CLONES void gradient_row(Divergence kind, float* s, const float* t, int64_t n, const RowState& row) {
  gradient_of(kind, s, t, n, row);
}
LIMBECK_ROW_CLONES void gradient_row(Divergence kind, BFloat16* s, const float* t, int64_t n, const RowState& row) {
  gradient_of(kind, s, t, n, row);
}

// Of the tokens that the teacher does not have.
template <class S>
LIMBECK_ROW_BODY void hard_body(S* s, int64_t n, float most, float scale) {
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) put(s[i], scale * exp_of_negative(wide(s[i]) - most));
}
LIMBECK_ROW_CLONES void hard_gradient(float* s, int64_t n, float most, float scale) {
  hard_body(s, n, most, scale);
}
LIMBECK_ROW_CLONES void hard_gradient(BFloat16* s, int64_t n, float most, float scale) {
  hard_body(s, n, most, scale);
}

// The losses of one row and, where a place for it is given, their gradient. `gradient` may be the row itself.
template <class S>
class Visit {
 public:
  Visit(std::span<const S> student, std::span<const float> teacher, int64_t target, const Distillation& what)
      : s_(student.data()),
        t_(teacher.data()),
        num_all_(static_cast<int64_t>(student.size())),
        num_shared_(static_cast<int64_t>(teacher.size())),
        target_(target),
        what_(what) {
    state_.inverse_temperature = 1 / what.temperature;
    state_.beta = what.beta;
    state_.most_s = largest(s_, num_shared_);
    state_.most_t = largest(t_, num_shared_);
    state_.most_all = std::max(state_.most_s, largest(s_ + num_shared_, num_all_ - num_shared_));
  }

  DistilledRow losses() {
    double p_a_b = 0, q_b_a = 0;
    for (int64_t i = 0; i < num_shared_; i += kBlock) {
      const BlockSums sums = block_sums(s_ + i, t_ + i, std::min(kBlock, num_shared_ - i), state_);
      p_sum_ += sums.p, q_sum_ += sums.q, p_a_b += sums.p_a_b, q_b_a += sums.q_b_a;
    }
    const double log_p_sum = std::log(p_sum_), log_q_sum = std::log(q_sum_);
    state_.log_p_sum = static_cast<float>(log_p_sum), state_.log_q_sum = static_cast<float>(log_q_sum);
    DistilledRow row;
    if (what_.divergence == Divergence::kForwardKl) row.divergence = p_a_b / p_sum_ - log_p_sum + log_q_sum;
    if (what_.divergence == Divergence::kReverseKl) row.divergence = q_b_a / q_sum_ - log_q_sum + log_p_sum;
    if (what_.divergence == Divergence::kJensenShannon) row.divergence = mixture();
    divergence_ = row.divergence;

    const bool same_softmax = what_.temperature == 1 && num_shared_ == num_all_;
    if (same_softmax)
      hard_sum_ = q_sum_;
    else
      for (int64_t i = 0; i < num_all_; i += kBlock)
        hard_sum_ += exp_sum_block(s_ + i, std::min(kBlock, num_all_ - i), state_.most_all);
    row.cross_entropy = std::log(hard_sum_) + state_.most_all - wide(s_[target_]);
    return row;
  }

  // After losses(); `row` is the student's row itself.
  void gradient(S* row, float weight) {
    const double soft = static_cast<double>(weight) * what_.divergence_weight / what_.temperature;
    const double hard = static_cast<double>(weight) * what_.cross_entropy_weight;
    set_scales(soft, hard);
    // The target's entry apart, so that it is rounded once.
    float at_target = wide(row[target_]);
    if (target_ < num_shared_)
      gradient_row(what_.divergence, &at_target, t_ + target_, 1, state_);
    else
      hard_gradient(&at_target, 1, state_.most_all, state_.hard_scale);
    gradient_row(what_.divergence, row, t_, num_shared_, state_);
    hard_gradient(row + num_shared_, num_all_ - num_shared_, state_.most_all, state_.hard_scale);
    put(row[target_], at_target - static_cast<float>(hard));
  }

 private:
  double mixture() {
    double loss = 0;
    for (int64_t i = 0; i < num_shared_; i += kBlock) {
      const MixtureSums sums = mixture_sums(s_ + i, t_ + i, std::min(kBlock, num_shared_ - i), state_);
      loss += sums.loss, q_part_ += sums.q_part;
    }
    return loss;
  }

  // d KL(p ‖ q) / d b = q - p; d KL(q ‖ p) / d b = q (log q - log p - KL); of the mixture, as d / d q of the divergence
  // is (1 - β) log(q / m): (1 - β) q (log(q / m) - KL(q ‖ m)).
  void set_scales(double soft, double hard) {
    state_.hard_scale = static_cast<float>(hard / hard_sum_);
    state_.q_scale = static_cast<float>(soft / q_sum_);
    state_.p_scale = static_cast<float>(soft / p_sum_);
    if (what_.divergence == Divergence::kReverseKl)
      state_.shift = static_cast<float>(std::log(p_sum_) - std::log(q_sum_) - divergence_);
    if (what_.divergence == Divergence::kJensenShannon) {
      state_.q_scale = static_cast<float>(soft * (1 - static_cast<double>(what_.beta)));
      state_.shift = static_cast<float>(-q_part_);
    }
  }

  const S* s_;
  const float* t_;
  int64_t num_all_, num_shared_, target_;
  Distillation what_;
  RowState state_;
  double p_sum_ = 0, q_sum_ = 0, hard_sum_ = 0, q_part_ = 0, divergence_ = 0;
};

template <class S>
DistilledRow distil_row(std::span<S> student, std::span<const float> teacher, int64_t target, float weight,
                        const Distillation& what) {
  Visit<S> visit(student, teacher, target, what);
  const DistilledRow losses = visit.losses();
  visit.gradient(student.data(), weight);
  return losses;
}

}  // namespace

DistilledRow distil(std::span<float> student, std::span<const float> teacher, int64_t target, float weight,
                    const Distillation& what) {
  return distil_row(student, teacher, target, weight, what);
}
DistilledRow distil(std::span<BFloat16> student, std::span<const float> teacher, int64_t target, float weight,
                    const Distillation& what) {
  return distil_row(student, teacher, target, weight, what);
}

DistilledRow distillation_losses(std::span<const float> student, std::span<const float> teacher, int64_t target,
                                 const Distillation& what) {
  return Visit<float>(student, teacher, target, what).losses();
}
DistilledRow distillation_losses(std::span<const BFloat16> student, std::span<const float> teacher, int64_t target,
                                 const Distillation& what) {
  return Visit<BFloat16>(student, teacher, target, what).losses();
}

}  // namespace limbeck::kernels
