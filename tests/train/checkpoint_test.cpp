#include "train/checkpoint.h"

#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>

#include "base/files.h"
#include "base/message_of.h"
#include "base/temporary_folder.h"
#include "train/tiny_model.h"

namespace limbeck::train {
namespace {

namespace fs = std::filesystem;

// A model, its optimiser and its checkpoints, as a process would have them.
struct Process {
  explicit Process(const Run& run, const std::string& identity = "same", int64_t keep = 1)
      : optimiser(model.trainable().parameters, {}),
        checkpoints(run, model.trainable().parameters, optimiser, identity, keep) {}
  void work() {  // one step with made-up gradients
    for (const auto& p : model.trainable().parameters) p.tensor->mutable_grad() = at::ones_like(p.tensor->detach());
    optimiser.step(0.1, 1);
  }
  TinyModel model;
  Adamw optimiser;
  Checkpoints checkpoints;
};

class CheckpointsTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  limbeck::Run run_ = open_run(folder_ / "run");
};

TEST_F(CheckpointsTest, BringBackParametersMomentsAndState) {
  Process first(run_);
  first.work();
  first.checkpoints.save({.step = 7, .evaluated_step = 6, .last_loss = 0.1, .skipped_steps = 2});
  first.work();

  Process second(run_);
  const State state = second.checkpoints.restore();
  EXPECT_EQ(state.step, 7);
  EXPECT_EQ(state.evaluated_step, 6);
  EXPECT_EQ(state.last_loss, 0.1);
  EXPECT_EQ(state.skipped_steps, 2);
  EXPECT_EQ(second.optimiser.num_steps(), 1);
  second.work();
  EXPECT_TRUE(same_bytes(second.model.weights(), first.model.weights()));
}

TEST_F(CheckpointsTest, StartAfreshWhereThereIsNone) {
  Process process(run_);
  EXPECT_EQ(process.checkpoints.restore().step, 0);
}

TEST_F(CheckpointsTest, RemoveWhatAKilledProcessLeft) {
  Process process(run_);
  process.checkpoints.save({.step = 3});
  process.checkpoints.save_best(5);  // killed before the checkpoint that names it
  fs::create_directories(run_.path("checkpoint-4.tmp-999999999"));
  Process next(run_);
  EXPECT_EQ(next.checkpoints.restore().step, 3);
  EXPECT_FALSE(fs::exists(run_.path("best-5")));
  EXPECT_FALSE(fs::exists(run_.path("checkpoint-4.tmp-999999999")));
}

// The names to which things are renamed inside a folder from now on.
class Renamed {
 public:
  explicit Renamed(const fs::path& folder) : watch_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    inotify_add_watch(watch_, folder.c_str(), IN_MOVED_TO);
  }
  ~Renamed() { ::close(watch_); }
  std::vector<std::string> names() const {
    alignas(inotify_event) std::array<char, 65536> events;
    const ssize_t size = ::read(watch_, events.data(), events.size());
    std::vector<std::string> names;
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(events.data() + at);
      names.emplace_back(event->name);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
    return names;
  }

 private:
  int watch_;
};

TEST_F(CheckpointsTest, RemoveWhatAKillLeavesInTheMiddleOfARemoval) {
  Process process(run_);
  process.checkpoints.save({.step = 1});
  const Renamed renamed(run_.folder());
  process.checkpoints.save({.step = 2});
  int num_leaving = 0;
  for (const std::string& name : renamed.names()) {
    if (!name.starts_with("checkpoint-1")) continue;
    ++num_leaving;
    fs::create_directories(run_.path(name) / "half");  // as a kill would leave it
    Process next(run_);
    EXPECT_EQ(next.checkpoints.restore().step, 2);
    EXPECT_FALSE(fs::exists(run_.path(name))) << name;
  }
  EXPECT_EQ(num_leaving, 1);
}

TEST_F(CheckpointsTest, EndWithTheBestWeightsWhenAsked) {
  Process process(run_);
  process.work();
  process.checkpoints.save_best(1);
  std::vector<at::Tensor> best;
  for (const auto& w : process.model.weights()) best.push_back(w.clone());
  process.work();
  State state{.step = 2, .best_step = 1};
  process.checkpoints.save(state);
  process.work();
  process.checkpoints.finish(state, /*restore_best=*/true);
  EXPECT_TRUE(same_bytes(process.model.weights(), best));
  Process next(run_);
  EXPECT_TRUE(next.checkpoints.restore().finished);
  EXPECT_TRUE(same_bytes(next.model.weights(), best));
  EXPECT_FALSE(fs::exists(run_.path("best-1")));
}

TEST_F(CheckpointsTest, RefuseThoseOfAnotherRun) {
  Process(run_, "this").checkpoints.save({.step = 1});
  Process other(run_, "that");
  EXPECT_NE(message_of<UserError>([&] { other.checkpoints.restore(); }).find("checkpoint-1"), std::string::npos);
}

TEST_F(CheckpointsTest, NameTheFileThatIsDamaged) {
  Process(run_).checkpoints.save({.step = 1});
  const std::string bytes = read_file(run_.path("checkpoint-1") / "moments.safetensors");
  write_file_atomically(run_.path("checkpoint-1") / "moments.safetensors", bytes.substr(0, bytes.size() / 2));
  Process next(run_);
  EXPECT_NE(message_of([&] { next.checkpoints.restore(); }).find("moments.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace limbeck::train
