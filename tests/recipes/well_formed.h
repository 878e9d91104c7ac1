// A strict reader of the HTML that Limbeck writes: every tag closed in order, every attribute quoted, nothing loaded or
// run.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace limbeck::recipes {

// What is wrong with a page, "" when nothing is.
inline std::string fault_of_html(std::string_view page) {
  static const std::set<std::string, std::less<>> kVoid = {"meta", "br", "img", "link", "input"};
  static const std::set<std::string, std::less<>> kForbidden = {"script", "img",   "link", "iframe",
                                                                "object", "embed", "base", "form"};
  std::vector<std::string> open;
  for (std::size_t at = page.find('<'); at != std::string_view::npos; at = page.find('<', at + 1)) {
    if (page.substr(at).starts_with("<!doctype")) continue;
    const std::size_t end = page.find('>', at);
    if (end == std::string_view::npos) return "a tag without an end";
    std::string_view tag = page.substr(at + 1, end - at - 1);
    const bool closes = tag.starts_with("/");
    if (closes) tag.remove_prefix(1);
    const bool empty = tag.ends_with("/");
    const std::string name(tag.substr(0, tag.find_first_of(" /")));
    if (name.empty() || name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") != std::string::npos)
      return "a stray <" + std::string(tag.substr(0, 40));
    if (kForbidden.contains(name)) return "a forbidden <" + name;
    int quotes = 0;
    for (const char c : tag) quotes += c == '"';
    if (quotes % 2 != 0) return "unbalanced quotes in <" + std::string(tag);
    for (const char* attribute : {" src=", " href=", " on", "javascript:"})
      if (tag.find(attribute) != std::string_view::npos) return "a forbidden attribute in <" + std::string(tag);
    if (closes) {
      if (open.empty() || open.back() != name)
        return "</" + name + "> closes <" + (open.empty() ? "" : open.back()) + ">";
      open.pop_back();
    } else if (!empty && !kVoid.contains(name)) {
      open.push_back(name);
    }
  }
  for (const char* loads : {"@import", "url(", "http://", "https://"})
    if (const auto at = page.find(loads);
        at != std::string_view::npos && page.find("<style>") < at && at < page.find("</style>"))
      return std::string("the style loads something: ") + loads;
  return open.empty() ? "" : "<" + open.back() + "> is never closed";
}

}  // namespace limbeck::recipes
