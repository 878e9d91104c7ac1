"""What the experiments share that run a method on several tasks, all seeds of all arms in one run: the runs and their tables.

Tasks are files of configs/tasks, whose data is read in place from ../shared/data; one whose data is not there is skipped with a message.
"""
import argparse, json, pathlib, re, tomllib
import by_seed


def arguments_of(description, tasks, method):
    """--tasks, --model, --work and --table; what else is given goes to every run."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default=tasks)
    parser.add_argument("--model", type=pathlib.Path, default=by_seed.DEPS / "models" / "minilm")
    parser.add_argument("--work", type=pathlib.Path, default=by_seed.ROOT / "runs" / f"{method}-experiment")
    parser.add_argument("--table", action="store_true")
    arguments, flags = parser.parse_known_args()
    arguments.work, arguments.model = arguments.work.resolve(), arguments.model.resolve()
    arguments.tasks = arguments.tasks.split(",")
    return arguments, flags


def data_of(task):
    """The first file that a task file names."""
    text = (by_seed.ROOT / "configs" / "tasks" / f"{task}.toml").read_text()
    folder = re.search(r'^folder = "(.*)"', text, re.M).group(1)
    first = re.search(r'^train = \[\s*"([^"#]*)', text, re.M).group(1)
    return (by_seed.ROOT / "configs" / "tasks" / folder / first).resolve()


BASELINES = "-baselines"  # behind a task's name: the folder of a second run, of arms that need something more


def run(method, config, models, arguments, flags, finished, part=""):
    """The method on each task, in work/TASK{part}; `models` are the options that name the model. `finished` is called after each task."""
    if not arguments.model.exists():
        print(f"SKIPPED: {arguments.model} is not there; run scripts/setup")
        return
    for task in arguments.tasks:
        if not data_of(task).exists():
            print(f"SKIPPED {task}: {data_of(task)} is not there")
            continue
        by_seed.limbeck("run", method, config, f"--out={arguments.work / (task + part)}", f"--task=configs/tasks/{task}.toml",
                        *[f"--{name}={arguments.model}" for name in models], *flags)
        finished()


def over_seeds(pages, main):
    """Each arm's first figure over its seeds, and what it has less the arm `main`, seed by seed: means and 95 % intervals. An arm of two pages is the first's."""
    found = {}
    for page in pages:
        for arm in json.loads(page.read_text())["arms"]:
            found.setdefault(arm["arm"], arm)
    arms = list(found.values())
    metric = next(iter(arms[0]["figures"]))
    title = next(arm["title"] for arm in arms if arm["arm"] == main)
    return by_seed.figure_table(f"{metric} %", {arm["title"]: arm["figures"][metric]["runs"] for arm in arms}, title, 2, scale=100)


def as_measured(page):
    """The run's own table; of its comparisons with other arms, only those of the first figure."""
    lines, first = page.read_text().splitlines(), None
    kept, inside = [], False
    for line in lines:
        inside = line.startswith("| against |") or (inside and line.startswith("|"))
        cells = [cell.strip() for cell in line.split("|")]
        if inside and len(cells) > 3 and not line.startswith(("| against |", "|---")):
            first = first or cells[2]
            if cells[2] != first:
                continue
        kept.append(line)
    return "\n".join(kept) + "\n"


def sections_of(arguments, main, more):
    """{task: its section} of the finished ones; `more` adds to it what the method has beside the tables."""
    sections = {}
    for task in arguments.tasks:
        page, options = arguments.work / task / "table.md", arguments.work / task / "options.toml"
        if not page.exists():
            continue
        pages = [page] + [other for other in [arguments.work / (task + BASELINES) / "table.md"] if other.exists()]
        used = tomllib.loads(options.read_text())
        rows, train = used["train_rows"] or "all", used["train"]
        text = f"### {task}\n\n{used['seeds']} seeds an arm, {rows} training rows, {train['epochs']:.1f} epochs of batches of {train['batch_size']}, learning rate {train['learning_rate']:g}.\n\n"
        sections[task] = text + over_seeds([page.with_suffix(".json") for page in pages], main) + "\n" + "\n".join(map(as_measured, pages)) + more(arguments.work / task, used) + "\n"
    return sections


def write_tables(readme, script, arguments, main, more):
    sections = sections_of(arguments, main, more)
    if not sections:
        print("no finished run yet: the tables stay as they are")
        return
    there = by_seed.read_between(readme, script).split("### ")[1:]  # a task that was not run here keeps what stands there
    sections = {part.split("\n")[0]: "### " + part for part in there} | sections
    by_seed.write_between(readme, script, "\n".join(text.rstrip("\n") + "\n" for text in sections.values()))
