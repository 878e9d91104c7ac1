#include "net/url.h"

#include <curl/curl.h>

#include <memory>

#include "base/errors.h"
#include "base/printable.h"

namespace limbeck::net {
namespace {

// A part of a parsed address, "" where it has none.
std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

}  // namespace

Url parse_url(const std::string& text, const std::string& where) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), curl_url_cleanup);
  const auto refuse = [&](std::string_view why) {
    // A password must not reach a log: what stands before an @ is not shown.
    const auto at = text.rfind('@');
    user_fail(where, "expected an address as http://127.0.0.1:8000/v1 but received '{}': {}",
              printable(at == std::string::npos ? text : "…" + text.substr(at)), why);
  };
  if (!text.starts_with("http://") && !text.starts_with("https://"))
    refuse("it begins with neither http:// nor https://");
  if (const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0); code != CURLUE_OK)
    refuse(curl_url_strerror(code));
  if (!part_of(url.get(), CURLUPART_USER).empty() || !part_of(url.get(), CURLUPART_PASSWORD).empty())
    refuse("a name or password in an address would be written down with it; name an environment variable with the key");
  if (!part_of(url.get(), CURLUPART_QUERY).empty() || !part_of(url.get(), CURLUPART_FRAGMENT).empty())
    refuse("it has a query or a fragment");
  Url result{.text = text, .host = part_of(url.get(), CURLUPART_HOST)};
  while (result.text.ends_with('/')) result.text.pop_back();
  result.tls = text.starts_with("https://");
  result.loopback = result.host == "localhost" || result.host == "[::1]" || result.host.starts_with("127.");
  // "127.evil.org" is a name, not an address.
  if (result.host.find_first_not_of("0123456789.") != std::string::npos && result.host.starts_with("127."))
    result.loopback = false;
  return result;
}

}  // namespace limbeck::net
