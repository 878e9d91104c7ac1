// The supervisor's rules, each of which a test tries to break:
//  - The source travels on descriptor 0 straight into the forked child, and its report goes through a buffer that is
//  wiped:
//    the supervisor's memory, which every child inherits, never holds another program's text or answer.
//  - A child holds descriptors 0 (empty), 1 and 2 (counted output) and its own report socket; nothing of the
//  supervisor's, and nothing that another program held or will hold: what it sets on them ends with it.
//  - The supervisor is process 1 of its namespace: signals of its children do not reach it.
//  - Whatever the report says, how the program ended is told by the kernel: wait status, processor time, filter.
#include "sandbox/supervisor.h"

#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <cmath>

#include "base/errors.h"
#include "sandbox/filter.h"
#include "sandbox/protocol.h"

namespace limbeck::sandbox {

const char* const kSupervisor = R"python(
import sys
sys.path[:] = [folder for folder in sys.path if folder]
import array, builtins, ctypes, fcntl, gc, os, resource, select, signal, struct, time, types
import _socket
# Imported once here, so that programs that use them start at once. More would make every fork dearer.
register, os.register_at_fork = os.register_at_fork, lambda **hooks: None
import random                                 # would seed itself in every child; it shall be the same in all
os.register_at_fork = register
import math, re, string, itertools, functools, collections, operator, heapq, bisect, copy, typing

# A program may overwrite builtins; what runs after it uses these.
float, int, str, type, len, bytes = float, int, str, type, len, bytes
BaseException, MemoryError, OverflowError = BaseException, MemoryError, OverflowError

options = dict(word.split('=', 1) for word in sys.argv[1:])
number = lambda name: int(options[name])
wall_seconds, cpu_seconds = float(options['seconds']), number('cpu')
memory_bytes, output_bytes, file_bytes = number('memory'), number('output'), number('file')
max_processes, max_files, max_report = number('processes'), number('files'), number('report')
request_magic, reply_magic = number('request_magic'), number('reply_magic')
call_seccomp, notification_receive, notification_send = number('seccomp'), number('receive'), number('send')
call_clone, call_fork, call_vfork = number('clone'), number('fork'), number('vfork')
call_open, call_openat, max_made = number('open'), number('openat'), number('made')
calls_to_signal = {number('kill'), number('tkill'), number('tgkill')}
new_namespaces = number('namespaces')

instructions = bytes.fromhex(options['filter'])
class FilterProgram(ctypes.Structure):
    _fields_ = [('length', ctypes.c_ushort), ('instructions', ctypes.c_char_p)]
filter_program = FilterProgram(len(instructions) // 8, instructions)
filter_address = ctypes.byref(filter_program)
libc = ctypes.CDLL(None, use_errno=True)
system_call = libc.syscall

request_header = struct.Struct('<IIQ')        # magic, bytes of source, id
reply_header = struct.Struct('<IIQiIiIdd')    # magic, bytes of report, id, status, flags, call, 0, seconds, processor seconds
notification = struct.Struct('=QIIiIQ6Q')     # id, pid, flags, call, architecture, address, arguments
notification_answer = struct.Struct('=QqiI')  # id, value, error, flags
TIMED_OUT, OUTPUT, FORBIDDEN, FILES = 1, 2, 4, 8

channel = 3                                   # the supervisor's own; children close it
os.dup2(0, channel, False)
nothing, closed = os.pipe()                   # reads as an empty file
os.close(closed)
os.dup2(nothing, 0, False)
os.dup2(nothing, 1, False)

scratch, report = bytearray(65536), bytearray(max_report + 1)
no_report = bytes(len(report))
os.environ.clear()
sys.argv[:] = ['program']
signal.signal(signal.SIGINT, signal.SIG_IGN)
libc.prctl(4, 0, 0, 0, 0)                     # PR_SET_DUMPABLE: nobody attaches to the supervisor
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
empty_folder = os.stat('/tmp').st_size if file_bytes else 0
program_module = types.ModuleType('__main__')
supervisor_module, sys.modules['__main__'] = sys.modules['__main__'], program_module
program_module.__builtins__ = builtins


def read_fully(size):
    data = bytearray(size)
    view, filled = memoryview(data), 0
    while filled < size:
        got = os.readv(channel, [view[filled:]])
        if got == 0:
            os._exit(0)
        filled += got
    return data


def describe(value):
    kind = type(value)
    if kind is float:
        return b'Af' + struct.pack('<d', value)
    if kind is int:
        try:
            return b'Ai' + struct.pack('<d', float(value))
        except OverflowError:
            return b'Oint beyond the range of float'
    return b'O' + kind.__name__.encode('utf-8', 'replace')[:200]


def describe_error(error):
    text = type(error).__name__
    try:
        message = str(error)
        if message:
            text += ': ' + message[:400]
    except BaseException:
        pass
    return b'E' + text.encode('utf-8', 'replace')[:800]


def run_program(size, output, reports):
    # Runs in the child. What stands before the filter is ours; from compile() on, nothing is trusted.
    source = bytes(read_fully(size))
    write, leave, flush, kept = os.write, os._exit, sys.stdout.flush, reports.fileno()
    empty, closed = os.pipe()                                 # its own: a later program would see what it sets on it
    os.close(closed)
    os.dup2(empty, 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.closerange(3, kept)
    os.closerange(kept + 1, 1024)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max_files, max_files))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    listener = system_call(call_seccomp, 1, 8, filter_address)  # SECCOMP_SET_MODE_FILTER, ..._NEW_LISTENER
    if listener < 0:
        leave(70)
    reports.sendmsg([b'L'], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, array.array('i', [listener]))])
    os.close(listener)
    names = program_module.__dict__
    try:
        try:
            exec(compile(source, '<program>', 'exec', 0, True), names)
            result = describe(names['answer']) if 'answer' in names else b'N'
        except MemoryError:
            result = b'M'
        except BaseException as error:
            result = describe_error(error)
        try:
            flush()
        except BaseException:
            pass
        write(kept, result)
        leave(0)
    except MemoryError:
        leave(71)
    finally:
        leave(72)


