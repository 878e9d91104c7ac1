#include "net/transfers.h"

#include <curl/curl.h>

#include <algorithm>
#include <array>
#include <cmath>  // std::ceil
#include <utility>

#include "base/errors.h"

namespace limbeck::net {

// One POST and what has come of it. Its address is libcurl's, so it does not move.
struct Transfer {
  Post post;
  Response response;
  std::string url;
  std::array<char, CURL_ERROR_SIZE> error{};
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(), curl_easy_cleanup};
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{nullptr, curl_slist_free_all};
  bool too_large = false, headers_ended = false;

  void add_header(const std::string& line) {
    curl_slist* longer = curl_slist_append(headers.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(headers.release());
    headers.reset(longer);
  }
};

namespace {

// libcurl's callbacks. A header block that a cut ends is whole to libcurl; ours ends with its empty line.
std::size_t receive_header(char* bytes, std::size_t size, std::size_t count, void* to) {
  const std::string_view line(bytes, size * count);
  static_cast<Transfer*>(to)->headers_ended = line == "\r\n" || line == "\n";
  return line.size();
}

// Anything but `size * count` ends the transfer.
std::size_t receive(char* bytes, std::size_t size, std::size_t count, void* to) {
  auto& transfer = *static_cast<Transfer*>(to);
  const std::size_t length = size * count;
  if (length > transfer.post.max_bytes - transfer.response.body.size()) {
    transfer.too_large = true;
    return 0;
  }
  try {
    transfer.response.body.append(bytes, length);
  } catch (const std::bad_alloc&) {  // an exception must not cross libcurl
    transfer.too_large = true;
    return 0;
  }
  return length;
}

template <class T>
void set(const Transfer& transfer, CURLoption option, T value) {
  if (const CURLcode code = curl_easy_setopt(transfer.easy.get(), option, value); code != CURLE_OK)
    fail("http", "libcurl refuses option {}: {}", static_cast<int>(option), curl_easy_strerror(code));
}

void prepare(Transfer& transfer) {
  const Post& post = transfer.post;
  if (!transfer.easy) throw std::bad_alloc();
  transfer.url = post.server.text + post.path;
  transfer.add_header("Content-Type: application/json");
  transfer.add_header("Accept: application/json");
  transfer.add_header("Expect:");  // no round trip before a long body
  if (!post.api_key.empty()) transfer.add_header("Authorization: Bearer " + post.api_key);
  set(transfer, CURLOPT_URL, transfer.url.c_str());
  set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
  set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
  set(transfer, CURLOPT_NOSIGNAL, 1L);
  set(transfer, CURLOPT_USERAGENT, "limbeck/" LIMBECK_VERSION);
  set(transfer, CURLOPT_HTTPHEADER, transfer.headers.get());
  set(transfer, CURLOPT_POSTFIELDS, post.body.data());
  set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
  set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::ceil(post.connect_timeout * 1000)));
  set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(std::ceil(post.timeout * 1000)));
  set(transfer, CURLOPT_TCP_KEEPALIVE, 1L);
  // A connection for each: on one that it kept and finds cut, libcurl sends the request again by itself, and whoever
  // counts what is spent would not know.
  set(transfer, CURLOPT_FRESH_CONNECT, 1L);
  set(transfer, CURLOPT_FORBID_REUSE, 1L);
  set(transfer, CURLOPT_HEADERFUNCTION, receive_header);
  set(transfer, CURLOPT_HEADERDATA, &transfer);
  set(transfer, CURLOPT_WRITEFUNCTION, receive);
  set(transfer, CURLOPT_WRITEDATA, &transfer);
  set(transfer, CURLOPT_ERRORBUFFER, transfer.error.data());
  set(transfer, CURLOPT_PRIVATE, &transfer);
  if (post.server.loopback) set(transfer, CURLOPT_PROXY, "");  // whatever the environment says
  if (!post.ca_file.empty()) set(transfer, CURLOPT_CAINFO, post.ca_file.c_str());
}

