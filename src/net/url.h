// Addresses of servers as a user writes them: "http://127.0.0.1:8000/v1".
#pragma once

#include <string>

namespace limbeck::net {

struct Url {
  std::string text;  // without a "/" at the end
  std::string host;
  bool tls = false;       // https
  bool loopback = false;  // localhost, 127.0.0.0/8 or ::1: what is sent stays on this machine
};

// Throws UserError naming `where` for anything but http:// and https://, and for a user name, a password, a query or a
// fragment in the address.
Url parse_url(const std::string& text, const std::string& where);

}  // namespace limbeck::net
