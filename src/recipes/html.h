// A page of HTML in one file: text is escaped, style is inline, nothing is fetched and nothing is run.
#pragma once

#include <string>
#include <string_view>

namespace limbeck::recipes {

// & < > " ' escaped; control characters and bytes that are not UTF-8 become U+FFFD.
std::string escape_html(std::string_view text);

// A whole document: Limbeck's style for light and dark, wide and narrow screens. `body` is HTML already.
std::string html_page(std::string_view title, std::string_view body);

// <section> with a heading and a line of explanation under it (plain text); `body` is HTML already.
std::string html_section(std::string_view heading, std::string_view explanation, std::string_view body);

// A folded block: summary (plain text) and preformatted plain text.
std::string html_folded(std::string_view summary, std::string_view preformatted);

}  // namespace limbeck::recipes
