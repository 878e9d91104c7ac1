#!/usr/bin/env python3
"""What weights in blocks cost in quality: SmolLM2-135M at each --weights format on the project's own word problems.

  pass@1, pass@8   152 test problems, few-shot, 8 programs each at temperature 0.4, as the demo's row of the teacher; the difference
                   of pass@1 from the first format is paired (the same problems, the same draws of situations)
  NLL              of the 696 questions (train and test), nats a token; its difference from the first format is paired by question

Intervals are 95 % bootstrap ones, over the situations that problems are variations of, and over questions.

  benchmarks/generate/weights_quality.py [--formats=fp32,bf16,q8_0,q4_0] [--problems=FILE] [--samples=8]

Needs numpy (scripts/setup --peers has it).
"""
import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATA = ROOT / "data" / "word-problems"


def rows(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


def flags(name):
    """fp32 is everything in fp32; all others have bf16 activations, keys and values."""
    return [f"--precision={'fp32' if name == 'fp32' else 'bf16'}", f"--weights={name}"]


def run(command):
    result = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(result.stderr)


def passed(a, name, folder):
    """{problem: share of its programs that passed}, and the figures that limbeck gives."""
    out = folder / name
    run([a.program, "eval", f"--model={a.model}", f"--data={a.problems}", f"--examples={DATA / 'examples.jsonl'}", "--metric=pass",
         f"--num-samples={a.samples}", f"--ks=1,{a.samples}", "--temperature=0.4", "--greedy=false", "--max-new-tokens=48",
         "--stop=\n\n", "--truncation.at-blank-line", "--truncation.at-next-question", f"--out={out}"] + flags(name))
    shares = collections.defaultdict(list)
    for row in rows(out / "samples.jsonl"):
        shares[row["id"]].append(row["verdict"] == "passed")
    return {problem: numpy.mean(verdicts) for problem, verdicts in shares.items()}, json.load(open(out / "eval.json"))["figures"]


def likelihood(a, name, folder, texts):
    """[questions, 2]: summed negative log-likelihood and tokens."""
    run([a.program, "score", f"--model={a.model}", f"--input={texts}", f"--out={folder / (name + '.jsonl')}"] + flags(name))
    return numpy.array([[-sum(row["log_probs"]), len(row["ids"]) - 1] for row in rows(folder / (name + ".jsonl"))])


def interval(values):
    low, high = numpy.percentile(values, [2.5, 97.5])
    return low, high


def over_groups(values, groups, draws):
    """Mean over problems in `draws` draws of whole groups."""
    names = sorted(set(groups))
    sums = numpy.array([sum(v for v, g in zip(values, groups) if g == name) for name in names])
    counts = numpy.array([groups.count(name) for name in names])
    picks = numpy.random.default_rng(1).integers(0, len(names), (draws, len(names)))
    return sums[picks].sum(1) / counts[picks].sum(1)


def over_texts(sums, counts, draws):
    picks = numpy.random.default_rng(1).integers(0, len(sums), (draws, len(sums)))
    return sums[picks].sum(1) / counts[picks].sum(1)


def main():
    deps = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/limbeck"))
    parser.add_argument("--model", default=str(deps / "models/smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--problems", default=str(DATA / "test.jsonl"))
    parser.add_argument("--formats", default="fp32,bf16,q8_0,q4_0")
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--questions", type=int, help="only so many of the questions")
    parser.add_argument("--draws", type=int, default=10000)
    a = parser.parse_args()
    problems = rows(a.problems)
    groups = [problem.get("group", problem["id"]) for problem in problems]
    print(f"| weights | pass@1 % | less the first | pass@{a.samples} % | NLL a token | less the first |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        texts = folder / "questions.jsonl"
        with open(texts, "w", encoding="utf-8") as out:
            for row in (rows(DATA / "train.jsonl") + rows(DATA / "test.jsonl"))[:a.questions]:
                out.write(json.dumps({"text": row["question"]}) + "\n")
        first = None
        for form in a.formats.split(","):
            shares, figures = passed(a, form, folder)
            share = numpy.array([shares[problem["id"]] for problem in problems])
            scores = likelihood(a, form, folder, texts)
            nll = scores[:, 0].sum() / scores[:, 1].sum()
            cells = [form]
            for figure in ("pass@1", f"pass@{a.samples}"):
                f = figures[figure]
                cells.append(f"{100 * f['value']:.1f} ({100 * f['low']:.1f} to {100 * f['high']:.1f})")
            if first is None:
                first = share, scores
                cells.insert(2, "")
                cells += [f"{nll:.4f}", ""]
            else:
                gap = share - first[0]
                low, high = interval(over_groups(100 * gap, groups, a.draws))
                cells.insert(2, f"{100 * gap.mean():+.1f} ({low:+.1f} to {high:+.1f})")
                worse = scores[:, 0] - first[1][:, 0]
                low, high = interval(over_texts(worse, scores[:, 1], a.draws))
                cells += [f"{nll:.4f}", f"{worse.sum() / scores[:, 1].sum():+.4f} ({low:+.4f} to {high:+.4f})"]
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
