#include "serve/mailbox.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/message_of.h"

namespace limbeck::serve {
namespace {

TEST(Mailbox, GivesWhatWasPutInItsOrder) {
  auto mailbox = std::make_shared<Mailbox>();
  const auto ticket = ticket_of(mailbox);
  EXPECT_TRUE(ticket->take(0).empty());
  mailbox->put({.choice = 1});
  mailbox->put({.choice = 0});
  const auto pieces = ticket->take(0);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[0].choice, 1);
  EXPECT_EQ(pieces[1].choice, 0);
  EXPECT_TRUE(ticket->take(0).empty());
}

TEST(Mailbox, AFailureComesAfterWhatWasPutBefore) {
  Mailbox mailbox;
  mailbox.put({.choice = 7});
  mailbox.fail("the model broke");
  EXPECT_EQ(mailbox.take(0).size(), 1U);
  EXPECT_EQ(message_of([&] { mailbox.take(0); }), "the model broke");
}

TEST(Mailbox, WhoWaitsWakesUpWhenSomethingComes) {
  Mailbox mailbox;
  std::thread engine([&] { mailbox.put({.choice = 3}); });
  const auto pieces = mailbox.take(60);
  engine.join();
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0].choice, 3);
}

TEST(Mailbox, KnowsWhenItsTicketIsGone) {
  auto mailbox = std::make_shared<Mailbox>();
  auto ticket = ticket_of(mailbox);
  EXPECT_FALSE(mailbox->is_given_up());
  ticket.reset();
  EXPECT_TRUE(mailbox->is_given_up());
}

}  // namespace
}  // namespace limbeck::serve
