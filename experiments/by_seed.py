"""What the experiments share that run a method once for each seed, everything but the teacher drawn anew: the runs, one thread each and as
many at once as there are cores, and the statistics of their arms.

An interval is Student's t over the seeds. Arms of one seed share their data, so differences between arms are taken seed by seed. What the
test rows leave open is a second interval, of the difference that each row has on the mean of the seeds.
"""
import concurrent.futures, json, math, os, pathlib, subprocess, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEPS = pathlib.Path(os.environ.get("LIMBECK_DEPS", pathlib.Path.home() / ".cache" / "limbeck"))
LIMBECK = ROOT / "build/release/limbeck"


def limbeck(*arguments, log=None, threads=None):
    """One program run; with a log its output goes there."""
    environment = dict(os.environ, **({"OMP_NUM_THREADS": str(threads)} if threads else {}))
    command = [str(LIMBECK), *map(str, arguments)]
    if log is None:
        subprocess.run(command, check=True, cwd=ROOT, env=environment)
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with open(log, "a") as file:
        if subprocess.run(command, cwd=ROOT, env=environment, stdout=file, stderr=subprocess.STDOUT).returncode:
            raise RuntimeError(f"{' '.join(command)}\nfailed; the end of {log}:\n" + "".join(open(log).readlines()[-8:]))


def run_seeds(method, config, seeds, work, flags, jobs, finished, part=""):
    """work/seed-N{part} for each seed that has no table yet; `finished` is called after each. Flags of a finished run are not looked at."""

    def one(seed):
        out, begin = work / f"seed-{seed}{part}", time.time()
        if not (out / "table.json").exists():
            limbeck("run", method, config, f"--out={out}", f"--seed={seed}", *flags, log=work / f"{out.name}.log", threads=1)
        print(f"{out.name}: done ({(time.time() - begin) / 60:.1f} min)", flush=True)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for future in concurrent.futures.as_completed([pool.submit(one, seed) for seed in seeds]):
            future.result()
            finished()


# Statistics.

def t_tail(t, df):
    """P(|T| > t) by Simpson's rule over the angle of t = sqrt(df) tan(a), where the density is cos(a)^(df - 1)."""
    n, top = 400, math.atan(t / math.sqrt(df))
    density = lambda a: math.cos(a) ** (df - 1)
    step = top / n
    inside = sum((1 if i in (0, n) else 4 if i % 2 else 2) * density(i * step) for i in range(n + 1)) * step / 3
    return max(0.0, 1 - 2 * inside * math.gamma((df + 1) / 2) / (math.sqrt(math.pi) * math.gamma(df / 2)))


def t_quantile(df):
    """The t with P(|T| > t) = 0.05."""
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, df) > 0.05 else (low, middle)
    return high


def mean(values):
    return sum(values) / len(values)


def standard_error(values):
    m = mean(values)
    return math.sqrt(sum((v - m) ** 2 for v in values) / (len(values) - 1) / len(values))


def interval(values, digits, sign=""):
    """"mean ± half of the 95 % interval"."""
    text = f"{mean(values):{sign}.{digits}f}"
    return f"{text} ± {t_quantile(len(values) - 1) * standard_error(values):.{digits}f}" if len(values) > 1 else text


def p_text(differences):
    """Of the paired t test."""
    if len(differences) < 2:
        return "–"
    error = standard_error(differences)
    p = t_tail(abs(mean(differences)) / error, len(differences) - 1) if error > 0 else float(mean(differences) == 0)
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


# Tables. An arm's figures are lists of one number a seed, None where that seed has not the arm.

def pairs(ours, theirs):
    """What both have: two lists of the same seeds."""
    both = [(a, b) for a, b in zip(ours, theirs) if a is not None and b is not None]
    return [a for a, _ in both], [b for _, b in both]


def right_rows(folder):
    """For each test row whether it is right: 0 or 1."""
    rows = [json.loads(line) for line in open(folder / "predictions.jsonl", encoding="utf-8")]
    return [float(row["label"] == row["gold"]) for row in rows]


def row_interval(ours, theirs):
    """Mean difference over the rows, each row's own mean over the seeds: "± half of the 95 % interval"."""
    ours, theirs = pairs(ours, theirs)
    differences = [mean(a) - mean(b) for a, b in zip(zip(*ours), zip(*theirs))]
    return f"± {196 * standard_error(differences):.2f}"


def figure_table(title, arms, main, digits, scale=1.0):
    """| arm | figure | less main, seed by seed | p |; arms: {title: values}. Where not all have all seeds, how many they have."""
    uneven = any(value is None for values in arms.values() for value in values)
    text = f"| arm |{' seeds |' if uneven else ''} {title} | less {main} | p |\n|---|{'---:|' if uneven else ''}---:|---:|---:|\n"
    for name, values in arms.items():
        there = [scale * value for value in values if value is not None]
        differences = [scale * (a - b) for a, b in zip(*pairs(values, arms[main]))]
        less = ("", "") if name == main else (interval(differences, digits, "+"), p_text(differences))
        text += f"| {name} |{f' {len(there)} |' if uneven else ''} {interval(there, digits)} | {less[0]} | {less[1]} |\n"
    return text


def around(readme, script):
    """What stands before, between and behind the README's two marks, the marks with what is outside."""
    begin, end = f"<!-- table: written by {script} -->\n", "<!-- end of table -->"
    before, rest = readme.read_text(encoding="utf-8").split(begin)
    between, after = rest.split(end)
    return before + begin, between, end + after


def read_between(readme, script):
    return around(readme, script)[1]


def write_between(readme, script, body):
    before, _, after = around(readme, script)
    readme.write_text(before + "\n" + body + "\n" + after, encoding="utf-8")
