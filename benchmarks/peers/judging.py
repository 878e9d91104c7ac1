"""Short Python programs judged, programs a second: `limbeck verify` beside the two ways in which Python harnesses do it.

  manager  the executor of public code benchmarks (HumanEval"s `execution.py`, written anew): a thread pool; per program a
           multiprocessing Manager and a forked Process with a temporary folder, swallowed streams, an alarm and nulled functions.
           Not isolated.
  fork     the leanest form of that: one fork and one pipe per program, nothing else. Not isolated.
  limbeck  the whole command: start of the program, reading, isolation, judging, writing.

The same distinct programs for each, on all cores. A side must agree with what is known of every program.
"""
import concurrent.futures
import contextlib
import io
import json
import math
import multiprocessing
import os
import pathlib
import random
import select
import shutil
import signal
import struct
import sys
import tempfile
import time

import measure
from measure import Line

TITLE = "judging short Python programs"
QUICK = dict(programs=1500)
FULL = dict(programs=6000)
LINES = [Line(TITLE + ", isolated; the peer is not", "limbeck", "process+manager", 10, "programs"),
         Line(TITLE + ", isolated; the peer is not", "limbeck", "fork+pipe", 1, "programs")]
SECONDS = 2.0


def make_programs(count):
    """Short straight-line programs in the manner of few-shot samples; one in ten fails in one of several ways."""
    rng, rows = random.Random(7), []
    for i in range(count):
        a, b, c = (rng.randint(1, 99) for _ in range(3))
        text = f"n0 = {a}.0\nn1 = {b}.0\nn2 = {c}.0\nt0 = n0 * n1\nt1 = t0 - n2\nanswer = t1 / 2.0  # {i}\n"
        answer = (a * b - c) / 2.0
        if i % 40 == 1:
            text = text.replace("n2\n", "n3\n", 1)                       # NameError
        elif i % 40 == 11:
            text = text.replace("t0 = ", "t0 = (")                       # SyntaxError
        elif i % 40 == 21:
            answer += 1000.0                                             # wrong
        elif i % 40 == 31:
            text = "import math\n" + text + "answer = math.floor(answer) + 5000\n"
        rows.append({"program": text, "answer": answer, "passes": i % 10 != 1})
    return rows


def passes(value, expected):
    return type(value) in (int, float) and abs(value - expected) / max(abs(expected), 1e-5) < 0.01


class Silence(io.StringIO):
    def read(self, *_):
        raise OSError


def run_guarded(source, expected, seconds, result):
    folder, here = tempfile.mkdtemp(), os.getcwd()
    os.chdir(folder)
    # What multiprocessing and the clean-up need is kept before the rest is nulled.
    rmtree, chdir = shutil.rmtree, os.chdir
    nulled = {name: getattr(os, name) for name in ("kill", "system", "fork", "remove", "rename", "rmdir", "unlink")}
    for name in nulled:
        setattr(os, name, None)

    def alarm(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        names, stream = {}, Silence()
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            exec(source, names)
        result.append(passes(names.get("answer"), expected))
    except BaseException:
        result.append(False)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for name, function in nulled.items():
            setattr(os, name, function)
        chdir(here)
        rmtree(folder)


def with_manager(row):
    with multiprocessing.Manager() as manager:
        result = manager.list()
        process = multiprocessing.Process(target=run_guarded, args=(row["program"], row["answer"], SECONDS, result))
        process.start()
        process.join(SECONDS + 1)
        if process.is_alive():
            process.kill()
        return bool(result and result[0])


def judge_with_managers(rows):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(with_manager, rows))


def with_fork(row):
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        value = math.nan
        try:
            names = {}
            exec(row["program"], names)
            value = float(names["answer"])
        except BaseException:
            pass
        os.write(writing, struct.pack("<d", value))
        os._exit(0)
    os.close(writing)
    ready, _, _ = select.select([reading], [], [], SECONDS)
    data = os.read(reading, 8) if ready else b""
    if len(data) < 8:
        os.kill(pid, signal.SIGKILL)
    os.close(reading)
    os.waitpid(pid, 0)
    return len(data) == 8 and passes(struct.unpack("<d", data)[0], row["answer"])


def fork_share(rows):
    return [with_fork(row) for row in rows]


def judge_with_forks(rows):
    cores = os.cpu_count()
    with multiprocessing.Pool(cores) as pool:
        shares = pool.map(fork_share, [rows[i::cores] for i in range(cores)])
    verdicts = [False] * len(rows)
    for i, share in enumerate(shares):
        verdicts[i::cores] = share
    return verdicts


def judge_with_limbeck(rows):
    with tempfile.TemporaryDirectory() as folder:
        source, target = f"{folder}/in.jsonl", f"{folder}/out.jsonl"
        pathlib.Path(source).write_text("".join(json.dumps(row) + "\n" for row in rows))
        begun = time.perf_counter()
        measure.run([measure.PROGRAM, "verify", f"--input={source}", f"--out={target}", f"--limits.seconds={SECONDS}"])
        seconds = time.perf_counter() - begun
        return [json.loads(line)["verdict"] == "passed" for line in open(target)], seconds


WAYS = {"limbeck": judge_with_limbeck, "process+manager": judge_with_managers, "fork+pipe": judge_with_forks}


def sides(settings):
    return list(WAYS)


def missing(settings):
    return None


def run_side(side, settings):
    multiprocessing.set_start_method("fork")
    rows = make_programs(settings["programs"])
    begun = time.perf_counter()
    verdicts = WAYS[side](rows)
    seconds = time.perf_counter() - begun
    if side == "limbeck":
        verdicts, seconds = verdicts
    wrong = [i for i, (verdict, row) in enumerate(zip(verdicts, rows)) if verdict != row["passes"]]
    if wrong:
        raise SystemExit(f"[judging] {side} is wrong about programs {wrong[:10]}")
    # The sandbox's own init waits for its programs, so their time cannot be told from that of others.
    return {"programs": len(rows) / seconds, "seconds": seconds, "passed": sum(verdicts), "others": None}


def main():
    """judging.py PROGRAMS VERDICTS: judges {"program", "answer"} a line as the public executor does; true or false a line."""
    multiprocessing.set_start_method("fork")
    rows = [json.loads(line) for line in open(sys.argv[1])]
    pathlib.Path(sys.argv[2]).write_text(json.dumps(judge_with_managers(rows)))


if __name__ == "__main__":
    main()
