"""The EKT demo end to end (scripts/demo), from start to table: the teacher's samples, judging, two students, four measurements. The same
pipeline in Python (pipeline.py) with Transformers, and with llama.cpp for sampling and Transformers for training.

`share` of the work of every part, on all sides alike: of the training and test problems every so many, and of the optimiser steps. Fixed
costs (start, loading) do not shrink with it, so a small share flatters no side that starts slowly.
"""
import json
import pathlib
import sys
import tempfile

import measure
import weights
from measure import Line

TITLE = "the EKT demo end to end"
QUICK = dict(share=0.04, steps=141, layers=12)
FULL = dict(share=0.25, steps=141, layers=12)
LINES = [Line(TITLE, "limbeck", "transformers", 2, "seconds"), Line(TITLE, "limbeck", "llama.cpp+transformers", 2, "seconds")]
DATA = measure.ROOT / "data/word-problems"


def sides(settings):
    return ["limbeck", "llama.cpp+transformers", "transformers"]


def missing(settings):
    return None


def thinned(file, share, folder):
    """Every so many of a file's lines, so that each kind of problem keeps its part."""
    lines = file.read_text().splitlines(keepends=True)
    count = max(4, round(len(lines) * share))
    out = pathlib.Path(folder) / file.name
    out.write_text("".join(lines[i * len(lines) // count] for i in range(count)))
    return out


def run_side(side, settings):
    with tempfile.TemporaryDirectory() as folder:
        problems, test = (thinned(DATA / name, settings["share"], folder) for name in ("train.jsonl", "test.jsonl"))
        steps = max(4, round(settings["steps"] * settings["share"]))
        examples = DATA / "examples.jsonl"
        if side == "limbeck":
            out = pathlib.Path(folder) / "run"
            done = measure.run([measure.PROGRAM, "run", "ekt", measure.ROOT / "configs/ekt-demo.toml", f"--out={out}", f"--teacher={weights.DEMO}",
                                f"--problems={problems}", f"--test-problems={test}", f"--examples={examples}", f"--train.max-steps={steps}",
                                f"--student-layers={settings['layers']}"])
            work = {"table": json.loads((out / "table.json").read_text())}
        else:
            done = measure.run([sys.executable, measure.ROOT / "benchmarks/peers/pipeline.py", side.split("+")[0], problems, test, examples,
                                steps, settings["layers"]])
            work = json.loads(done.out.strip().splitlines()[-1])
    return {"seconds": done.seconds, "work": work}
