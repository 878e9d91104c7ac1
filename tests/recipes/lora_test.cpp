// Golden numbers: tests/golden/peft, made by tests/golden/scripts/make_peft_golden.py with the peft package.
#include "recipes/lora.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/grad_mode.h>

#include <cstdlib>
#include <fstream>
#include <numeric>

#include "base/message_of.h"
#include "base/progress.h"
#include "base/temporary_folder.h"
#include "generate/tiny_model.h"
#include "models/golden_parity.h"
#include "peft/adapter_folder.h"
#include "recipes/sft.h"
#include "recipes/step_gradient.h"

namespace limbeck::recipes {
namespace {

std::vector<nn::NamedLinear> linears_in(models::LanguageModel& model) {
  nn::Parameters p;
  model.parameters(p);
  return p.linears();
}

const std::vector<std::string> kArchitectures = {"llama", "gpt2", "gpt_neox"};

Json golden_adapter(const std::string& name) {
  return read_json(golden("peft/" + name + "/golden.json"));
}

TEST(Lora, AnAdapterOfPeftGivesThePeftPackagesLogitsBeforeAndAfterMerging) {
  at::NoGradGuard no_grad;
  for (const std::string& name : kArchitectures) {
    SCOPED_TRACE(name);
    const Json row = golden_adapter(name);
    auto model = models::golden_model(row);
    const at::Tensor ids = models::golden_ids(row), expected = models::golden_logits(row);
    EXPECT_GT(models::largest_difference(models::logits_of_document(*model, ids), expected), 0.05);
    peft::Lora lora = peft::load_adapter(golden("peft/" + name), linears_in(*model));
    EXPECT_LT(models::largest_difference(models::logits_of_document(*model, ids), expected), 1e-4);
    lora.merge();
    EXPECT_LT(models::largest_difference(models::logits_of_document(*model, ids), expected), 1e-4);
    model->freeze(Precision::kFp32);
    EXPECT_LT(models::largest_difference(models::logits_of_document(*model, ids), expected), 1e-4);
  }
}

TEST(Lora, AnAdapterOfPeftIsTheSameTensorsAfterSaving) {
  for (const std::string& name : kArchitectures) {
    auto model = models::golden_model(golden_adapter(name)), other = models::golden_model(golden_adapter(name));
    peft::Lora lora = peft::load_adapter(golden("peft/" + name), linears_in(*model));
    const TemporaryFolder folder;
    peft::save_adapter(folder / "a", lora, "base");
    peft::Lora again = peft::load_adapter(folder / "a", linears_in(*other));
    const auto before = lora.parameters(), after = again.parameters();
    ASSERT_EQ(before.size(), after.size());
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(at::equal(*before[i].tensor, *after[i].tensor)) << name << " " << before[i].name;
  }
}

models::Pretrained small_source(const Json& config) {
  models::Pretrained source{.model = models::make_decoder(models::read_config(config, "config")),
                            .tokenizer = generate::byte_tokenizer(),
                            .eos_ids = {258}};
  models::fill_by_formula(*source.model);
  return source;
}

Json with_room(Json config) {
  config["vocab_size"] = 262;
  config["eos_token_id"] = 258;
  return config;
}

TEST(LoraTraining, TrainsTheBranchesAloneAndItsFolderIsTheTrainedModel) {
  Progress::be_quiet(true);
  for (const std::string& name : kArchitectures) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    const auto source = small_source(with_room(golden_adapter(name).at("config")));
    models::save_pretrained(folder / "base", *source.model, *source.tokenizer);
    std::vector<at::Tensor> before;
    for (const auto& p : models::parameters_of(*source.model)) before.push_back(p.tensor->detach().clone());
    const auto examples = texts(6, 12);
    LoraTraining lora(*source.model, {.rank = 4, .alpha = 8, .dropout = 0.1}, Seed(3));
    EXPECT_GT(lora.num_weights(), 0);
    const train::Step step = lora.step(sft_step(*source.model, Precision::kFp32));
    const double loss = mean_loss(step, examples, 4096);
    class Clock : public train::Hooks {
     public:
      explicit Clock(LoraTraining& lora) : lora_(lora) {}
      void before_step(int64_t step) override { lora_.before_step(step); }

     private:
      LoraTraining& lora_;
    } hooks(lora);
    train::fit(lora.trainable(), examples, step,
               {.epochs = 15, .batch_size = 3, .learning_rate = 1e-2, .warmup_steps = 2},
               Run::open(folder / "run", "sft", "", {}, Seed(1)), hooks);
    EXPECT_LT(mean_loss(step, examples, 4096), 0.9 * loss);
    lora.save(folder / "adapter", (folder / "base").string());
    std::size_t index = 0;
    for (const auto& p : models::parameters_of(*source.model))
      if (p.name.find("lora_") == std::string::npos) {
        EXPECT_TRUE(at::equal(*p.tensor, before[index++])) << p.name;
      }
    at::NoGradGuard no_grad;
    const at::Tensor ids = at::arange(97, 115, at::kLong), trained = models::logits_of_document(*source.model, ids);
    lora.merge();
    EXPECT_LT(models::largest_difference(models::logits_of_document(*source.model, ids), trained), 1e-4);
    for (const auto& p : models::parameters_of(*source.model)) EXPECT_TRUE(p.tensor->requires_grad()) << p.name;
    const models::Pretrained adapted = models::load_pretrained(folder / "adapter");
    EXPECT_LT(models::largest_difference(models::logits_of_document(*adapted.model, ids), trained), 1e-4);
    EXPECT_EQ(adapted.tokenizer->encode("ab"), source.tokenizer->encode("ab"));
    EXPECT_EQ(models::load_tokenizer(folder / "adapter")->vocab_size(), source.tokenizer->vocab_size());
  }
}

TEST(LoraTraining, DropoutDependsOnStepTextAndPlaceAndNotOnTheBatch) {
  const auto source = small_source(with_room(golden_adapter("llama").at("config")));
  LoraTraining lora(*source.model, {.rank = 2, .dropout = 0.4}, Seed(3));
  {
    at::NoGradGuard no_grad;
    at::manual_seed(2);
    for (const auto& p : lora.trainable().parameters) p.tensor->normal_(0, 0.2);
  }
  const auto examples = texts(7);
  const train::Step step = lora.step(sft_step(*source.model, Precision::kFp32));
  const auto gradient = [&](int64_t tokens) {
    Gradient g;
    for (const auto& p : lora.trainable().parameters) p.tensor->mutable_grad() = at::Tensor();
    std::vector<int64_t> all(examples.size());
    std::iota(all.begin(), all.end(), 0);
    g.loss = train::accumulate_gradients(examples, all, tokens, step).loss;
    for (const auto& p : lora.trainable().parameters) g.tensors.push_back(p.tensor->grad().clone());
    return g;
  };
  const Gradient packed = gradient(100000);
  expect_same(gradient(1), packed, 1e-5, "text by text");
  lora.before_step(8);
  const Gradient later = gradient(100000);
  EXPECT_GT(std::abs(later.loss - packed.loss), 1e-4) << "another step drops other numbers";
}

TEST(LoadPretrained, AnAdapterWithoutItsBaseIsTheUsersMistake) {
  const TemporaryFolder folder;
  auto model = models::golden_model(golden_adapter("llama"));
  peft::Lora lora = peft::load_adapter(golden("peft/llama"), linears_in(*model));
  for (const std::string& base : {std::string(), std::string("/nowhere/at/all"), (folder / "a").string()}) {
    peft::save_adapter(folder / "a", lora, base);  // the last one is its own base
    EXPECT_NE(message_of<UserError>([&] { models::load_pretrained(folder / "a"); }).find("base_model_name_or_path"),
              std::string::npos);
  }
}

TEST(SlowLora, AnAdapterOfOursOpensInPeftWithTheSameLogits) {
  const char* named = std::getenv("LIMBECK_PEERS_PYTHON");
  const std::string python =
      named ? named : (smollm2_path().parent_path().parent_path().parent_path() / "peers" / "bin" / "python").string();
  if (std::system((python + " -c 'import peft' 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "no Python with peft; scripts/setup --peers installs one";
  for (const std::string& name : kArchitectures) {
    SCOPED_TRACE(name);
    const TemporaryFolder folder;
    const auto source = small_source(with_room(golden_adapter(name).at("config")));
    models::save_pretrained(folder / "base", *source.model, *source.tokenizer);
    LoraTraining lora(*source.model, {.rank = 3, .alpha = 7, .rank_stabilised = name == "gpt2"}, Seed(3));
    at::NoGradGuard no_grad;
    for (const auto& p : lora.trainable().parameters) p.tensor->normal_(0, 0.1);
    lora.save(folder / "adapter", (folder / "base").string());
    const std::vector<int64_t> ids = {3, 14, 15, 9, 26, 5, 35, 8, 9, 7, 9, 32, 38, 46};
    const at::Tensor logits = models::logits_of_document(*source.model, models::ids_tensor(ids)).contiguous();
    std::ofstream(folder / "logits", std::ios::binary)
        .write(static_cast<const char*>(logits.const_data_ptr()), static_cast<std::streamsize>(logits.nbytes()));
    std::string list;
    for (const int64_t id : ids) list += (list.empty() ? "" : ",") + std::to_string(id);
    const std::string command = python + " " + golden("scripts/check_saved_adapter.py").string() + " " +
                                (folder / "adapter").string() + " " + list + " " + (folder / "logits").string() +
                                " >&2";
    EXPECT_EQ(std::system(command.c_str()), 0);
  }
}

}  // namespace
}  // namespace limbeck::recipes