def receive_listener(reports):
    data, ancillary, _, _ = reports.recvmsg(1, _socket.CMSG_SPACE(4))
    if data != b'L' or len(ancillary) != 1:
        os._exit(4)
    return array.array('i', ancillary[0][2])[0]


class Watch:
    """One running program: what it wrote, which forbidden call it made, when it must end."""

    def __init__(self):
        self.flags = self.call = self.written = self.started = self.made = 0

    def read_output(self, output):
        try:
            got = os.readv(output, [scratch])
        except BlockingIOError:
            return 0
        scratch[:got] = bytes(got)
        self.written += got
        if self.written > output_bytes:
            self.flags |= OUTPUT
        return got

    def answer_call(self, listener):
        # A call that the filter does not allow. The decision looks at registers only, which the caller cannot change any more.
        buffer = bytearray(notification.size)
        try:
            fcntl.ioctl(listener, notification_receive, buffer, True)
        except OSError:
            return                                            # it was killed meanwhile
        ident, pid, _, call, _, _, *arguments = notification.unpack(buffer)
        itself = call in calls_to_signal and arguments[0] == pid
        if file_bytes and call in (call_open, call_openat):   # one that may make a file; the filter lets others pass
            self.made += 1
            if self.made > max_made:
                self.flags |= FILES
                return
            itself = True
        if call in (call_clone, call_fork, call_vfork) and self.started < max_processes:
            flags = arguments[0] if call == call_clone else 0
            itself = not flags & new_namespaces
            self.started += itself
        if not itself:
            self.flags |= FORBIDDEN
            self.call = call
            return
        try:
            fcntl.ioctl(listener, notification_send, bytearray(notification_answer.pack(ident, 0, 0, 1)), True)  # continue
        except OSError:
            pass


def watch(process, output, listener):
    state, begun = Watch(), time.monotonic()
    poller = select.poll()
    for descriptor in (process, output, listener):
        poller.register(descriptor, select.POLLIN)
    running = True
    while running and not state.flags:
        left = begun + wall_seconds - time.monotonic()
        if left <= 0:
            state.flags |= TIMED_OUT
            break
        for descriptor, event in poller.poll(left * 1000 + 1):
            if descriptor == output:
                if state.read_output(output) == 0:
                    poller.unregister(output)
            elif descriptor == listener:
                if event & select.POLLIN:
                    state.answer_call(listener)
                else:
                    poller.unregister(listener)
            else:
                running = False
    return state, begun


def end_all(pid):
    try:
        os.kill(-1, signal.SIGKILL)                           # all but process 1, which is this one
    except ProcessLookupError:
        pass
    _, status, usage = os.wait4(pid, 0)
    seconds = usage.ru_utime + usage.ru_stime
    if max_processes:
        try:
            while True:
                _, _, usage = os.wait4(-1, 0)
                seconds += usage.ru_utime + usage.ru_stime
        except ChildProcessError:
            pass
    return status, seconds


def read_report(reports):
    filled, view = 0, memoryview(report)
    while filled < len(report):
        try:
            got = reports.recv_into(view[filled:])
        except ConnectionResetError:                          # it ended with data unread
            got = 0
        if got == 0:
            break
        filled += got
    return filled


