#include "recipes/adversarial_distil.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include "base/message_of.h"
#include "recipes/tiny_task.h"

namespace limbeck::recipes {
namespace {

at::Tensor numbers(int64_t rows, int64_t columns, double phase) {
  return (at::arange(rows * columns, at::kDouble) + phase).sin().reshape({rows, columns}) * 2;
}

TEST(MutualDivergence, IsTheDivergenceFromTheTeacherToTheStudent) {
  const at::Tensor s = numbers(3, 4, 0), t = numbers(3, 4, 1);
  const auto term = mutual_divergence(s, t, {.temperature = 2});
  double expected = 0;
  for (int64_t b = 0; b < 3; ++b) {
    double zs = 0, zt = 0;
    for (int64_t c = 0; c < 4; ++c)
      zs += std::exp(s[b][c].item<double>() / 2), zt += std::exp(t[b][c].item<double>() / 2);
    for (int64_t c = 0; c < 4; ++c) {
      const double p = std::exp(t[b][c].item<double>() / 2) / zt, q = std::exp(s[b][c].item<double>() / 2) / zs;
      expected += 4 * p * std::log(p / q);
    }
  }
  EXPECT_NEAR(term.sum.item<double>(), expected, 1e-12);
  EXPECT_EQ(term.count, 3);
  const auto plain = mutual_divergence(s, t, {.temperature = 2, .temperature_squared = false});
  EXPECT_NEAR(plain.sum.item<double>(), expected / 4, 1e-12);
  const auto squared = mutual_divergence(s, t, {.loss = SoftLoss::kMse});
  EXPECT_NEAR(squared.sum.item<double>(), (s - t).square().sum().item<double>() / 4, 1e-12);
}

TEST(MutualDivergence, HasGradientsOfBothSides) {
  for (const SoftLoss loss : {SoftLoss::kForwardKl, SoftLoss::kMse}) {
    const at::Tensor s = numbers(2, 3, 0).requires_grad_(true), t = numbers(2, 3, 1).requires_grad_(true);
    const TaskDistilOptions kd{.loss = loss, .temperature = 1.5};
    mutual_divergence(s, t, kd).sum.backward();
    for (const bool of_teacher : {false, true})
      for (int64_t i = 0; i < 6; ++i) {
        const auto at_distance = [&](double distance) {
          at::Tensor moved = (of_teacher ? t : s).detach().clone();
          moved.view({-1})[i] += distance;
          return (of_teacher ? mutual_divergence(s.detach(), moved, kd) : mutual_divergence(moved, t.detach(), kd))
              .sum.item<double>();
        };
        EXPECT_NEAR((of_teacher ? t : s).grad().view({-1})[i].item<double>(),
                    (at_distance(1e-6) - at_distance(-1e-6)) / 2e-6, 1e-7);
      }
  }
}

class AdversaryTest : public TinyTask {
 protected:
  AdversaryTest()
      : task_(open(film_data())),
        student_(models::make_encoder(tiny_encoder_config(), head_of(task_.data), Seed(1))),
        teacher_(models::make_encoder(tiny_encoder_config(), head_of(task_.data), Seed(2))),
        taught_(taught_logits(*teacher_, task_, {})),
        own_(*student_, task_, Seed(5)) {
    models::save_encoder(folder_ / "generator", *encoder({.kind = models::HeadKind::kMaskedLm}),
                         *word_piece_tokenizer());
    mate_.generator = (folder_ / "generator").string();
    mate_.generator_steps = 2, mate_.student_steps = 3, mate_.learning_rate = 1e-3;
  }
  AdversarialParts parts() {
    return {.task = task_,
            .taught = taught_,
            .teacher = teacher_,
            .tokenizer = word_piece_tokenizer(),
            .kd = {.temperature = 2},
            .mate = mate_,
            .train = {.batch_size = 16, .weight_decay = 0.01},
            .precision = Precision::kFp32};
  }
  data::Batch batch(const std::vector<int64_t>& rows) const {
    std::vector<data::Example> examples;
    for (const int64_t row : rows) examples.push_back(task_.train.examples[static_cast<std::size_t>(row)]);
    return data::collate(examples);
  }
  static std::vector<at::Tensor> weights_of(models::Encoder& encoder) {
    std::vector<at::Tensor> weights;
    for (const auto& p : trainable(encoder).parameters) weights.push_back(p.tensor->detach().clone());
    return weights;
  }
  static bool same(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
    for (std::size_t i = 0; i < a.size(); ++i)
      if (!a[i].equal(b[i])) return false;
    return a.size() == b.size();
  }

