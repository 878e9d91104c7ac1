// Programs that try to break the supervisor's rules, and the limits that it sets.
#include "sandbox/supervisor.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <set>

#include "sandbox/open_judge.h"

namespace limbeck::sandbox {
namespace {

// ---- What a program can see ----

using View = WithJudge;

TEST_F(View, IsAnEmptyRootWithTheInterpreter) {
  EXPECT_EQ(said("import os\nanswer = len(set(os.listdir('/')) - {'lib', 'lib64', 'tmp', 'usr'})", 0), "passed");
  for (const char* path :
       {"/etc/passwd", "/proc/self/mem", "/proc/1/environ", "/dev/null", "/sys", "/root", "/home", "/var"})
    EXPECT_EQ(said(fmt::format("import os\nanswer = int(os.path.exists('{}'))", path), 0), "passed") << path;
}

TEST_F(View, HasNoEnvironmentNoNetworkNameAndNoUserOfNote) {
  EXPECT_EQ(said("import os\nanswer = len(os.environ)", 0), "passed");
  EXPECT_EQ(said("import os\nraise SystemExit(os.uname().nodename)"), "exception SystemExit: limbeck");
  EXPECT_EQ(said("import os\nanswer = os.getuid()", 65534), "passed");
  EXPECT_EQ(said("import os\nanswer = os.getppid()", 1), "passed");
}

TEST_F(View, HoldsOnlyTheProgramsOwnDescriptors) {
  // 0 (empty), 1, 2 (output) and one for the report.
  EXPECT_EQ(
      said("import os\ndef is_open(n):\n  try:\n    os.fstat(n)\n    return True\n  except OSError:\n    return False\n"
           "answer = sum(is_open(n) for n in range(2000))",
           4),
      "passed");
}

TEST_F(View, IsReadOnlyButForItsFolder) {
  for (const char* path : {"/x", "/usr/x", "/usr/lib/x", "/lib/x"})
    EXPECT_EQ(verdict(fmt::format("open('{}', 'w')\nanswer = 1", path)).outcome, Outcome::kException) << path;
  EXPECT_EQ(verdict("import sys\nopen(sys.executable, 'r+b')\nanswer = 1").outcome, Outcome::kException);
  EXPECT_EQ(said("f = open('a', 'w')\nf.write('12')\nf.close()\nanswer = float(open('/tmp/a').read())", 12), "passed");
}

TEST_F(View, HasAnEmptyStandardInput) {
  EXPECT_EQ(said("input()"), "exception EOFError: EOF when reading a line");
  EXPECT_EQ(said("import sys\nanswer = len(sys.stdin.read())", 0), "passed");
}

// ---- What a program can do to others ----

using Others = WithJudge;

TEST_F(Others, SeeNoFilesLeftBehind) {
  for (int round = 0; round < 4; ++round) {
    EXPECT_EQ(
        said(fmt::format("import os\nleft = os.listdir('/tmp')\nfor i in range(20): open(f'f{{i}}', 'w').write('{}')\n"
                         "answer = len(left)",
                         round),
             0),
        "passed");
  }
}

TEST_F(Others, AreNotTouchedByWhatAProgramWritesToAnyDescriptor) {
  const std::string garbage =
      "import os\nfor n in range(64):\n  try:\n    os.write(n, b'A' * 100)\n  except OSError:\n    pass\nanswer = 5.0";
  std::vector<Program> programs;
  for (int i = 0; i < 20; ++i) {
    programs.push_back({.source = garbage + fmt::format(" + {}", i), .expected = 5.0 + i});
    programs.push_back({.source = fmt::format("answer = {}.0", i), .expected = i});
  }
  const auto verdicts = judge_->judge(programs);
  for (std::size_t i = 0; i < verdicts.size(); ++i)
    EXPECT_EQ(verdicts[i].outcome, i % 2 == 0 ? Outcome::kKilled : Outcome::kPassed) << i << ": " << verdicts[i].detail;
}

TEST_F(Others, AreNotTouchedByWhatAProgramSetsOnItsDescriptors) {
  JudgeOptions options = quick_options();
  options.workers = 1;  // all programs in one supervisor
  Judge* judge = judge_for("one after another", options);
  const std::vector<Program> programs = {
      {.source = "import os\nfor n in range(3): os.set_blocking(n, False)\nanswer = 1.0", .expected = 1},
      {.source = "import os\nanswer = float(sum(os.get_blocking(n) for n in range(3)))", .expected = 3},
      {.source = "import fcntl, os\nfor n in range(3):\n  fcntl.fcntl(n, fcntl.F_SETFL, os.O_APPEND | os.O_ASYNC)\n"
                 "answer = 1.0",
       .expected = 1},
      {.source = "import fcntl, os\nanswer = float(sum(fcntl.fcntl(n, fcntl.F_GETFL) & (os.O_APPEND | os.O_ASYNC) != 0 "
                 "for n in range(3)))",
       .expected = 0}};
  for (const Verdict& v : judge->judge(programs))
    EXPECT_EQ(v.outcome, Outcome::kPassed) << v.detail << " " << v.answer.value_or(-1);
}

TEST_F(Others, KeepTheirBuiltinsAndModules) {
  EXPECT_EQ(
      said("import builtins, math\nbuiltins.float = builtins.type = builtins.len = None\nmath.sqrt = lambda x: 7\n"
           "answer = 3.0",
           3),
      "passed");
  EXPECT_EQ(said("import math\nanswer = float(len('ab')) + math.sqrt(4)", 4), "passed");
}

TEST_F(Others, CannotBeFoundInTheMemoryThatAProgramInherits) {
  // Writes every page of the heap and of the interpreter's arenas into a pipe (a page that is not there is an error,
  // not a crash) and looks for a mark. With `planted` the mark is put there first, which shows that the search finds
  // what is there.
  const auto searching = [](bool planted) {
    return fmt::format(
        "import ctypes, os\n"
        "libc = ctypes.CDLL(None)\n"
        "libc.sbrk.restype = ctypes.c_void_p\n"
        "libc.write.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]\n"
        "mark = 'KRAM-TERCES'[::-1].encode() + str(977 * 1009).encode()\n"
        "kept = [(mark + b'!' * 40)[:60] for i in range(3)] if {} else []\n"
        "r, w = os.pipe()\n"
        "top = libc.sbrk(0)\n"
        "arenas = {{id(x) >> 20 for x in [object() for i in range(20000)]}} | {{id(os) >> 20, id('') >> 20}}\n"
        "starts = [top - (24 << 20) + (i << 12) for i in range(24 << 8)]\n"
        "starts += [(a << 20) + (i << 12) for b in arenas for a in (b - 1, b, b + 1) for i in range(256)]\n"
        "found = seen = 0\n"
        "for start in starts:\n"
        "  if libc.write(w, start, 4096) != 4096: continue\n"
        "  seen += 1\n"
        "  if os.read(r, 4096).count(mark + b'!'): found += 1\n"
        "assert seen > 500, seen\n"
        "answer = float(found > 0)",
        planted ? "True" : "False");
  };
  JudgeOptions options = quick_options();
  options.workers = 1;  // all programs in one supervisor
  options.limits.seconds = options.limits.cpu_seconds = 10;
  Judge* judge = judge_for("one", options);
  std::vector<Program> programs;
  for (int i = 0; i < 20; ++i)
    programs.push_back({.source = fmt::format("# SECRET-MARK985793!{}\nraise ValueError('SECRET-MARK985793!')\n", i)});
  programs.push_back({.source = searching(false), .expected = 0});
  programs.push_back({.source = searching(true), .expected = 1});
  const auto verdicts = judge->judge(programs);
  EXPECT_EQ(verdicts[0].detail, "ValueError: SECRET-MARK985793!");
  EXPECT_EQ(verdicts[20].outcome, Outcome::kPassed) << verdicts[20].detail << " " << verdicts[20].answer.value_or(-1);
  EXPECT_EQ(verdicts[21].outcome, Outcome::kPassed) << verdicts[21].detail << " " << verdicts[21].answer.value_or(-1);
}

TEST_F(Others, AreNotHeldUpByDescriptorsSentToTheSupervisor) {
  const Verdict v = verdict(
      "import _socket, array, os\n"
      "def ends():\n"
      "  for n in range(3, 64):\n"
      "    try:\n"
      "      yield _socket.socket(fileno=os.dup(n))\n"
      "    except OSError: pass\n"
      "s = next(ends())\n"
      "for i in range(8):\n"
      "  s.sendmsg([b'N'], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array('i', [1, 2, s.fileno()]))])\n"
      "os._exit(0)");
  EXPECT_NE(v.outcome, Outcome::kTimeOut) << v.detail;
  EXPECT_EQ(said("answer = 1.0", 1), "passed");
}

// ---- How programs end ----

using Ending = WithJudge;

TEST_F(Ending, OfAProgramThatBindsANumberIsComparedOutside) {
  EXPECT_EQ(said("answer = 12.0", 12), "passed");
  EXPECT_EQ(said("answer = 12.5", 12), "wrong_answer");
  EXPECT_EQ(said("answer = 12", 12), "passed");
  EXPECT_EQ(said("answer = -7.5", -7.5), "passed");
  EXPECT_EQ(said("answer = 3"), "passed");
  EXPECT_EQ(verdict("answer = 1e308 * 10").outcome, Outcome::kWrongAnswer);
  EXPECT_EQ(verdict("answer = float('nan')", 1).outcome, Outcome::kWrongAnswer);
  EXPECT_EQ(verdict("answer = float('nan')").outcome, Outcome::kWrongAnswer);
}

TEST_F(Ending, WithoutANumberIsAWrongAnswerThatSaysWhatItIs) {
  EXPECT_EQ(said("x = 1", 1), "wrong_answer answer is not bound");
  EXPECT_EQ(said("", 1), "wrong_answer answer is not bound");
  EXPECT_EQ(said("answer = True", 1), "wrong_answer answer is of type bool");
  EXPECT_EQ(said("answer = '1'", 1), "wrong_answer answer is of type str");
  EXPECT_EQ(said("answer = None", 1), "wrong_answer answer is of type NoneType");
  EXPECT_EQ(said("from fractions import Fraction\nanswer = Fraction(1)", 1), "wrong_answer answer is of type Fraction");
  EXPECT_EQ(said("class float(float): pass\nanswer = float(1)", 1), "wrong_answer answer is of type float");
  EXPECT_EQ(said("answer = 10 ** 5000", 1), "wrong_answer answer is of type int beyond the range of float");
}

TEST_F(Ending, ByAnExceptionNamesItsClassAndMessage) {
  EXPECT_EQ(said("answer = 1 / 0"), "exception ZeroDivisionError: division by zero");
  EXPECT_EQ(said("answer = ("), "exception SyntaxError: '(' was never closed (<program>, line 1)");
  EXPECT_EQ(said("raise KeyError"), "exception KeyError");
  EXPECT_EQ(said("import sys\nanswer = 1\nsys.exit(0)"), "exception SystemExit: 0");
  EXPECT_EQ(said("def f(): return f()\nf()"), "exception RecursionError: maximum recursion depth exceeded");
  EXPECT_EQ(said("import numpy"), "exception ModuleNotFoundError: No module named 'numpy'");
  EXPECT_EQ(verdict("answer = str(10 ** 10000)").outcome, Outcome::kException);  // Python's own limit on digits
  EXPECT_EQ(verdict("x = 'a\\0b'\nopen(x)").outcome, Outcome::kException);
}

TEST_F(Ending, ByAHostileExceptionIsStillAnException) {
  EXPECT_EQ(said("raise ValueError('x' * 10**6)").size(), std::string("exception ").size() + 200);
  EXPECT_EQ(said("raise ValueError('a\\nb\\x1b[2J\\ud800')"), "exception ValueError: a b [2J?");
  EXPECT_EQ(said("class E(Exception):\n  def __str__(self): raise self\nraise E"), "exception E");
  EXPECT_EQ(said("class E(BaseException):\n  def __str__(self): return 7\nraise E"), "exception E");
  EXPECT_EQ(said("raise KeyboardInterrupt"), "exception KeyboardInterrupt");
}

TEST_F(Ending, BeforeItsEndIsNotAnAnswer) {
  EXPECT_EQ(said("import os\nanswer = 12.0\nos._exit(0)", 12), "killed ended without a report");
  EXPECT_EQ(said("import os\nanswer = 12.0\nos._exit(3)", 12), "killed exit status 3 before its end");
  EXPECT_EQ(said("import os\nos.abort()"), "killed SIGABRT");
  EXPECT_EQ(said("import os\nos.kill(os.getpid(), 9)"), "killed SIGKILL");
  EXPECT_EQ(said("import signal\nsignal.raise_signal(signal.SIGTERM)"), "killed SIGTERM");
  EXPECT_EQ(said("import ctypes\nctypes.string_at(0)"), "killed SIGSEGV");
  EXPECT_EQ(said("import signal, time\nsignal.alarm(1)\nsignal.setitimer(signal.ITIMER_REAL, 0.01)\ntime.sleep(5)"),
            "killed SIGALRM");
}

TEST_F(Ending, TakesSourcesAsTheyAre) {
  EXPECT_EQ(said("# gr\xc3\xbc\xc3\x9f\x65\r\nanswer = len('\xe2\x82\xac')\r\n", 1), "passed");
  EXPECT_EQ(said("\xef\xbb\xbf"
                 "answer = 1",
                 1),
            "passed");
  EXPECT_EQ(verdict(std::string("answer\0= 1", 10)).outcome, Outcome::kException);
  EXPECT_EQ(said("x = '\xff'").substr(0, 22), "exception SyntaxError:");
  EXPECT_EQ(said("def f(): return __name__\nanswer = float(f() == '__main__')", 1), "passed");
  EXPECT_EQ(said("from dataclasses import dataclass\n@dataclass\nclass P:\n  x: 'float' = 2.0\nanswer = P().x", 2),
            "passed");
  EXPECT_EQ(said("x = " + std::string(900000, ' ') + "1\nanswer = x", 1), "passed");
  EXPECT_EQ(said(std::string((1 << 20) + 1, '#')), "exception a program of 1048577 bytes; at most 1048576 are judged");
}

TEST_F(Ending, IsTheSameForTheSameProgram) {
  // Hash seed and random numbers are fixed: verdicts must not change between runs, workers and machines.
  std::set<double> hashes, numbers;
  for (int i = 0; i < 8; ++i) {
    hashes.insert(*verdict(fmt::format("answer = hash('limbeck') % 1000003 # {}", i)).answer);
    numbers.insert(*verdict(fmt::format("import random\nanswer = random.random() # {}", i)).answer);
  }
  EXPECT_EQ(hashes.size(), 1U);
  EXPECT_EQ(numbers, std::set<double>{0.8444218515250481});  // random.seed(0); random.random()
}

// ---- Limits ----

using Limit = WithJudge;

class TimeLimit : public WithJudge {
 protected:
  TimeLimit() : WithJudge("brief", brief_options()) {}
};

TEST_F(TimeLimit, HoldsWhateverTheProgramDoes) {
  const std::vector<Program> programs = {
      {"import time\ntime.sleep(100)\nanswer = 1"},
      {"while True: pass"},
      {"while True:\n  try:\n    while True: raise ValueError\n  except BaseException:\n    pass"},
      {"import re\nre.match('(a+)+b', 'a' * 60)"},  // in C code
      {"import signal, time\n"
       "for n in range(1, 65):\n"
       "  try: signal.signal(n, signal.SIG_IGN)\n"
       "  except (OSError, ValueError): pass\n"
       "time.sleep(100)"},
      {"import os, time\n"
       "for n in range(64):\n"
       "  try: os.close(n)\n"
       "  except OSError: pass\n"
       "time.sleep(100)"},
      {"class E(Exception):\n  def __str__(self):\n    while True: pass\nraise E"},
      {"class F(float):\n  pass\ndef stop(*a):\n  while True: pass\nimport sys\nsys.stdout.flush = stop\nanswer = "
       "1\nstop()"},
  };
  for (const Verdict& v : judge_->judge(programs)) {
    EXPECT_EQ(v.outcome, Outcome::kTimeOut) << v.detail;
    EXPECT_EQ(v.detail, "0.25 s");
    EXPECT_GE(v.seconds, 0.25);
  }
}

class SlowProcessorTimeLimit : public WithJudge {
 protected:
  SlowProcessorTimeLimit() : WithJudge("processor", {.limits = {.seconds = 300, .cpu_seconds = 0.2}, .workers = 1}) {}
};

TEST_F(SlowProcessorTimeLimit, CountsWorkAndNotSleep) {
  EXPECT_EQ(said("import time\ntime.sleep(0.5)\nanswer = 1", 1), "passed");
  EXPECT_EQ(said("import time\nwhile time.process_time() < 0.4: pass\nanswer = 1", 1),
            "time_out 0.2 s of processor time");
}

TEST_F(SlowProcessorTimeLimit, CannotBeCaught) {
  EXPECT_EQ(said("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass"),
            "time_out 0.2 s of processor time");
}

TEST_F(Limit, OnOutputCountsBothStreams) {
  EXPECT_EQ(said("print('x' * 4095)\nanswer = 1", 1), "passed");
  EXPECT_EQ(said("print('x' * 4096)\nanswer = 1", 1), "output_limit more than 4096 bytes");
  EXPECT_EQ(said("import sys\nprint('x' * 3000, flush=True)\nprint('x' * 3000, file=sys.stderr)\nanswer = 1", 1),
            "output_limit more than 4096 bytes");
  EXPECT_EQ(said("while True: print('x' * 10**6)"), "output_limit more than 4096 bytes");
}

TEST_F(Limit, OnMemoryCoversListsStringsAndMaps) {
  EXPECT_EQ(said("x = [0] * 10**9"), "memory more than 128 MiB");
  EXPECT_EQ(said("x = 'a'\nwhile True: x += x"), "memory more than 128 MiB");
  EXPECT_EQ(said("x = []\nwhile True: x.append(bytearray(1 << 20))"), "memory more than 128 MiB");
  EXPECT_EQ(verdict("import mmap\nm = mmap.mmap(-1, 1 << 30)\nanswer = 1").outcome, Outcome::kException);  // ENOMEM
  EXPECT_EQ(said("x = bytearray(40 << 20)\nanswer = 1", 1), "passed");
}

TEST_F(Limit, OnFilesBoundsEachAndAllTogether) {
  EXPECT_EQ(said("f = open('a', 'wb')\nf.write(b'x' * 65536)\nf.close()\nanswer = 1", 1), "passed");
  EXPECT_EQ(said("f = open('a', 'wb', 0)\nwhile True: f.write(b'x' * 65536)"),
            "exception OSError: [Errno 27] File too large");
  EXPECT_EQ(said("for i in range(100):\n  f = open(f'f{i}', 'wb', 0)\n  f.write(b'x' * 4000)\n  f.close()"),
            "exception OSError: [Errno 28] No space left on device");
  EXPECT_EQ(said("import os\nx = [os.pipe() for i in range(100)]"),
            "exception OSError: [Errno 24] Too many open files");
}

TEST_F(Limit, OnFilesCountsEmptyOnesToo) {
  // Open for so long as it takes to make it: an empty file costs neither a page of the folder nor address space.
  const std::string making =
      "import os\nfor i in range({}): os.close(os.open('f' + str(i{}), os.O_CREAT | os.O_WRONLY))\nanswer = 1.0";
  EXPECT_EQ(said(fmt::format(fmt::runtime(making), 1000, ""), 1), "passed");
  EXPECT_EQ(said(fmt::format(fmt::runtime(making), 1001, ""), 1), "output_limit more than 1000 files");
  EXPECT_EQ(said(fmt::format(fmt::runtime(making), 1001, " % 10"), 1), "output_limit more than 1000 files")
      << "made, whatever is left of them";
  EXPECT_EQ(said("import os\ni = 0\nwhile True:\n  os.close(os.open(str(i), os.O_CREAT | os.O_WRONLY))\n  i += 1"),
            "output_limit more than 1000 files");
  EXPECT_EQ(said("import os\nfor i in range(5000): os.close(os.open(os.__file__, os.O_RDONLY))\nanswer = 1.0", 1),
            "passed")
      << "those that are read are not counted";
}

TEST_F(Limit, OnProcessesIsNoneByDefault) {
  EXPECT_EQ(said("import os\nwhile True: os.fork()"), "forbidden_call clone");
  EXPECT_EQ(said("import threading\nthreading.Thread(target=print).start()\nanswer = 1"), "forbidden_call clone");
  EXPECT_EQ(verdict("import subprocess\nsubprocess.run(['/usr/bin/python3.11'])").outcome, Outcome::kForbiddenCall);
}

class WithoutFiles : public WithJudge {
 protected:
  WithoutFiles() : WithJudge("no files", {.limits = {.file_bytes = 0}, .workers = 1}) {}
};

TEST_F(WithoutFiles, OpeningForWritingIsAForbiddenCallAndReadingIsNot) {
  EXPECT_EQ(said("open('a', 'w')\nanswer = 1"), "forbidden_call openat");
  EXPECT_EQ(said("import os\nos.unlink('a')\nanswer = 1"), "forbidden_call unlink");
  EXPECT_EQ(said("import os\nanswer = float(len(open(os.__file__).read()) > 0)", 1), "passed");
}

class WithProcesses : public WithJudge {
 protected:
  WithProcesses() : WithJudge("processes", {.limits = {.memory_mib = 512, .processes = 3}, .workers = 1}) {}
};

TEST_F(WithProcesses, ThreadsAndForksWorkUpToTheirNumber) {
  EXPECT_EQ(said("import threading\nx = []\nts = [threading.Thread(target=x.append, args=(i,)) for i in range(3)]\n"
                 "for t in ts: t.start()\nfor t in ts: t.join()\nanswer = sum(x)",
                 3),
            "passed");
  EXPECT_EQ(said("import os\nr, w = os.pipe()\nif os.fork() == 0:\n  os.write(w, b'8')\n  os._exit(0)\nos.wait()\n"
                 "answer = int(os.read(r, 1))",
                 8),
            "passed");
  EXPECT_EQ(said("import os\nwhile True: os.fork()"), "forbidden_call clone");
}

TEST_F(WithProcesses, NothingOfAProgramOutlivesIt) {
  const Verdict left = verdict(
      "import os, time\nif os.fork() == 0:\n  if os.fork() == 0:\n    while True: time.sleep(1)\n  os._exit(0)\nanswer "
      "= 1",
      1);
  EXPECT_EQ(left.outcome, Outcome::kPassed) << left.detail;
  // The next program has the namespace to itself: process 1 and its own number, which no other process of ours holds.
  EXPECT_EQ(said("import os, time\nopen('a', 'w').write('x')\ntime.sleep(0.05)\nanswer = len(os.listdir('/tmp'))", 1),
            "passed");
}

TEST_F(WithProcesses, NewNamespacesStayForbidden) {
  EXPECT_EQ(said("import ctypes\nctypes.CDLL(None).syscall(56, 0x10000000 | 17, 0, 0, 0, 0)\nanswer = 1"),
            "forbidden_call clone");
}

TEST(SupervisorArguments, CarryTheLimits) {
  const auto words = supervisor_arguments({.seconds = 1.5, .cpu_seconds = 0.5, .memory_mib = 100});
  const std::set<std::string> set(words.begin(), words.end());
  EXPECT_TRUE(set.contains("seconds=1.5"));
  EXPECT_TRUE(set.contains("cpu=1")) << "whole seconds, rounded up";
  EXPECT_TRUE(set.contains("memory=104857600"));
}

}  // namespace
}  // namespace limbeck::sandbox
