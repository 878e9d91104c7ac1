"""What the rows share: a measured process, its peak memory, and how busy the machine is with other work."""
import contextlib
import dataclasses
import os
import pathlib
import resource
import subprocess
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("LIMBECK_PROGRAM", str(ROOT / "build/release/limbeck"))
CORES = len(os.sched_getaffinity(0))
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclasses.dataclass
class Field:
    """Something that is measured, as tables show it."""
    unit: str
    scale: float = 1
    lower: bool = False  # less is better


FIELDS = {"rate": Field("tokens/s"), "programs": Field("programs/s"), "sentences": Field("sentences/s"), "text": Field("MB/s", 1e-6), "seconds": Field("s", lower=True),
          "peak": Field("GiB", 2**-30, lower=True), "extra": Field("GiB", 2**-30, lower=True)}


@dataclasses.dataclass
class Line:
    """A line of the table: the best of our sides beside the best of a peer's, sides being named by what they begin with."""
    work: str
    ours: str
    peer: str
    target: float       # how many times better to be; of memory: our share at most
    field: str = "rate"


def tree_of(pid):
    yield pid
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from tree_of(int(child))


def resident(pid):
    with contextlib.suppress(OSError, ValueError):
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return 0


def highest(pid):
    """The kernel's own record of a process that still runs."""
    with contextlib.suppress(OSError):
        for line in open(f"/proc/{pid}/status"):
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class PeakMemory:
    """Most resident bytes of a process and all its descendants together, looked at 20 times a second; never less than the kernel's
    record of the process itself."""

    def __init__(self, pid):
        self.pid, self.bytes, self.stop = pid, 0, threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def look(self):
        self.bytes = max(self.bytes, sum(map(resident, tree_of(self.pid))), highest(self.pid))

    def watch(self):
        while not self.stop.wait(0.05):
            self.look()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.look()
        self.stop.set()
        self.thread.join()


@dataclasses.dataclass
class Finished:
    out: str
    error: str
    seconds: float
    peak: int


def run(command, **environment):
    """Runs a command to its end; what it does not do right ends the measurement."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as error:
        begun = time.perf_counter()
        process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=error, env={**os.environ, **environment})
        with PeakMemory(process.pid) as memory:
            _, status, usage = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0), error.seek(0)
        text, complaint = out.read(), error.read()
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {process.returncode}\n{text[-2000:]}\n{complaint[-4000:]}")
    return Finished(text, complaint, seconds, max(memory.bytes, usage.ru_maxrss * 1024))


def knows(verb, *words):
    """Whether the help of one of our verbs names all of these."""
    text = subprocess.run([PROGRAM, verb, "--help"], capture_output=True, text=True).stdout
    return all(word in text for word in words)


class Bystanders:
    """Cores that other work on the machine kept busy while a measurement of this process ran. What the machine's host takes away counts too;
    so does what descendants used that nobody waited for."""

    def __enter__(self):
        self.begun, self.before = time.perf_counter(), self.others()
        return self

    def __exit__(self, *_):
        self.cores = round(max(0.0, self.others() - self.before) / (time.perf_counter() - self.begun), 2)

    @staticmethod
    def others():
        """Seconds that the processors worked for anybody else."""
        fields = [int(x) for x in open("/proc/stat").readline().split()[1:9]]
        own = sum(u.ru_utime + u.ru_stime for u in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)))
        return (sum(fields[:3]) + sum(fields[5:])) / os.sysconf("SC_CLK_TCK") - own
