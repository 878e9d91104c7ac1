#!/usr/bin/env python3
"""Writes src/text/unicode_property_data.h: what the `tokenizers` library takes for punctuation, an accent, a lower-case letter ...

Every table is read off the library, code point by code point, as in make_tokenizer_unicode.py: its parts come from crates with
Unicode versions of their own, and ids must equal those of the library on every text.

    python tests/golden/scripts/make_tokenizer_properties.py src/text/unicode_property_data.h
"""
import struct
import sys
import unicodedata

import tokenizers
from tokenizers import Regex, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
ALL = "".join(map(chr, CODE_POINTS))
# What Oniguruma's \p{...} of published pre-tokenizers ask for, beside L and N.
CATEGORIES = ["Lu", "Ll", "Lt", "Lm", "Lo", "M", "P", "S", "Nd"]


def left_out_by(split):
    """The code points of ALL that a removing pre-tokenizer leaves."""
    found = set()
    for _, (begin, end) in split.pre_tokenize_str(ALL):
        found.update(CODE_POINTS[begin:end])
    return found


def in_category(name):
    return left_out_by(pre_tokenizers.Split(Regex(rf"\P{{{name}}}+"), "removed"))


def bert(**wanted):
    settings = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**settings, **wanted}).normalize_str


def removed_by(normalize, unless=lambda c: False):
    return {c for c in CODE_POINTS if not unless(c) and normalize(f"a{chr(c)}b") == "ab"}


def changed_by(normalize):
    changed = {}
    for c in CODE_POINTS:
        after = normalize(chr(c))
        if after != chr(c):
            changed[c] = [ord(x) for x in after]
    return changed


def charsmap(key, text):
    """A precompiled map of SentencePiece with one entry: a double array, a block of 256 units a byte, and the text."""
    key = key.encode()
    units = [0] * (256 * (len(key) + 2))
    place = 0
    units[0] = 256 << 10
    for depth, byte in enumerate(key, 1):
        place = 256 * depth + byte
        last = depth == len(key)
        units[place] = (place ^ 256 * (depth + 1)) << 10 | (256 if last else 0) | byte
    units[256 * (len(key) + 1)] = 1 << 31  # the place of the text
    return struct.pack("<I", 4 * len(units)) + struct.pack(f"<{len(units)}I", *units) + text.encode() + b"\0"


def graphemes():
    """Which code points join what is before them, join what is after them, or join nothing: seen by a map of one entry, which
    replaces a whole grapheme of less than six bytes when it begins with that entry, and single characters of longer ones."""
    with_a = normalizers.Precompiled(charsmap("a", "X")).normalize_str
    joining, prepended, alone = set(), set(), set()
    for c in CODE_POINTS:
        text = chr(c)
        if c != ord("a") and with_a("a" + text) == "X":
            joining.add(c)
    for c in CODE_POINTS:
        size = len(chr(c).encode())
        if size > 1 and c not in joining:
            mark = "\u0301" if size > 2 else "\u20d0"
            if with_a(chr(c) + "a" + mark) == chr(c) + "X" + mark:
                prepended.add(c)
    for c in CODE_POINTS:
        if c == 0 or c in joining or unicodedata.category(chr(c)) not in ("Cc", "Cf", "Zl", "Zp", "Cn"):
            continue
        if unicodedata.category(chr(c)) == "Cn" and not (0xE0000 <= c < 0xE1000 or c == 0x2065 or 0xFFF0 <= c < 0xFFF9):
            continue
        mark = "\u0301"
        if len(chr(c).encode()) > 3:
            continue  # with a mark it has six bytes: it makes no difference
        if normalizers.Precompiled(charsmap(chr(c), "X")).normalize_str(chr(c) + mark) == "X" + mark:
            alone.add(c)
    return joining, prepended, alone


def ranges(code_points):
    found = []
    for c in sorted(code_points):
        if found and found[-1][1] == c - 1:
            found[-1][1] = c
        else:
            found.append([c, c])
    return found


def rows(items, width=116):
    lines, line = [], "   "
    for item in items:
        if len(line) + 1 + len(item) > width:
            lines.append(line)
            line = "   "
        line += " " + item
    return "\n".join(lines + [line])


def main():
    nfd, nfkd = normalizers.NFD().normalize_str, normalizers.NFKD().normalize_str
    joining, prepended, alone = graphemes()
    sets = [
        ("kControls", "what BertNormalizer's clean_text removes, beside U+0000 and U+FFFD", removed_by(bert(clean_text=True)) - {0, 0xFFFD}),
        ("kNonspacingMarks", "what BertNormalizer's strip_accents removes", removed_by(bert(strip_accents=True), lambda c: nfd(chr(c)) != chr(c))),
        ("kCombiningMarks", "what StripAccents removes", removed_by(normalizers.StripAccents().normalize_str)),
        ("kPunctuation", "what Punctuation and BertPreTokenizer split off",
         set(CODE_POINTS) - left_out_by(pre_tokenizers.Punctuation("removed"))),
        ("kJoinBefore", "joins the grapheme before it (Extend, SpacingMark, ZWJ)", joining),
        ("kJoinAfter", "joins the grapheme after it (Prepend)", prepended),
        ("kJoinNothing", "a grapheme by itself (Control), as far as a precompiled map can see", alone),
    ] + [(f"kCategory{name}", rf"\p{{{name}}} of Oniguruma", in_category(name)) for name in CATEGORIES]
    lower = changed_by(normalizers.Lowercase().normalize_str)
    compatible = {c: to for c, to in changed_by(nfkd).items() if [ord(x) for x in nfd(chr(c))] != to}
    out = ["// Properties of code points, their lower case and compatibility decompositions, read off the `tokenizers` library",
           f"// {tokenizers.__version__} by tests/golden/scripts/make_tokenizer_properties.py; do not edit.",
           "#pragma once", "", "#include \"text/unicode_data.h\"", "", "namespace limbeck::text::unicode_data {", "", "// clang-format off"]
    for name, comment, found in sets:
        out += [f"// {comment}", f"inline constexpr Range {name}[] = {{", rows(f"{{0x{a:x},0x{b:x}}}," for a, b in ranges(found)), "};", ""]
    for name, comment, mapping in (("kLowercase", "Lowercase", lower),
                                   ("kCompatibilityDecompositions", "NFKD where it differs from NFD", compatible)):
        out += [f"// {comment}: code point, length, code points ...", f"inline constexpr uint32_t {name}[] = {{",
                rows(",".join([f"0x{c:x}", str(len(d))] + [f"0x{x:x}" for x in d]) + "," for c, d in mapping.items()), "};", ""]
    out += ["// clang-format on", "", "}  // namespace limbeck::text::unicode_data", ""]
    with open(sys.argv[1], "w") as file:
        file.write("\n".join(out))
    print(", ".join(f"{len(found)} {name}" for name, _, found in sets), len(lower), len(compatible))


main()
