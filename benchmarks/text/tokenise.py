#!/usr/bin/env python3
"""Tokens a second: `limbeck tokenize` beside the `tokenizers` library, on the same lines, in turns, with one thread and with all.

  core     encoding alone. Limbeck: what the verb says it took; the library: encode_batch and encode_batch_fast (which leaves the
           offsets out), whichever is faster.
  command  from start to written file. The library: a Python program that reads the lines, loads tokenizer.json, encodes and writes
           the same JSON Lines.

Both must give the same number of ids. Prints a Markdown table of medians, and with --json one object a row.

    python benchmarks/text/tokenise.py [--rounds=5] [--input=FILE.txt] [--tokenizer=NAME=FOLDER ...] [--json=FILE]

With --compare every tokenizer of tests/golden/scripts/tokenizer_families.py and tokenizer_sources.py meets the corpus of the tests:
the texts whose ids differ are counted, and the time is that of the corpus with one thread. --write-docs puts that table into
docs/tokenizers.md.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPS = pathlib.Path(os.environ.get('LIMBECK_DEPS', pathlib.Path.home() / '.cache/limbeck'))

PEER = r'''
import sys, time
mode, tokenizer, source, out = sys.argv[1:]
from tokenizers import Tokenizer
lines = open(source, encoding="utf-8", errors="replace", newline="\n").read().split("\n")
if lines[-1] == "": lines.pop()
tokenizer = Tokenizer.from_file(tokenizer)
encode = tokenizer.encode_batch if mode == "encode_batch" else tokenizer.encode_batch_fast
start = time.perf_counter()
encoded = encode(lines)
seconds = time.perf_counter() - start
ids = [e.ids for e in encoded]
with open(out, "w") as file:
    file.writelines("[" + ",".join(map(str, i)) + "]\n" for i in ids)
print(len(lines), sum(map(len, ids)), seconds)
'''

PEER_JSONL = r'''
import json, sys, time
tokenizer, source, out = sys.argv[1:]
from tokenizers import Tokenizer
texts = [json.loads(line)["text"] for line in open(source, encoding="utf-8")]
tokenizer = Tokenizer.from_file(tokenizer)
tokenizer.no_truncation(); tokenizer.no_padding()
start = time.perf_counter()
encoded = tokenizer.encode_batch(texts)
seconds = time.perf_counter() - start
with open(out, "w") as file:
    file.writelines("[" + ",".join(map(str, e.ids)) + "]\n" for e in encoded)
print(seconds)
'''


def text_file(folder):
    """Real text: WikiText-2's test and validation parts and GSM8K's questions and answers, a text a line."""
    data = ROOT.parent / 'shared/data'
    path = folder / 'lines.txt'
    with open(path, 'w', encoding='utf-8') as out:
        if (data / 'wikitext2').exists():
            for part in ('test', 'valid'):
                out.write((data / f'wikitext2/{part}.txt').read_text(encoding='utf-8').rstrip('\n') + '\n')
            for part in ('train', 'test'):
                for line in open(data / f'gsm8k/{part}.jsonl', encoding='utf-8'):
                    row = json.loads(line)
                    out.writelines(row[key].replace('\n', ' ') + '\n' for key in ('question', 'answer'))
        else:
            print('shared/data is not there: the README and the corpus of the tests are tokenised instead', file=sys.stderr)
            for file in (ROOT / 'README.md', ROOT / 'tests/golden/text/corpus.txt'):
                out.write(file.read_text(encoding='utf-8', errors='replace') * 4)
    return path


def default_tokenizers(folder):
    sys.path.insert(0, str(ROOT / 'tests/golden/scripts'))
    import tokenizer_sources
    return tokenizer_sources.real_tokenizers(folder)


def run_limbeck(model, source, out, threads):
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    start = time.perf_counter()
    shown = subprocess.run([ROOT / 'build/release/limbeck', 'tokenize', f'--model={model}', f'--input={source}', f'--out={out}'],
                           env=environment, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - start
    lines, ids, core = re.search(r'(\d+) lines, (\d+) ids, encoded in ([\d.]+) s', shown).groups()
    return int(ids), float(core), seconds


def run_peer(mode, model, source, out, threads):
    environment = dict(os.environ, RAYON_NUM_THREADS=str(threads), TOKENIZERS_PARALLELISM='true' if threads > 1 else 'false')
    start = time.perf_counter()
    shown = subprocess.run([sys.executable, '-c', PEER, mode, model, source, out], env=environment, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - start
    _, ids, core = shown.split()
    return int(ids), float(core), seconds


def compare(rounds, write_docs):
    """Ids of every tokenizer on the 23,500 texts of the tests' corpus, and the time with one thread."""
    sys.path.insert(0, str(ROOT / 'tests/golden/scripts'))
    import tokenizer_sources
    from tokenizer_corpus import texts
    corpus = [t.decode(errors='replace') for t in texts()]
    table = ['| tokenizer | model | texts | ids | texts that differ | Limbeck, million ids/s | tokenizers, million ids/s | ratio |',
             '|---|---|---:|---:|---:|---:|---:|---:|']
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source = folder / 'corpus.jsonl'
        source.write_text(''.join(json.dumps({'text': t}) + '\n' for t in corpus), encoding='utf-8')
        for name, limbeck_model, peer_model in tokenizer_sources.real_tokenizers(folder) + tokenizer_sources.small_tokenizers(folder):
            limbeck, peer = [], []
            for _ in range(rounds):
                limbeck.append(run_limbeck(limbeck_model, source, folder / 'ids.jsonl', 1)[1])
                shown = subprocess.run([sys.executable, '-c', PEER_JSONL, peer_model, str(source), str(folder / 'peer.jsonl')], check=True,
                                       env=dict(os.environ, RAYON_NUM_THREADS='1', TOKENIZERS_PARALLELISM='false'), capture_output=True, text=True).stdout
                peer.append(float(shown))
            ours, theirs = open(folder / 'ids.jsonl').readlines(), open(folder / 'peer.jsonl').readlines()
            different = sum(a != b for a, b in zip(ours, theirs)) + abs(len(ours) - len(theirs))
            ids = sum(line.count(',') + (len(line) > 3) for line in theirs)
            ours_s, theirs_s = statistics.median(limbeck), statistics.median(peer)
            kind = json.load(open(peer_model))['model']['type']
            table.append(f'| {name} | {kind} | {len(theirs)} | {ids} | {different} | {ids / ours_s / 1e6:.2f} | {ids / theirs_s / 1e6:.2f} | {theirs_s / ours_s:.1f} |')
            print(table[-1], flush=True)
    if write_docs:
        path = ROOT / 'docs/tokenizers.md'
        text = path.read_text(encoding='utf-8')
        begin, end = '<!-- table begins -->\n', '<!-- table ends -->'
        path.write_text(text[:text.index(begin) + len(begin)] + '\n'.join(table) + '\n' + text[text.index(end):], encoding='utf-8')


