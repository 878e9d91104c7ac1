#include "net/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/message_of.h"

namespace limbeck::net {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(ParseUrl, TakesTheAddressWithoutTheSlashAtItsEnd) {
  EXPECT_EQ(parse_url("http://127.0.0.1:8000/v1/", "x").text, "http://127.0.0.1:8000/v1");
  EXPECT_EQ(parse_url("https://api.example.org/v1", "x").host, "api.example.org");
  EXPECT_TRUE(parse_url("https://api.example.org/v1", "x").tls);
  EXPECT_FALSE(parse_url("http://api.example.org", "x").tls);
}

TEST(ParseUrl, KnowsWhatStaysOnThisMachine) {
  for (const char* text : {"http://localhost:1/v1", "http://127.0.0.1", "http://127.9.9.9:80", "http://[::1]:8000/v1"})
    EXPECT_TRUE(parse_url(text, "x").loopback) << text;
  for (const char* text :
       {"http://127.evil.example", "http://10.0.0.1", "http://localhost.example.org", "http://128.0.0.1"})
    EXPECT_FALSE(parse_url(text, "x").loopback) << text;
}

TEST(ParseUrl, RefusesWhatIsNoAddressNamingWhere) {
  for (const char* text : {"", "127.0.0.1:8000", "ftp://a/b", "file:///etc/passwd", "http://", "http://a:99999999/",
                           "http://a/?q=1", "http://a/#f", "http://a b/"})
    EXPECT_THAT(message_of<UserError>([&] { parse_url(text, "urls"); }), HasSubstr("[urls] expected an address"))
        << text;
}

TEST(ParseUrl, APasswordInTheAddressIsRefusedWithoutShowingIt) {
  const std::string said = message_of<UserError>([&] { parse_url("https://me:secret@a.example/v1", "urls"); });
  EXPECT_THAT(said, Not(HasSubstr("secret")));
  EXPECT_THAT(said, HasSubstr("environment variable"));
}

}  // namespace
}  // namespace limbeck::net
