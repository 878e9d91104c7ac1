#include "sandbox/protocol.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>

#include "base/json.h"  // accepts UTF-8 only
#include "base/seeds.h"

namespace limbeck::sandbox {
namespace {

std::string frame(const Reply& reply, uint32_t magic = kReplyMagic) {
  std::string bytes;
  const auto put = [&](const auto& value) { bytes.append(reinterpret_cast<const char*>(&value), sizeof value); };
  put(magic);
  put(static_cast<uint32_t>(reply.report.size()));
  put(reply.id);
  put(reply.status);
  put(reply.flags);
  put(reply.call);
  put(uint32_t{0});
  put(reply.seconds);
  put(reply.cpu_seconds);
  return bytes + reply.report;
}

std::string answer_report(char type, double value) {
  std::string report = {'A', type};
  return report.append(reinterpret_cast<const char*>(&value), sizeof value);
}

int exit_status(int code) {
  return code << 8;
}

Verdict verdict_for(const Reply& reply) {
  return verdict_of(reply, Limits{});
}

TEST(RequestFrame, IsTheHeaderAndTheSource) {
  const std::string bytes = request_frame(7, "x = 1");
  ASSERT_EQ(bytes.size(), 16U + 5U);
  uint32_t magic = 0, size = 0;
  uint64_t id = 0;
  std::memcpy(&magic, bytes.data(), 4);
  std::memcpy(&size, bytes.data() + 4, 4);
  std::memcpy(&id, bytes.data() + 8, 8);
  EXPECT_EQ(magic, kRequestMagic);
  EXPECT_EQ(size, 5U);
  EXPECT_EQ(id, 7U);
  EXPECT_EQ(bytes.substr(16), "x = 1");
}

TEST(ReplyReader, GivesRepliesHoweverTheBytesAreCut) {
  const std::string bytes = frame({.id = 1, .seconds = 0.5, .report = "N"}) + frame({.id = 2, .report = "Eoops"});
  for (std::size_t step = 1; step < 20; ++step) {
    ReplyReader reader;
    std::vector<Reply> replies;
    for (std::size_t i = 0; i < bytes.size(); i += step) {
      reader.feed(std::string_view(bytes).substr(i, step));
      while (auto reply = reader.next()) replies.push_back(*reply);
    }
    ASSERT_EQ(replies.size(), 2U) << "cut every " << step;
    EXPECT_EQ(replies[0].seconds, 0.5);
    EXPECT_EQ(replies[0].report, "N");
    EXPECT_EQ(replies[1].id, 2U);
    EXPECT_EQ(replies[1].report, "Eoops");
  }
}

TEST(ReplyReader, RefusesWhatCannotBeAReply) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::string broken[] = {
      frame({}, kReplyMagic + 1), frame({.flags = 16}),          frame({.seconds = -1}),
      frame({.seconds = nan}),    frame({.cpu_seconds = 1e300}), frame({.report = std::string(kMaxReport + 2, 'x')}),
      "HTTP/1.1 200 OK",
  };
  for (const auto& bytes : broken) {
    ReplyReader reader;
    reader.feed(bytes);
    EXPECT_THROW(reader.next(), ProtocolLoss)
        << Json(bytes.substr(0, 8)).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
}

TEST(VerdictOf, TakesTheKernelsWordBeforeTheProgramsOwn) {
  // The report claims an answer each time; how the program ended says otherwise.
  const std::string claim = answer_report('f', 42);
  EXPECT_EQ(verdict_for({.status = SIGSEGV, .report = claim}).outcome, Outcome::kKilled);
  EXPECT_EQ(verdict_for({.status = SIGSEGV, .report = claim}).detail, "SIGSEGV");
  EXPECT_EQ(verdict_for({.status = exit_status(3), .report = claim}).outcome, Outcome::kKilled);
  EXPECT_EQ(verdict_for({.status = SIGKILL, .flags = kTimedOutFlag, .report = claim}).outcome, Outcome::kTimeOut);
  EXPECT_EQ(verdict_for({.status = SIGKILL, .flags = kOutputFlag, .report = claim}).outcome, Outcome::kOutputLimit);
  EXPECT_EQ(verdict_for({.status = SIGKILL, .flags = kFilesFlag, .report = claim}).outcome, Outcome::kOutputLimit);
  EXPECT_EQ(verdict_for({.cpu_seconds = 1.5, .report = claim}).outcome, Outcome::kTimeOut);
  EXPECT_EQ(verdict_for({.status = SIGKILL, .cpu_seconds = 0.99, .report = claim}).outcome, Outcome::kTimeOut);
  const Verdict forbidden =
      verdict_for({.status = SIGKILL, .flags = kForbiddenFlag, .call = SYS_socket, .report = claim});
  EXPECT_EQ(forbidden.outcome, Outcome::kForbiddenCall);
  EXPECT_EQ(forbidden.detail, "socket");
}

TEST(VerdictOf, ReadsTheReportOfAProgramThatRanToItsEnd) {
  const Verdict number = verdict_for({.seconds = 0.25, .report = answer_report('i', -3)});
  EXPECT_EQ(number.outcome, Outcome::kPassed);
  EXPECT_EQ(number.type, AnswerType::kInt);
  EXPECT_EQ(number.answer, -3.0);
  EXPECT_EQ(number.seconds, 0.25);
  EXPECT_EQ(verdict_for({.report = "Ostr"}).type, AnswerType::kOther);
  EXPECT_EQ(verdict_for({.report = "N"}).type, AnswerType::kNone);
  EXPECT_EQ(verdict_for({.report = "M"}).outcome, Outcome::kMemory);
  EXPECT_EQ(verdict_for({.report = "EValueError: 3"}).detail, "ValueError: 3");
}

TEST(VerdictOf, CallsAProgramWithoutAReadableReportKilled) {
  for (const std::string& report :
       {std::string(), std::string("A"), answer_report('x', 1), answer_report('f', 1) + "f",
        answer_report('f', 1) + answer_report('f', 2), std::string("NN"), std::string(1025, 'A')}) {
    const Verdict verdict = verdict_for({.report = report});
    EXPECT_EQ(verdict.outcome, Outcome::kKilled);
    EXPECT_FALSE(verdict.answer);
    EXPECT_NE(verdict.detail, "");
  }
}

TEST(VerdictOf, ShowsTextOfAProgramOnlyAsShortPrintableUtf8) {
  EXPECT_EQ(verdict_for({.report = "EE: a\nb\x1b[31mc\x7f"}).detail, "E: a b [31mc ");
  EXPECT_EQ(verdict_for({.report = "EE: \xff\xc0\xaf \xed\xa0\x80"}).detail, "E: ??? ???");
  EXPECT_EQ(verdict_for({.report = "EE: h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80 \xc2\x9b"}).detail,
            "E: h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80  ");
  std::string euros = "E";
  for (int i = 0; i < 300; ++i) euros += "\xe2\x82\xac";
  EXPECT_EQ(verdict_for({.report = euros}).detail.size(), 198U);  // 66 whole signs of 3 bytes
}

// The supervisor's side is untrusted: whatever stands in the bytes ends in replies or in ProtocolLoss.
TEST(ReplyReader, SurvivesAnyBytes) {
  Random random(Seed(1));
  const std::string good = frame({.id = 3, .seconds = 0.1, .report = answer_report('f', 42)}) +
                           frame({.id = 4, .status = SIGSEGV, .flags = 1, .report = "EError: \xe2\x82\xac"});
  int losses = 0, replies = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string bytes = good;
    if (round % 4 == 0) {
      for (auto& byte : bytes) byte = static_cast<char>(random.below(256));
    } else {
      for (uint64_t i = 0, count = 1 + random.below(4); i < count; ++i)
        bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
      bytes.resize(random.below(bytes.size() + 1));
    }
    ReplyReader reader;
    try {
      for (std::size_t i = 0; i < bytes.size();) {
        const std::size_t count = 1 + random.below(64);
        reader.feed(std::string_view(bytes).substr(i, count));
        i += count;
        while (const auto reply = reader.next()) {
          ++replies;
          ASSERT_LE(reply->report.size(), kMaxReport + 1);
          const Verdict verdict = verdict_for(*reply);
          ASSERT_LE(verdict.detail.size(), 200U);
          ASSERT_NO_THROW(Json(verdict.detail).dump()) << "the detail is not UTF-8";
        }
      }
    } catch (const ProtocolLoss&) {
      ++losses;
    }
  }
  EXPECT_GT(losses, 10000);
  EXPECT_GT(replies, 10000);
}

}  // namespace
}  // namespace limbeck::sandbox
