"""The tables: of a row on the terminal, and of all rows in Markdown between markers in README.md (what is compared) and docs/performance.md (all sides)."""
import importlib
import json
import pathlib
import shutil
import statistics

import measure
import rows as catalog

OURS = "limbeck"


def figures(entry, field):
    """{side: {round: value}}"""
    found = {}
    for run in entry["runs"]:
        if run.get(field) is not None:
            found.setdefault(run["side"], {})[run["round"]] = run[field] * measure.FIELDS[field].scale
    return found


def in_digits(value):
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 9.95 else f"{value:.2f}"


def with_spread(values, unit=""):
    """Median, and smallest to largest where there are several."""
    text = in_digits(statistics.median(values)) + unit
    return text if len(values) == 1 else f"{text} ({in_digits(min(values))}–{in_digits(max(values))})"


def in_words(run):
    shown = [f"{in_digits(run[name] * f.scale)} {f.unit}{'' if name != 'peak' else ' peak'}{'' if name != 'extra' else ' extra'}"
             for name, f in measure.FIELDS.items() if run.get(name) is not None]
    busy = f"; {run['others']} cores were busy with something else" if (run["others"] or 0) >= 0.1 else ""
    return f"{run['side']}: {', '.join(shown)}{busy}; {run['wall']} s in all"


def best(found, start, lower):
    """The side with the best median of those that begin with this."""
    medians = {side: statistics.median(values.values()) for side, values in found.items()
               if side == start or side.startswith(start + "-") or start == "peers" and not side.startswith(OURS)}
    return (min if lower else max)(medians, key=medians.get) if medians else None


def compare(entry, line):
    """(our side, its values, the peer's side, its values, ratio) of a line, or None while one of them is missing."""
    field = measure.FIELDS[line.field]
    found = figures(entry, line.field)
    ours, peer = best(found, line.ours, field.lower), best(found, line.peer, field.lower)
    if ours is None or peer is None:
        return None
    mine, theirs = list(found[ours].values()), list(found[peer].values())
    a, b = statistics.median(mine), statistics.median(theirs)
    return ours, mine, peer, theirs, (a / b if line.field in ("peak", "extra") or not field.lower else b / a)


def of_row(name, entry):
    """All sides of a row, for the terminal."""
    row, lines = importlib.import_module(name), []
    for field in dict.fromkeys(line.field for line in row.LINES):
        unit = measure.FIELDS[field].unit
        lines.append(f"  {'':28}{unit:>12}{'smallest':>10}{'largest':>10}{'rounds':>8}")
        for side, values in figures(entry, field).items():
            v = list(values.values())
            lines.append(f"  {side:28}{in_digits(statistics.median(v)):>12}{in_digits(min(v)):>10}{in_digits(max(v)):>10}{len(v):>8}")
    for line in row.LINES:
        found = compare(entry, line)
        if found:
            lines.append(f"  {found[0]} : {found[2]} = {found[4]:.2f} ({line.field}; to reach {target(line)})")
    return "\n".join(lines)


def target(line):
    return f"≤ {line.target:g}" if line.field in ("peak", "extra") else f"≥ {line.target:g}"


def about(results):
    m, v = results["machine"], results["versions"]
    rounds = [1 + max((run["round"] for run in entry["runs"]), default=0) for entry in results["rows"].values() if entry["runs"]]
    disturbed = [run["others"] for entry in results["rows"].values() for run in entry["runs"] if run["others"] is not None] or [0]
    peers = ", ".join(f"{name} {v[key]}" for name, key in (("Transformers", "transformers"), ("PyTorch", "torch"), ("TRL", "trl"),
                                                          ("llama-cpp-python", "llama-cpp-python"), ("tokenizers", "tokenizers"),
                                                          ("ONNX Runtime", "onnxruntime"), ("CTranslate2", "ctranslate2")) if key in v)
    demo = results["rows"].get("demo")
    demo = f"The demo does {demo['settings']['share']:.0%} of its work, on all sides alike. " if demo and demo["runs"] else ""
    often = f"{min(rounds)}" if min(rounds) == max(rounds) else f"{min(rounds)} to {max(rounds)}"
    return (f"{m['cores']} cores of an {m['processor']} ({', '.join(m['instructions'])}), sides in turns, medians of {often} "
            f"round{'' if often == '1' else 's'} (smallest–largest); beside {peers}. {demo}Cores busy with something else: {statistics.median(disturbed):.2f} "
            f"at the median measurement, {max(disturbed):.2f} at the worst.")


def summary(results):
    """One line a comparison, in Markdown."""
    text = ["| work | Limbeck | peer | ratio | to reach |", "|---|---:|---:|---:|---:|"]
    for name in catalog.NAMES:
        entry = results["rows"].get(name)
        for line in importlib.import_module(name).LINES if entry else []:
            found = compare(entry, line)
            if not found:
                continue
            ours, mine, peer, theirs, ratio = found
            unit = measure.FIELDS[line.field].unit
            memory = {"peak": ", peak memory", "extra": ", extra memory"}.get(line.field, "")
            cells = f"{with_spread(mine)} {kind(ours)}".strip(), f"{with_spread(theirs)} {kind(peer)}".strip()
            text.append(f"| {line.work}{memory}, {unit} | {' | '.join(cells)} | {ratio:.2f} | {target(line)} |")
    return "\n".join(text + ["", about(results)]) + "\n"


def kind(side):
    name, _, form = side.partition("-")
    shown = {"limbeck": "", "transformers": "Transformers", "trl": "TRL", "onnxruntime": "ONNX Runtime", "ctranslate2": "CTranslate2"}.get(name, name)
    return f"({' '.join(filter(None, [shown, form.replace('-', ' ')]))})" if shown or form else ""


def details(results):
    """All sides of all rows, in Markdown."""
    text = ["| work | side | median (smallest–largest) | rounds |", "|---|---|---:|---:|"]
    for name in catalog.NAMES:
        entry = results["rows"].get(name)
        if not entry:
            continue
        row = importlib.import_module(name)
        for field in dict.fromkeys(line.field for line in row.LINES):
            shown = measure.FIELDS[field].unit + {"peak": " peak", "extra": " extra"}.get(field, "")
            for side, values in figures(entry, field).items():
                text.append(f"| {row.TITLE} | {side} | {with_spread(list(values.values()))} {shown} | {len(values)} |")
    return "\n".join(text) + "\n"


def between_markers(file, name, text):
    """Puts a text between <!-- name --> and <!-- /name --> of a file, where it has these."""
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    whole = file.read_text() if file.exists() else ""
    if begin not in whole or end not in whole:
        print(f"{file}: has no <!-- {name} --> to write between")
        return
    before, rest = whole.split(begin, 1)
    file.write_text(before + begin + text + end + rest.split(end, 1)[1])


def publish(results, out):
    picture = "\n![Limbeck beside its peers: how many times better, and what is to be reached](docs/performance.png)\n"
    between_markers(measure.ROOT / "README.md", "performance", summary(results) + picture)
    between_markers(measure.ROOT / "docs/performance.md", "performance-sides", details(results))
    published = json.loads(json.dumps(results))
    for row in published["rows"].values():  # files lie elsewhere on other machines: folder and name say which they are
        for key in ("pairs", "text", "sst2"):
            if row["settings"].get(key):
                row["settings"][key] = "/".join(pathlib.Path(row["settings"][key]).parts[-2:])
    (measure.ROOT / "docs/performance.json").write_text(json.dumps(published, indent=1, ensure_ascii=False) + "\n")
    for name in ("performance.svg", "performance.png"):
        shutil.copy(out / name, measure.ROOT / "docs" / name)
