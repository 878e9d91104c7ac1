"""Encoding real text with SmolLM2's tokenizer, MB of text a second, on one thread and on all; reading, loading and writing left out.

Limbeck: what `limbeck tokenize` says that encoding took. The `tokenizers` library: encode_batch_fast, which leaves out the offsets, on
the same lines. A side must give as many ids as the library did at first. The text (--text=FILE or LIMBECK_TEXT) is WikiText-2's test
and validation parts where they lie beside the repository.
"""
import json
import os
import pathlib
import re
import tempfile
import time

import measure
import weights
from measure import Line

TITLE = "tokenising"
QUICK = dict(text="", copies=4, repeats=3)
FULL = dict(text="", copies=4, repeats=9)
LINES = [Line("tokenising, 1 thread", "limbeck-1-thread", "tokenizers-1-thread", 1, "text"),
         Line("tokenising, all threads", "limbeck-all-threads", "tokenizers-all-threads", 1, "text")]
BESIDE = measure.ROOT.parent / "shared/data/wikitext2"


def sides(settings):
    return [f"{name}-{threads}" for threads in ("1-thread", "all-threads") for name in ("limbeck", "tokenizers")]


def files(settings):
    return [pathlib.Path(settings["text"])] if settings["text"] else [BESIDE / "test.txt", BESIDE / "valid.txt"]


def missing(settings):
    absent = [str(file) for file in files(settings) if not file.exists()]
    return f"no text: give --text=FILE ({', '.join(absent)} not found)" if absent else None


def run_side(side, settings):
    name, threads = side.split("-", 1)
    number = 1 if threads == "1-thread" else measure.CORES
    with tempfile.TemporaryDirectory() as folder:
        lines = pathlib.Path(folder) / "lines.txt"
        lines.write_text("".join(file.read_text(encoding="utf-8").rstrip("\n") + "\n" for file in files(settings)) * settings["copies"])
        seconds, ids = (limbeck if name == "limbeck" else library)(lines, number, settings["repeats"])
        check_count(lines, ids, settings)
        size = lines.stat().st_size * settings["repeats"]
    return {"text": size / seconds, "seconds": seconds, "bytes": size, "ids": ids}


def limbeck(lines, threads, repeats):
    seconds = 0.0
    for _ in range(repeats):
        done = measure.run([measure.PROGRAM, "tokenize", f"--model={weights.folder()}", f"--input={lines}", f"--out={lines}.ids"],
                           OMP_NUM_THREADS=str(threads))
        ids, spent = re.search(r"(\d+) ids, encoded in ([0-9.]+) s", done.out).groups()
        seconds += float(spent)
    return seconds, int(ids)


def library(lines, threads, repeats):
    os.environ |= {"TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false", "RAYON_NUM_THREADS": str(threads)}
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(weights.folder() / "tokenizer.json"))
    texts = lines.read_text().removesuffix("\n").split("\n")
    tokenizer.encode_batch_fast(texts[:1000])  # warms up
    seconds = 0.0
    for _ in range(repeats):
        begun = time.perf_counter()
        encoded = tokenizer.encode_batch_fast(texts)
        seconds += time.perf_counter() - begun
    return seconds, sum(len(e.ids) for e in encoded)


def check_count(lines, ids, settings):
    """The first side leaves its number of ids; all must give the same."""
    file = weights.WEIGHTS / "tokenising-ids.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    key = f"{settings['text']}|{lines.stat().st_size}"
    if known.setdefault(key, ids) != ids:
        raise SystemExit(f"[tokenising] expected {known[key]} ids, as another side gave, but received {ids}")
    file.write_text(json.dumps(known))
