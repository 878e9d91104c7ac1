#include "serve/mailbox.h"

#include <chrono>
#include <utility>

#include "base/errors.h"

namespace limbeck::serve {
namespace {

class MailboxTicket final : public Ticket {
 public:
  explicit MailboxTicket(std::shared_ptr<Mailbox> mailbox) : mailbox_(std::move(mailbox)) {}
  ~MailboxTicket() override { mailbox_->give_up(); }
  std::vector<Piece> take(double seconds) override { return mailbox_->take(seconds); }

 private:
  std::shared_ptr<Mailbox> mailbox_;
};

}  // namespace

void Mailbox::put(Piece piece) {
  const std::lock_guard lock(mutex_);
  pieces_.push_back(std::move(piece));
  changed_.notify_one();
}

void Mailbox::fail(const std::string& why) {
  const std::lock_guard lock(mutex_);
  failure_ = why;
  changed_.notify_one();
}

std::vector<Piece> Mailbox::take(double seconds) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, std::chrono::duration<double>(seconds),
                    [&] { return !pieces_.empty() || !failure_.empty(); });
  if (pieces_.empty() && !failure_.empty()) throw Error(failure_);
  return std::exchange(pieces_, {});
}

std::unique_ptr<Ticket> ticket_of(std::shared_ptr<Mailbox> mailbox) {
  return std::make_unique<MailboxTicket>(std::move(mailbox));
}

}  // namespace limbeck::serve
