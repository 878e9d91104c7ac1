// Where the engine leaves what is new of a request, and where the request takes it.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "serve/engine.h"

namespace limbeck::serve {

class Mailbox {
 public:
  void put(Piece piece);
  void fail(const std::string& why);  // what was put before is still taken
  // What has come, after at most `seconds`. Throws Error with the reason of fail() when nothing else is left.
  std::vector<Piece> take(double seconds);

  void give_up() { given_up_ = true; }  // nobody takes anything any more
  bool is_given_up() const { return given_up_; }

 private:
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Piece> pieces_;
  std::string failure_;
  std::atomic<bool> given_up_ = false;
};

std::unique_ptr<Ticket> ticket_of(std::shared_ptr<Mailbox> mailbox);

}  // namespace limbeck::serve
