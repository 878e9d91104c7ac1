#include "train/flatness.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cmath>

#include "base/errors.h"

namespace limbeck::train {
namespace {

using Direction = std::vector<at::Tensor>;  // a tensor for each parameter

// The weights of a model, to move and to put back.
class Place {
 public:
  explicit Place(const Trainable& model) : model_(model) {
    for (const auto& p : model.parameters)
      if (p.tensor->requires_grad()) parameters_.push_back(*p.tensor), before_.push_back(p.tensor->detach().clone());
  }
  ~Place() { back(); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  void move(const Direction& direction, double length) {  // from where they were
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].copy_(before_[i]).add_(direction[i], length);
    changed();
  }
  void back() {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < parameters_.size(); ++i) parameters_[i].copy_(before_[i]);
    changed();
  }
  const Direction& before() const { return before_; }
  // The gradients there; cleared.
  Direction take_gradients() {
    Direction gradients;
    for (at::Tensor& p : parameters_) {
      gradients.push_back(p.grad().defined() ? p.grad() : at::zeros_like(p.detach()));
      p.mutable_grad() = at::Tensor();
    }
    return gradients;
  }

 private:
  void changed() const {
    if (model_.weights_changed) model_.weights_changed();
  }
  const Trainable& model_;
  std::vector<at::Tensor> parameters_;
  Direction before_;
};

// Normal numbers in the shape of a tensor. LibTorch's generator: a direction has as many numbers as the model, many
// times.
at::Tensor normal_like(const at::Tensor& tensor, Seed seed) {
  return at::empty(tensor.sizes(), at::kFloat)
      .normal_(0, 1, at::detail::createCPUGenerator(seed.value()))
      .to(tensor.scalar_type());
}

Direction normal_direction(const Direction& like, Seed seed) {
  Direction direction;
  for (std::size_t i = 0; i < like.size(); ++i) direction.push_back(normal_like(like[i], seed.derive(i)));
  return direction;
}

// As long as the weights, filter by filter.
void scale_by_filters(Direction& direction, const Direction& weights) {
  for (std::size_t i = 0; i < direction.size(); ++i) {
    const at::Tensor noise = direction[i].dim() < 2 ? direction[i].view({1, -1}) : direction[i].flatten(1);
    const at::Tensor filters = weights[i].view(noise.sizes());
    noise.mul_(filters.norm(2, {1}, true) / noise.norm(2, {1}, true).clamp_min(1e-30));
  }
}

double product_of(const Direction& a, const Direction& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i].to(at::kDouble) * b[i]).sum().item<double>();
  return sum;
}

void make_unit(Direction& direction) {
  const double length = std::sqrt(product_of(direction, direction));
  for (at::Tensor& part : direction) part.div_(length > 0 ? length : 1);
}

}  // namespace

std::vector<double> loss_under_noise(const Trainable& model, const LossHere& loss, const NoiseOptions& options,
                                     Seed seed) {
  Place place(model);
  const double here = loss();
  std::vector<double> increases(options.radii.size(), 0);
  for (int64_t draw = 0; draw < options.draws; ++draw) {
    Direction noise = normal_direction(place.before(), seed.derive(static_cast<uint64_t>(draw)));
    scale_by_filters(noise, place.before());
    for (std::size_t r = 0; r < increases.size(); ++r) {
      place.move(noise, options.radii[r]);
      increases[r] += (loss() - here) / static_cast<double>(options.draws);
    }
  }
  return increases;
}

std::vector<double> loss_along_line(const Trainable& model, const std::vector<at::Tensor>& others,
                                    const std::vector<double>& ts, const LossHere& loss) {
  Place place(model);
  if (others.size() != place.before().size())
    fail("loss_along_line", "expected a tensor for each of {} parameters but received {}", place.before().size(),
         others.size());
  Direction direction;
  for (std::size_t i = 0; i < others.size(); ++i) direction.push_back(others[i].detach() - place.before()[i]);
  std::vector<double> losses;
  for (const double t : ts) {
    place.move(direction, t);
    losses.push_back(loss());
  }
  return losses;
}

double largest_curvature(const Trainable& model, const GradientHere& gradient, const CurvatureOptions& options,
                         Seed seed) {
  Place place(model);
  Direction v = normal_direction(place.before(), seed);
  make_unit(v);
  double eigenvalue = 0;
  for (int64_t i = 0; i < options.iterations; ++i) {
    place.move(v, options.step);
    gradient();
    Direction product = place.take_gradients();
    place.move(v, -options.step);
    gradient();
    const Direction below = place.take_gradients();
    for (std::size_t p = 0; p < product.size(); ++p) product[p] = (product[p] - below[p]) / (2 * options.step);
    eigenvalue = product_of(v, product);
    make_unit(product);
    v = std::move(product);
  }
  return eigenvalue;
}

}  // namespace limbeck::train
