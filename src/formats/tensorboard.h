// Curves for TensorBoard: scalars in an events file (TFRecord framing around Event messages of
// tensorflow/core/util/event.proto, encoded here by hand). Scalars only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace limbeck::formats {

class TensorBoardWriter {
 public:
  using Clock = std::function<double()>;  // seconds since 1970; none: the system's

  // Starts a new events file in `folder` (made if it is not there); earlier ones stay as they are, a torn last record
  // of a kill included, which readers skip. A run that goes on says at which step: TensorBoard then forgets what the
  // killed process had written from that step on.
  explicit TensorBoardWriter(const std::filesystem::path& folder, int64_t first_step = 0, Clock clock = {});
  ~TensorBoardWriter();
  TensorBoardWriter(TensorBoardWriter&& other) noexcept;
  TensorBoardWriter& operator=(TensorBoardWriter&&) = delete;

  // One record, written at once. Tags like "train/loss"; values are stored as 32-bit floats.
  void scalars(int64_t step, const std::vector<std::pair<std::string, double>>& tags_and_values);
  void scalar(int64_t step, const std::string& tag, double value) { scalars(step, {{tag, value}}); }

  const std::filesystem::path& path() const { return path_; }

 private:
  void write_record(const std::string& event);

  Clock clock_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

}  // namespace limbeck::formats
