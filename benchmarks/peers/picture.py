#!/usr/bin/env python3
"""Draws the table: one bar a comparison, how many times better than the peer, on a logarithmic axis. picture.py results.json FOLDER"""
import importlib
import json
import pathlib
import sys

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plot  # noqa: E402

import measure  # noqa: E402
import rows as catalog  # noqa: E402
import table  # noqa: E402

INK, OURS, BEHIND, MARK = "#22302f", "#1f7a6d", "#b5533c", "#8a9593"


def bars_of(results):
    """[(label, figures in words, times better, wanted)]"""
    bars = []
    for name in catalog.NAMES:
        entry = results["rows"].get(name)
        for line in importlib.import_module(name).LINES if entry else []:
            found = table.compare(entry, line)
            if not found:
                continue
            ours, mine, peer, theirs, ratio = found
            memory = line.field in ("peak", "extra")
            unit = measure.FIELDS[line.field].unit + (" of memory" if memory else "")
            words = f"{table.with_spread(mine).split(' ')[0]} {unit} {table.kind(ours)} beside {table.with_spread(theirs).split(' ')[0]} {table.kind(peer)}"
            bars.append((line.work, " ".join(words.split()), 1 / max(ratio, 1 / 64) if memory else ratio, 1 / line.target if memory else line.target))
    return bars


def draw(results, folder):
    bars = bars_of(results)
    if not bars:
        return
    figure, axes = plot.subplots(figsize=(10, 0.9 + 0.58 * len(bars)), layout="constrained")
    for i, (label, words, times, wanted) in enumerate(bars):
        y = -i
        axes.barh(y, times - 1, left=1, height=0.36, color=OURS if times >= 1 else BEHIND)
        axes.plot([wanted, wanted], [y - 0.26, y + 0.26], color=MARK, linewidth=1.6)
        axes.text(1.02, y + 0.3, f"{label}: {words}", fontsize=8, color=INK, va="bottom")
        axes.text(max(times, wanted, 1) * 1.06, y, f"{times:.2f} ×", fontsize=9, color=INK, va="center", fontweight="bold")
    axes.set_xscale("log")
    lowest = min(0.8, *(bar[2] * 0.9 for bar in bars))
    axes.set_xlim(lowest, max(max(bar[2], bar[3]) for bar in bars) * 2.2)
    axes.set_ylim(-len(bars) + 0.4, 0.8)
    axes.axvline(1, color=INK, linewidth=1)
    ticks = [t for t in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128) if lowest <= t <= axes.get_xlim()[1]]
    axes.set_xticks(ticks, [f"{t:g} ×" for t in ticks], fontsize=8)
    axes.minorticks_off()
    axes.set_yticks([])
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    machine = results["machine"]
    axes.set_title(f"Limbeck beside its peers, times better (memory: times less); grey: what is to be reached.  "
                   f"{machine['cores']} cores, {machine['processor']}", fontsize=9, loc="left", color=INK)
    matplotlib.rcParams["svg.hashsalt"] = "limbeck"  # the same figures give the same file
    figure.savefig(folder / "performance.svg", metadata={"Date": None})
    figure.savefig(folder / "performance.png", dpi=130)


if __name__ == "__main__":
    draw(json.loads(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2]))