def empty_the_folder():
    # In a child of its own, so that the names of a program's files never enter the supervisor's memory.
    pid = os.fork()
    if pid == 0:
        try:
            for name in os.listdir(b'/tmp'):
                os.unlink(b'/tmp/' + name)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    if os.stat('/tmp').st_size != empty_folder:
        os._exit(5)


def judge(ident, size):
    output, output_end = os.pipe()
    os.set_blocking(output, False)
    reports, reports_end = _socket.socketpair(_socket.AF_UNIX, _socket.SOCK_STREAM)
    pid = os.fork()
    if pid == 0:
        try:
            run_program(size, output_end, reports_end)
        finally:
            os._exit(73)
    os.close(output_end)
    reports_end.close()
    listener = receive_listener(reports)
    process = os.pidfd_open(pid)
    state, begun = watch(process, output, listener)
    status, cpu = end_all(pid)
    seconds = time.monotonic() - begun
    filled = read_report(reports)
    reports.close()                                           # and with it descriptors that a program may have sent
    while not state.flags & OUTPUT and state.read_output(output):
        pass
    header = reply_header.pack(reply_magic, filled, ident, status, state.flags, state.call, 0, seconds, cpu)
    os.writev(channel, [header, memoryview(report)[:filled]])
    report[:] = no_report
    for descriptor in (listener, process, output):
        os.close(descriptor)
    if file_bytes and os.stat('/tmp').st_size != empty_folder:
        empty_the_folder()


def main():
    ready = b'ready %d.%d.%d %d' % (*sys.version_info[:3], os.getpid())
    os.write(channel, reply_header.pack(reply_magic, len(ready), 2**64 - 1, 0, 0, 0, 0, 0.0, 0.0) + ready)
    header = bytearray(request_header.size)
    while True:
        filled = 0
        while filled < len(header):
            got = os.readv(channel, [memoryview(header)[filled:]])
            if got == 0:
                os._exit(0)
            filled += got
        magic, size, ident = request_header.unpack(header)
        if magic != request_magic:
            os._exit(3)
        judge(ident, size)


# What compile() and the calls of a child set up when they first run is set up here, once: a millisecond a program.
exec(compile(b'answer = 1.5 * len("warm")', '<program>', 'exec', 0, True), {})
describe(1.5), describe_error(ValueError('warm')), random.seed(0), system_call(-1, 0, 0, filter_address)
sys.stdout.flush()
gc.collect()
gc.freeze()
try:
    main()
except BaseException as error:
    os.write(2, ('supervisor: %s: %s\n' % (type(error).__name__, error)).encode('utf-8', 'replace'))
os._exit(2)
)python";

std::vector<std::string> supervisor_arguments(const Limits& limits) {
  std::string filter;
  for (const uint8_t byte : program_filter(limits)) filter += fmt::format("{:02x}", byte);
  std::vector<std::string> arguments = {
      fmt::format("seconds={}", limits.seconds),
      fmt::format("cpu={}", static_cast<int64_t>(std::ceil(limits.cpu_seconds))),  // the kernel counts whole seconds
      fmt::format("memory={}", limits.memory_mib * 1024 * 1024),
      fmt::format("output={}", limits.output_bytes),
      fmt::format("file={}", limits.file_bytes),
      fmt::format("processes={}", limits.processes),
      fmt::format("files={}", limits.open_files),
      fmt::format("report={}", kMaxReport),
      fmt::format("made={}", kMaxMadeFiles),
      fmt::format("request_magic={}", kRequestMagic),
      fmt::format("reply_magic={}", kReplyMagic),
      fmt::format("seccomp={}", SYS_seccomp),
      fmt::format("receive={}", SECCOMP_IOCTL_NOTIF_RECV),
      fmt::format("send={}", SECCOMP_IOCTL_NOTIF_SEND),
      fmt::format("clone={}", SYS_clone),
      fmt::format("openat={}", SYS_openat),
#ifdef SYS_fork  // arm64 has clone and openat alone
      fmt::format("fork={}", SYS_fork),
      fmt::format("vfork={}", SYS_vfork),
      fmt::format("open={}", SYS_open),
#else
      "fork=-1",
      "vfork=-1",
      "open=-1",
#endif
      fmt::format("kill={}", SYS_kill),
      fmt::format("tkill={}", SYS_tkill),
      fmt::format("tgkill={}", SYS_tgkill),
      fmt::format("namespaces={}", kNewNamespaces),
      "filter=" + filter,
  };
  return arguments;
}

}  // namespace limbeck::sandbox
