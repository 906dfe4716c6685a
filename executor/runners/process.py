"""One child process from its start to the end of everything it left behind, its output passed on as it comes."""

from __future__ import annotations

import math
import os
import resource
import select
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from executor import clock, faults, processes
from executor.runners import Io
from executor.runners.patience import patiently

CHUNK_BYTES = 64 * 1024
FLUSH_SECONDS = 0.25
GRACE_SECONDS = 10.0
_TAIL_BYTES = 4096
# What a child that left our session may still hold open is not worth waiting for.
_DRAIN_SECONDS = 0.2
_PIPE_BYTES = 1 << 20
_POLL_SECONDS = 0.05
# The kernel counts resident memory in batches: two readings of the same may differ by this share.
_OURS = 1.1
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


class Why(Enum):
    """Why we ended a process, if we did."""

    TIMEOUT = "timeout"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. `code` is None when a signal ended it; `tail` is the last of its output.

    `memory_bytes` is 0 where it took no more than this process did when it was started, and so cannot be known.
    """

    code: int | None
    signal: int | None
    why: Why | None
    cpu_seconds: float
    memory_bytes: int
    tail: bytes


def carry(
    argv: Sequence[str],
    *,
    program: str | None = None,
    folder: Path,
    environ: Mapping[str, str],
    io: Io,
    timeout: float | None,
    identity: tuple[str, int],
) -> Exit:
    """Start `argv` in its own session and stay with it to the end. `identity` is worker token and run id; `program` is
    the file to execute, where the first word is only its name.

    Raises OSError when it cannot be started, Cancelled when it need not be any more. The tree is asked with SIGTERM
    when the time is up or the run is cancelled, and killed ten seconds later; whatever it leaves in its group when it
    ends by itself is killed as well.
    """
    child, output = patiently(lambda: _start(argv, program, folder, environ), io)
    faults.at("spawned-not-guarded")
    io.began(child.pid)
    try:
        return _Watch(child, output, io, timeout, identity).run()
    finally:
        io.ended(child.pid)
        os.close(output)


def _start(
    argv: Sequence[str], program: str | None, folder: Path, environ: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and where to read its output."""
    output, child_output = os.pipe()
    try:
        child = subprocess.Popen(
            argv,
            executable=program,
            cwd=folder,
            env=environ,
            stdin=_nothing(),
            stdout=child_output,
            stderr=child_output,
            start_new_session=True,
        )
    except BaseException:
        os.close(output)
        raise
    finally:
        os.close(child_output)
    return child, output


@cache
def _nothing() -> int:
    """What a child reads: opened once for all of them."""
    return os.open(os.devnull, os.O_RDONLY)