Response::Fault fault_of(const Transfer& transfer, CURLcode code) {
  using Fault = Response::Fault;
  if (transfer.too_large) return Fault::kTooLarge;
  switch (code) {
    case CURLE_OK:
      return transfer.headers_ended ? Fault::kNone : Fault::kCut;
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
      return Fault::kConnect;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
      return Fault::kTls;
    case CURLE_OPERATION_TIMEDOUT: {
      curl_off_t sent_after = 0;  // 0: the connection never stood
      curl_easy_getinfo(transfer.easy.get(), CURLINFO_PRETRANSFER_TIME_T, &sent_after);
      return sent_after == 0 ? Fault::kConnect : Fault::kTimeOut;
    }
    default:
      return Fault::kCut;
  }
}

void finish(Transfer& transfer, CURLcode code) {
  Response& response = transfer.response;
  response.tag = transfer.post.tag;
  response.fault = fault_of(transfer, code);
  long status = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
  curl_off_t wait = 0;
  curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &wait);
  response.retry_after = static_cast<double>(std::max<curl_off_t>(0, wait));
  if (transfer.too_large) {
    response.detail = fmt::format("the response has more than {} bytes", transfer.post.max_bytes);
  } else if (response.fault != Response::Fault::kNone) {
    response.detail = transfer.error[0] != 0 ? transfer.error.data()
                      : code != CURLE_OK     ? curl_easy_strerror(code)
                                             : "the response ended in its headers";
  }
}

}  // namespace

struct Transfers::State {
  std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{nullptr, curl_multi_cleanup};
  std::vector<std::unique_ptr<Transfer>> active;

  void drop(Transfer* transfer) {
    curl_multi_remove_handle(multi.get(), transfer->easy.get());
    std::erase_if(active, [&](const auto& one) { return one.get() == transfer; });
  }
};

Transfers::Transfers() : state_(std::make_unique<State>()) {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (ready != CURLE_OK) fail("http", "libcurl cannot begin: {}", curl_easy_strerror(ready));
  state_->multi.reset(curl_multi_init());
  if (!state_->multi) throw std::bad_alloc();
}

Transfers::~Transfers() {
  while (!state_->active.empty()) state_->drop(state_->active.back().get());
}

std::size_t Transfers::num_active() const {
  return state_->active.size();
}

void Transfers::start(Post post) {
  auto transfer = std::make_unique<Transfer>();
  transfer->post = std::move(post);
  prepare(*transfer);
  if (const CURLMcode code = curl_multi_add_handle(state_->multi.get(), transfer->easy.get()); code != CURLM_OK)
    fail("http", "libcurl cannot start a transfer: {}", curl_multi_strerror(code));
  state_->active.push_back(std::move(transfer));
}

std::vector<Response> Transfers::wait(double seconds) {
  CURLM* multi = state_->multi.get();
  std::vector<Response> ended;
  const auto collect = [&] {
    int running = 0;
    if (const CURLMcode code = curl_multi_perform(multi, &running); code != CURLM_OK)
      fail("http", "libcurl stopped: {}", curl_multi_strerror(code));
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      char* found = nullptr;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &found);
      auto* transfer = reinterpret_cast<Transfer*>(found);
      finish(*transfer, message->data.result);
      ended.push_back(std::move(transfer->response));
      state_->drop(transfer);
    }
  };
  collect();
  if (!ended.empty()) return ended;
  const int milliseconds = static_cast<int>(std::clamp(std::ceil(seconds * 1000), 0.0, 60'000.0));
  if (const CURLMcode code = curl_multi_poll(multi, nullptr, 0, milliseconds, nullptr); code != CURLM_OK)
    fail("http", "libcurl cannot wait: {}", curl_multi_strerror(code));
  collect();
  return ended;
}

}  // namespace limbeck::net