  OpenTask task_;
  std::shared_ptr<models::Encoder> student_, teacher_;
  std::vector<at::Tensor> taught_;
  TaskHooks own_;
  MateOptions mate_;
};

// The whole way back, by another one: the divergence as a function of the two models' embeddings, differentiated there
// (and that by finite differences), then through both tables, the softmax and the noise by hand in fp64.
TEST_F(AdversaryTest, SendsTheGradientOfTheDivergenceIntoTheGenerator) {
  const limbeck::Run in = run();
  Adversary adversary(parts(), *student_, own_, in);
  models::Encoder& generator = adversary.generator();
  const data::Batch rows = batch({7, 2, 11});
  adversary.divergence(rows, 4).sum.backward();
  const at::Tensor found = generator.output_bias().grad().to(at::kDouble);

  const Seed seed = in.seed().derive("generator").derive("generator").derive(4);
  TextGenerator writer(load_generator(mate_, *word_piece_tokenizer(), student_->config()), *word_piece_tokenizer(), 0.3,
                       1);
  const WrittenText text = writer.write(rows, task_.train.examples, seed);
  data::Batch written = rows;
  written.ids = text.ids;
  const auto embedded = [&](models::Encoder& model) {
    return model.word_embeddings().detach().index_select(0, text.ids);
  };
  const auto divergence = [&](const at::Tensor& of_student, const at::Tensor& of_teacher) {
    const at::Tensor s = task_pass(*student_, written,
                                   {.dropout_salt = seed.derive("student").value(), .embeddings = of_student})
                             .logits.to(at::kDouble),
                     t = task_pass(*teacher_, written, {.embeddings = of_teacher}).logits.to(at::kDouble);
    const at::Tensor p = at::softmax(t / 2, 1);
    return 4 * (p * (at::log_softmax(t / 2, 1) - at::log_softmax(s / 2, 1))).sum();
  };
  const at::Tensor of_student = embedded(*student_).requires_grad_(true),
                   of_teacher = embedded(*teacher_).requires_grad_(true);
  divergence(of_student, of_teacher).backward();

  const at::Tensor towards = (at::arange(of_student.numel(), at::kFloat) * 0.7).sin().reshape(of_student.sizes());
  const auto moved = [&](double by) {
    const at::NoGradGuard no_grad;
    return divergence(of_student + by * towards, of_teacher + by * towards).item<double>();
  };
  const double slope = ((of_student.grad() + of_teacher.grad()) * towards).sum().item<double>();
  EXPECT_NEAR((moved(3e-3) - moved(-3e-3)) / 6e-3, slope, 0.02 * std::abs(slope));

  const auto at_hidden = [&](const at::Tensor& gradient) {
    return gradient.index_select(0, text.rows).to(at::kDouble);
  };
  const at::Tensor into_soft =
      at_hidden(of_student.grad()).matmul(student_->word_embeddings().detach().to(at::kDouble).t()) +
      at_hidden(of_teacher.grad()).matmul(teacher_->word_embeddings().detach().to(at::kDouble).t());
  const at::Tensor soft = text.soft.detach().to(at::kDouble);
  const at::Tensor expected = (soft * (into_soft - (soft * into_soft).sum(1, true))).sum(0);
  EXPECT_GT(expected.abs().max().item<double>(), 1e-4);
  EXPECT_LT((found - expected).abs().max().item<double>(), 1e-4 * expected.abs().max().item<double>() + 1e-8);
}

TEST_F(AdversaryTest, StepsOfTheGeneratorRaiseTheDivergenceAndTouchNothingElse) {
  const limbeck::Run in = run();
  mate_.generator_steps = 30, mate_.learning_rate = 1e-2;
  Adversary adversary(parts(), *student_, own_, in);
  const data::Batch rows = batch({0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  const auto divergence = [&] {
    const at::NoGradGuard no_grad;
    double sum = 0;
    for (int64_t step = 1000; step < 1020; ++step) sum += adversary.divergence(rows, step).sum.item<double>();
    return sum;
  };
  const auto of_student = weights_of(*student_), of_teacher = weights_of(*teacher_),
             of_generator = weights_of(adversary.generator());
  const double before = divergence();
  adversary.before_step(0);
  EXPECT_GT(divergence(), 1.1 * before);
  EXPECT_TRUE(same(weights_of(*student_), of_student));
  EXPECT_TRUE(same(weights_of(*teacher_), of_teacher));
  EXPECT_FALSE(same(weights_of(adversary.generator()), of_generator));
  for (const auto& p : trainable(*student_).parameters) {
    EXPECT_TRUE(p.tensor->requires_grad()) << p.name;
    EXPECT_FALSE(p.tensor->grad().defined()) << p.name;
  }
  for (const auto& p : trainable(*teacher_).parameters) EXPECT_FALSE(p.tensor->grad().defined()) << p.name;
}

TEST_F(AdversaryTest, LearnsBeforeEveryFewStepsOfTheStudent) {
  const limbeck::Run in = run();
  Adversary adversary(parts(), *student_, own_, in);
  const auto taken = [&] { return adversary.state().front().second[0].item<int64_t>(); };
  std::vector<int64_t> counts;
  for (int64_t step = 0; step < 7; ++step) adversary.before_step(step), counts.push_back(taken());
  EXPECT_EQ(counts, (std::vector<int64_t>{2, 2, 2, 4, 4, 4, 6}));
  EXPECT_EQ(own_.step(), 6);
  adversary.before_step(6);  // as a run does that was stopped within the step
  EXPECT_EQ(taken(), 6);
}

TEST_F(AdversaryTest, GoesOnFromItsStateToTheSameWeights) {
  const limbeck::Run in = run();
  Adversary first(parts(), *student_, own_, in);
  first.before_step(0);
  Adversary second(parts(), *student_, own_, in);
  const auto from = first.state(), to = second.state();
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    EXPECT_EQ(from[i].first, to[i].first);
    const at::NoGradGuard no_grad;
    at::Tensor tensor = to[i].second;
    tensor.copy_(from[i].second);
  }
  first.before_step(3), second.before_step(3);
  EXPECT_TRUE(same(weights_of(first.generator()), weights_of(second.generator())));
}

TEST_F(AdversaryTest, TheStudentLearnsLabelsAndTheTeacherOnRealAndWrittenTexts) {
  const limbeck::Run in = run();
  Adversary adversary(parts(), *student_, own_, in);
  own_.before_step(4);
  const data::Batch rows = batch({7, 2, 11});
  const auto loss = adversary.loss(rows);
  ASSERT_EQ(loss.terms.size(), 3u);
  for (const auto& term : loss.terms) {
    EXPECT_DOUBLE_EQ(term.weight, 1.0 / 3);
    EXPECT_EQ(term.count, 3);
  }
  TextGenerator writer(load_generator(mate_, *word_piece_tokenizer(), student_->config()), *word_piece_tokenizer(), 0.3,
                       1);
  data::Batch written = rows;
  written.ids = writer.write(rows, task_.train.examples, in.seed().derive("generator").derive("student").derive(4)).ids;
  EXPECT_FALSE(written.ids.equal(rows.ids));
  const auto kd = [&](const data::Batch& of) {
    const at::Tensor s = task_pass(*student_, of, {.dropout_salt = own_.salt()}).logits.detach().to(at::kDouble) / 2,
                     t = task_pass(*teacher_, of).logits.detach().to(at::kDouble) / 2;
    return 4 * (at::softmax(t, 1) * (at::log_softmax(t, 1) - at::log_softmax(s, 1))).sum().item<double>();
  };
  const at::Tensor z = task_pass(*student_, rows, {.dropout_salt = own_.salt()}).logits.detach().to(at::kDouble);
  double cross_entropy = 0;
  for (int64_t i = 0; i < 3; ++i)
    cross_entropy -=
        at::log_softmax(z[i],
                        0)[task_.train.classes[static_cast<std::size_t>(rows.indices[static_cast<std::size_t>(i)])]]
            .item<double>();
  EXPECT_NEAR(loss.terms[0].sum.item<double>(), cross_entropy, 1e-5);
  EXPECT_NEAR(loss.terms[1].sum.item<double>(), kd(rows), 1e-5);
  EXPECT_NEAR(loss.terms[2].sum.item<double>(), kd(written), 1e-5);
  EXPECT_TRUE(loss.terms[2].sum.requires_grad());
}

TEST_F(AdversaryTest, HasTheSameLossHoweverTheBatchIsCut) {
  const limbeck::Run in = run();
  Adversary adversary(parts(), *student_, own_, in);
  own_.before_step(1);
  const auto whole = adversary.loss(batch({7, 2, 11})), first = adversary.loss(batch({7})),
             rest = adversary.loss(batch({11, 2}));
  for (std::size_t i = 0; i < 3; ++i)
    EXPECT_NEAR(whole.terms[i].sum.item<double>(), first.terms[i].sum.item<double>() + rest.terms[i].sum.item<double>(),
                1e-5)
        << whole.terms[i].name;
}

TEST_F(AdversaryTest, ReadsATeacherWhoseLabelsStandInAnotherOrder) {
  const limbeck::Run in = run();
  Adversary plain(parts(), *student_, own_, in);
  const auto expected = plain.loss(batch({3, 4}));
  models::Head turned = head_of(task_.data);
  std::swap(turned.labels[0], turned.labels[1]);
  const auto other = models::with_head(*teacher_, turned, Seed(8));
  {
    const at::NoGradGuard no_grad;
    const auto from = trainable_head(*teacher_).parameters, to = trainable_head(*other).parameters;
    for (std::size_t i = 0; i < from.size(); ++i)
      to[i].tensor->copy_(from[i].tensor->size(0) == 2 ? from[i].tensor->flip({0}) : *from[i].tensor);
  }
  teacher_ = other;
  Adversary again(parts(), *student_, own_, in);
  const auto found = again.loss(batch({3, 4}));
  EXPECT_NEAR(found.terms[2].sum.item<double>(), expected.terms[2].sum.item<double>(), 1e-5);
}

TEST_F(AdversaryTest, RefusesGeneratorsWithoutAHeadOrOfAnotherVocabulary) {
  const auto message = [&] {
    return message_of<UserError>([&] { load_generator(mate_, *word_piece_tokenizer(), student_->config()); });
  };
  models::save_encoder(folder_ / "body", *encoder({}), *word_piece_tokenizer());
  mate_.generator = (folder_ / "body").string();
  EXPECT_NE(message().find("mate.generator"), std::string::npos) << message();
  EXPECT_NE(message().find("head for masked language modelling"), std::string::npos) << message();

  text::TokenizerSpec spec = word_piece_tokenizer()->spec();
  std::swap(spec.tokens[5], spec.tokens[6]);  // good and bad
  const auto other = text::Tokenizer::from_spec(spec);
  models::save_encoder(folder_ / "other", *encoder({.kind = models::HeadKind::kMaskedLm}), *other);
  mate_.generator = (folder_ / "other").string();
  EXPECT_NE(message().find("token 5"), std::string::npos) << message();

  models::EncoderConfig config = student_->config();
  config.vocab_size += 8;
  models::save_encoder(folder_ / "larger",
                       *models::make_encoder(config, {.kind = models::HeadKind::kMaskedLm}, Seed(1)),
                       *word_piece_tokenizer());
  mate_.generator = (folder_ / "larger").string();
  EXPECT_NE(message().find("mate.generator"), std::string::npos) << message();
  EXPECT_NE(message().find("tokens but received one of"), std::string::npos) << message();
  mate_.generator = (folder_ / "nowhere").string();
  EXPECT_NE(message().find("mate.generator"), std::string::npos) << message();
}

}  // namespace
}  // namespace limbeck::recipes