def measure(name, limbeck_model, peer_model, source, folder, threads, rounds):
    taken = {side: [] for side in ('limbeck', 'encode_batch', 'encode_batch_fast')}
    counts = set()
    for _ in range(rounds):
        for side in taken:
            result = (run_limbeck(limbeck_model, source, folder / 'ids.jsonl', threads) if side == 'limbeck' else
                      run_peer(side, peer_model, source, folder / 'peer.jsonl', threads))
            counts.add(result[0])
            taken[side].append(result[1:])
    if len(counts) != 1:
        raise SystemExit(f'{name}: the two sides gave different numbers of ids: {sorted(counts)}')
    median = lambda side, what: statistics.median(t[what] for t in taken[side])
    best = min(('encode_batch', 'encode_batch_fast'), key=lambda side: median(side, 0))
    ids = counts.pop()
    return {'tokenizer': name, 'threads': threads, 'ids': ids, 'limbeck_ids_per_s': ids / median('limbeck', 0),
            'peer_ids_per_s': ids / median(best, 0), 'peer_call': best, 'ratio': median(best, 0) / median('limbeck', 0),
            'limbeck_command_s': median('limbeck', 1), 'peer_command_s': median(best, 1),
            'command_ratio': median(best, 1) / median('limbeck', 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--input', help='text file, a text a line')
    parser.add_argument('--tokenizer', action='append', default=[], help='NAME=FOLDER with a tokenizer.json')
    parser.add_argument('--json', help='file for one JSON object a row')
    parser.add_argument('--compare', action='store_true', help='count the texts whose ids differ, over all tokenizers at hand')
    parser.add_argument('--write-docs', action='store_true', help='with --compare: put the table into docs/tokenizers.md')
    options = parser.parse_args()
    if options.compare:
        return compare(options.rounds, options.write_docs)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source = options.input or text_file(folder)
        chosen = [(given.split('=', 1)[0], *(given.split('=', 1)[1],) * 2) for given in options.tokenizer]
        tokenizers = [(n, m, os.path.join(p, 'tokenizer.json')) for n, m, p in chosen] or default_tokenizers(folder)
        rows = []
        print('| tokenizer | threads | Limbeck, million ids/s | tokenizers, million ids/s | ratio | whole command, s | tokenizers, s | ratio |\n'
              '|---|---:|---:|---:|---:|---:|---:|---:|')
        for name, limbeck_model, peer_model in tokenizers:
            for threads in sorted({1, os.cpu_count()}):
                row = measure(name, limbeck_model, peer_model, source, folder, threads, options.rounds)
                rows.append(row)
                print(f"| {name} | {threads} | {row['limbeck_ids_per_s'] / 1e6:.2f} | {row['peer_ids_per_s'] / 1e6:.2f} | {row['ratio']:.1f} | "
                      f"{row['limbeck_command_s']:.2f} | {row['peer_command_s']:.2f} | {row['command_ratio']:.1f} |", flush=True)
        if options.json:
            with open(options.json, 'w') as file:
                file.writelines(json.dumps(row) + '\n' for row in rows)


main()