class _Watch:
    """The waiting of one runner thread: for output, for the end of the child, for the clock and for a cancel."""

    def __init__(
        self, child: subprocess.Popen[bytes], output: int, io: Io, timeout: float | None, identity: tuple[str, int]
    ) -> None:
        self._child = child
        self._output = output
        self._output_ended = False
        self._reading = False
        self._poll = select.poll()
        self._io = io
        self._identity = identity
        self._deadline = None if timeout is None else clock.monotonic() + timeout
        self._kill_at: float | None = None
        self._why: Why | None = None
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._flush_at: float | None = None
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def run(self) -> Exit:
        os.set_blocking(self._output, False)
        exit_fd = os.pidfd_open(self._child.pid) if hasattr(os, "pidfd_open") else None
        self._poll.register(self._io.wake_fd, select.POLLIN)
        if exit_fd is not None:
            self._poll.register(exit_fd, select.POLLIN)
        try:
            self._until_exit(exit_fd)
        finally:
            if exit_fd is not None:
                os.close(exit_fd)
        return self._finish()

    def _until_exit(self, exit_fd: int | None) -> None:
        while True:
            self._read_while_there_is_room()
            ready = {number for number, _ in self._poll.poll(_milliseconds(self._patience(exit_fd)))}
            if self._output in ready:
                self._read()
            if self._io.wake_fd in ready:
                word = os.read(self._io.wake_fd, 16)
                if word.strip(b"r"):
                    self._end(Why.CANCEL, at_once=b"k" in word)
            self._tick()
            if exit_fd in ready or (exit_fd is None and _has_exited(self._child.pid)):
                return

    def _read_while_there_is_room(self) -> None:
        """Beyond that the pipe fills and the task waits; its end, its time and a cancel are heeded all the same."""
        wanted = not self._output_ended and not self._io.full
        if wanted and not self._reading:
            self._poll.register(self._output, select.POLLIN)
        elif self._reading and not wanted:
            self._poll.unregister(self._output)
        self._reading = wanted

    def _patience(self, exit_fd: int | None) -> float | None:
        moments = [moment for moment in (self._deadline, self._kill_at, self._flush_at) if moment is not None]
        patience = max(0.0, min(moments) - clock.monotonic()) if moments else None
        if exit_fd is None:  # no pidfd on this system: look by the clock
            return _POLL_SECONDS if patience is None else min(patience, _POLL_SECONDS)
        return patience

    def _tick(self) -> None:
        now = clock.monotonic()
        if self._flush_at is not None and now >= self._flush_at:
            self._flush()
        if self._kill_at is not None and now >= self._kill_at:
            self._kill()
            self._kill_at = None
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._end(Why.TIMEOUT, at_once=False)

    def _end(self, why: Why, *, at_once: bool) -> None:
        self._why = self._why or why
        self._deadline = None
        if at_once:
            self._kill()
        elif self._kill_at is None:
            for pid in processes.of_worker(*self._identity):
                processes.send(pid, signal.SIGTERM)
            processes.send_group(self._child.pid, signal.SIGTERM)
            self._kill_at = clock.monotonic() + GRACE_SECONDS

    def _kill(self) -> None:
        processes.send_group(self._child.pid, signal.SIGKILL)
        processes.end(*self._identity)

    def _finish(self) -> Exit:
        # The zombie still holds its pid, so this group cannot be anybody else's.
        processes.send_group(self._child.pid, signal.SIGKILL)
        if self._why is not None:
            processes.end(*self._identity)
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)  # Popen must not look for this pid again
        self._drain()
        self._flush()
        code = self._child.returncode
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            why=self._why,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            memory_bytes=usage.ru_maxrss * _MEMORY_UNIT if usage.ru_maxrss > _OURS * _own_peak() else 0,
            tail=b"".join(self._tail)[-_TAIL_BYTES:],
        )

    def _read(self) -> int:
        """Take what is there; how much it was."""
        try:
            content = os.read(self._output, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not content:
            self._output_ended = True
            return 0
        self._buffer.append(content)
        self._buffered += len(content)
        if self._buffered >= CHUNK_BYTES:
            self._flush()
        elif self._flush_at is None:
            self._flush_at = clock.monotonic() + FLUSH_SECONDS
        self._remember(content)
        return len(content)

    def _remember(self, content: bytes) -> None:
        self._tail.append(content)
        self._tail_size += len(content)
        while self._tail_size - len(self._tail[0]) >= _TAIL_BYTES:
            self._tail_size -= len(self._tail.popleft())

    def _flush(self) -> None:
        content = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        self._flush_at = None
        for start in range(0, len(content), CHUNK_BYTES):
            self._io.output(content[start : start + CHUNK_BYTES])

    def _drain(self) -> None:
        """Take what is still in the pipe, but no more than it can hold: the rest would be a stranger's."""
        until = clock.monotonic() + _DRAIN_SECONDS
        room = _PIPE_BYTES
        poll = select.poll()
        poll.register(self._output, select.POLLIN)
        while not self._output_ended and room > 0:
            taken = self._read()
            room -= taken
            left = until - clock.monotonic()
            if not taken and (left <= 0 or not poll.poll(_milliseconds(left))):
                return


def _milliseconds(seconds: float | None) -> float | None:
    """As `poll` counts, and never a moment too short: it would only come round once more."""
    return None if seconds is None else math.ceil(seconds * 1000)


def _own_peak() -> int:
    """Our own peak, in the system's unit. A child is counted from the memory of its parent at its start, so what it
    used itself is known only above this."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _has_exited(pid: int) -> bool:
    """Has the child ended, without reaping it? For systems without pidfds; macOS has no waitid either."""
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
