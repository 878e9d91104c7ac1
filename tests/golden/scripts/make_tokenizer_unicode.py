#!/usr/bin/env python3
"""Writes src/text/unicode_data.h: what the `tokenizers` library takes for a letter, a number, a space and so on.

Its regular expressions run on Oniguruma, its digit splitting on Rust's char tables, its added tokens on the regex crate and
its NFC on a crate of its own, each with its own Unicode version. So the tables are read off the library itself, code point by
code point, instead of from a Unicode release.

    python tests/golden/scripts/make_tokenizer_unicode.py src/text/unicode_data.h
"""
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
ALL = "".join(map(chr, CODE_POINTS))


def matched_by(regex_of_the_others):
    split = pre_tokenizers.Split(Regex(regex_of_the_others), "removed")
    found = set()
    for _, (begin, end) in split.pre_tokenize_str(ALL):
        found.update(CODE_POINTS[begin:end])
    return found


def numeric():
    """What Digits splits off: with a letter after every code point, the pieces of one character at even places."""
    text = "".join(chr(c) + "a" for c in CODE_POINTS)
    pieces = pre_tokenizers.Digits(individual_digits=True).pre_tokenize_str(text)
    return {CODE_POINTS[b // 2] for _, (b, e) in pieces if e - b == 1 and b % 2 == 0}


def added_token_classes():
    """White space and word characters as the added tokens' lstrip and single_word see them."""
    spaces, words = set(), set()
    for kind, found in (("lstrip", spaces), ("single_word", words)):
        tokenizer = Tokenizer(models.BPE(vocab={"a": 0}, merges=[]))
        tokenizer.add_tokens([AddedToken("\U000F1234x", normalized=False, **{kind: True})])
        mark = "\U000F1234x"
        block = 4096
        for at in range(0, len(CODE_POINTS), block):
            part = [c for c in CODE_POINTS[at:at + block] if c != 0xF1234]
            # a newline-free guard between the tests: "-" is neither a space nor a word character
            text = "".join("-" + chr(c) + mark + "-" for c in part)
            offsets = [o for i, o in zip(*(lambda e: (e.ids, e.offsets))(tokenizer.encode(text))) if i == 1]
            ends = {e: b for b, e in offsets}
            for k, c in enumerate(part):
                end = k * 5 + 4
                if kind == "lstrip":
                    if ends[end] == end - 3:
                        found.add(c)
                elif end not in ends:
                    found.add(c)
    return spaces, words


def contraction_folds():
    """Code points beyond ASCII that the case-blind contractions of Llama-3 take for one of their letters."""
    split = pre_tokenizers.Split(Regex("(?i:'s|'t|'re|'ve|'m|'ll|'d)"), "removed")  # nothing is left of a match
    folds = {}
    for c in CODE_POINTS:
        if c < 128:
            continue
        for before, after, letter in (("", "", "s"), ("", "", "tmd"), ("", "e", "rv"), ("r", "", "e"), ("v", "", "e"),
                                      ("l", "", "l"), ("", "l", "l")):
            text = "'" + before + chr(c) + after
            if not split.pre_tokenize_str(text):
                folds.setdefault(c, set()).add(letter)
    return folds


def combining_classes(nfd):
    """Canonical combining classes by watching NFD reorder a code point against marks whose class is known and stable."""
    swaps = lambda first, second: nfd("a" + first + second) != "a" + first + second
    references = {}
    for c in range(0x300, 0x3100):
        value = unicodedata.combining(chr(c))
        known = swaps(chr(c), "\u0334") or swaps("\u0345", chr(c))  # classes 1 and 240: the library's tables may be older
        if value and known and nfd(chr(c)) == chr(c):
            references.setdefault(value, chr(c))
    order = sorted(references)
    classes = {}
    for c in CODE_POINTS:
        mark = chr(c)
        if c < 0x300 or 0xAC00 <= c < 0xD7A4 or nfd(mark) != mark:
            continue
        # class(mark) != 0 exactly when it comes before a mark of a higher class or after one of a lower class
        if not swaps(references[order[-1]], mark) and not swaps(mark, references[order[0]]):
            if c < 0x3100 and unicodedata.combining(mark) in (order[0], order[-1]):
                classes[c] = unicodedata.combining(mark)
            continue
        lower = [v for v in order if swaps(mark, references[v])]        # v < class
        higher = [v for v in order if swaps(references[v], mark)]       # class < v
        same = [v for v in order if v not in lower and v not in higher]
        assert len(same) <= 1, hex(c)
        if same:
            classes[c] = same[0]
        else:
            classes[c] = unicodedata.combining(mark) or (max(lower) if lower else 0) + 1
            assert max(lower, default=0) < classes[c] < min(higher, default=255), hex(c)
    for c, value in classes.items():  # what Python's tables know too must agree
        assert unicodedata.combining(chr(c)) in (0, value), (hex(c), value)
    return classes


def canonical_pairs(nfd, nfc):
    """Full decompositions, and the pairs that compose."""
    decompositions, pairs = {}, {}
    for c in CODE_POINTS:
        text = chr(c)
        if 0xAC00 <= c < 0xD7A4:
            continue
        full = nfd(text)
        if full != text:
            decompositions[c] = [ord(x) for x in full]
        if full != text and len(full) > 1 and nfc(full) == text:
            first = nfc(full[:-1])
            assert len(first) == 1, hex(c)
            pairs[(ord(first), ord(full[-1]))] = c
    return decompositions, pairs


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
    spaces, words = added_token_classes()
    letters, numbers, regex_spaces = matched_by(r"\P{L}+"), matched_by(r"\P{N}+"), matched_by(r"\S+")
    assert spaces == regex_spaces, sorted(map(hex, spaces ^ regex_spaces))
    folds = contraction_folds()
    assert list(folds) == [0x17F], len(folds)
    nfd, nfc = normalizers.NFD().normalize_str, normalizers.NFC().normalize_str
    classes = combining_classes(nfd)
    decompositions, pairs = canonical_pairs(nfd, nfc)
    out = [
        "// Unicode classes and canonical (de)composition, read off the `tokenizers` library "
        f"{tokenizers.__version__} code point by code",
        "// point by tests/golden/scripts/make_tokenizer_unicode.py; do not edit.",
        "#pragma once", "", "#include <cstdint>", "", "namespace limbeck::text::unicode_data {", "", "// clang-format off",
        "struct Range { uint32_t first, last; };", ""]
    for name, comment, found in (("kLetters", r"\p{L} of Oniguruma", letters), ("kNumbers", r"\p{N} of Oniguruma", numbers),
                                 ("kNumerics", "what Digits splits off (Rust's char::is_numeric)", numeric()),
                                 ("kSpaces", r"\s, of Oniguruma and of the regex crate", spaces),
                                 ("kWords", r"\w of the regex crate (single_word)", words)):
        out += [f"// {comment}", f"inline constexpr Range {name}[] = {{",
                rows(f"{{0x{a:x},0x{b:x}}}," for a, b in ranges(found)), "};", ""]
    by_class = []
    for c in sorted(classes):
        if by_class and by_class[-1][1] == c - 1 and by_class[-1][2] == classes[c]:
            by_class[-1][1] = c
        else:
            by_class.append([c, c, classes[c]])
    out += ["// Canonical combining classes other than 0.",
            "struct CombiningClass { uint32_t first, last; uint8_t value; };",
            "inline constexpr CombiningClass kCombiningClasses[] = {",
            rows(f"{{0x{a:x},0x{b:x},{v}}}," for a, b, v in by_class), "};", "",
            "// Full canonical decompositions (Hangul syllables are computed): code point, length, code points ...",
            "inline constexpr uint32_t kDecompositions[] = {",
            rows(",".join([f"0x{c:x}", str(len(d))] + [f"0x{x:x}" for x in d]) + "," for c, d in decompositions.items()),
            "};", "", "// Pairs that compose.", "struct Composition { uint32_t first, second, composed; };",
            "inline constexpr Composition kCompositions[] = {",
            rows(f"{{0x{a:x},0x{b:x},0x{c:x}}}," for (a, b), c in sorted(pairs.items())), "};",
            "// clang-format on", "", "}  // namespace limbeck::text::unicode_data", ""]
    with open(sys.argv[1], "w") as file:
        file.write("\n".join(out))
    print(f"{len(letters)} letters, {len(numbers)} numbers, {len(spaces)} spaces, {len(words)} word characters, "
          f"{len(classes)} marks, {len(decompositions)} decompositions, {len(pairs)} pairs")


main()
