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
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from executor import clock, faults, processes
from executor.runners import Io
from executor.runners.patience import patiently

CHUNK_BYTES = 64 * 1024
FLUSH_SECONDS = 0.25
GRACE_SECONDS = 10.0
TAIL_BYTES = 4096
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
    STALL = "stall"


class Listener(Protocol):
    """Who reads along, standard output and standard error apart."""

    def out(self, content: bytes) -> bool:
        """A piece of standard output; is it a sign of life?"""

    def err(self, content: bytes) -> bool:
        """A piece of standard error; is it a sign of life?"""


class Conduct(Struct, frozen=True):
    """How a process is treated. `signals` are sent one after the other when it is to end, each with its time to obey;
    the first to its own group alone where there are several."""

    stdin: int | None = None  # nothing to read where there is none
    listener: Listener | None = None
    stall: float | None = None  # seconds without a sign of life
    signals: Sequence[tuple[signal.Signals, float]] = field(default=((signal.SIGTERM, GRACE_SECONDS),))
    sweep: bool = False  # end what it left behind in other sessions too, also when it ends by itself


_USUAL = Conduct()


class Exit(Struct, frozen=True):
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
    conduct: Conduct = _USUAL,
) -> Exit:
    """Start `argv` in its own session and stay with it to the end. `identity` is worker token and run id; `program` is
    the file to execute, where the first word is only its name.

    Raises OSError when it cannot be started, Cancelled when it need not be any more. The tree is asked with SIGTERM
    (or as `conduct` says) when the time is up or the run is cancelled, and killed ten seconds later; whatever it leaves
    in its group when it ends by itself is killed as well.
    """
    child, outputs = patiently(lambda: _start(argv, program, folder, environ, conduct), io)
    faults.at("spawned-not-guarded")
    io.began(child.pid)
    try:
        return _Watch(child, outputs, io, timeout, identity, conduct).run()
    finally:
        io.ended(child.pid)
        for output in outputs:
            os.close(output)


def _start(
    argv: Sequence[str], program: str | None, folder: Path, environ: Mapping[str, str], conduct: Conduct
) -> tuple[subprocess.Popen[bytes], list[int]]:
    """The process, and where to read its output: in one stream, or in two where somebody reads along."""
    pipes = [os.pipe() for _ in range(2 if conduct.listener else 1)]
    outputs = [output for output, _ in pipes]
    try:
        child = subprocess.Popen(
            argv,
            executable=program,
            cwd=folder,
            env=environ,
            stdin=_nothing() if conduct.stdin is None else conduct.stdin,
            stdout=pipes[0][1],
            stderr=pipes[-1][1],
            start_new_session=True,
        )
    except BaseException:  # whatever it was: without a child nobody closes these
        for output in outputs:
            os.close(output)
        raise
    finally:
        for _, child_output in pipes:
            os.close(child_output)
    return child, outputs


@cache
def _nothing() -> int:
    """What a child reads: opened once for all of them."""
    return os.open(os.devnull, os.O_RDONLY)


class _Watch:
    """The waiting of one runner thread: for output, for the end of the child, for the clock and for a cancel."""

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        outputs: Sequence[int],
        io: Io,
        timeout: float | None,
        identity: tuple[str, int],
        conduct: Conduct,
    ) -> None:
        self._child = child
        self._outputs = outputs
        self._open = set(outputs)
        self._reading: set[int] = set()
        self._conduct = conduct
        self._signals = list(conduct.signals)
        self._heard_at = clock.monotonic()
        self._poll = select.poll()
        self._io = io
        self._identity = identity
        self._deadline = None if timeout is None else clock.monotonic() + timeout
        self._next_at: float | None = None  # when the next signal is due, or the end of patience
        self._why: Why | None = None
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._flush_at: float | None = None
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def run(self) -> Exit:
        for output in self._outputs:
            os.set_blocking(output, False)
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
            for output in self._outputs:
                if output in ready:
                    self._read(output)
            if self._io.wake_fd in ready:
                word = os.read(self._io.wake_fd, 16)
                if word.strip(b"r"):
                    self._end(Why.CANCEL, at_once=b"k" in word)
            self._tick()
            if exit_fd in ready or (exit_fd is None and _has_exited(self._child.pid)):
                return

    def _read_while_there_is_room(self) -> None:
        """Beyond that the pipe fills and the task waits; its end, its time and a cancel are heeded all the same."""
        wanted = set() if self._io.full else self._open
        if wanted == self._reading:
            return
        for output in wanted - self._reading:
            self._poll.register(output, select.POLLIN)
        for output in self._reading - wanted:
            self._poll.unregister(output)
        self._reading = set(wanted)

    def _patience(self, exit_fd: int | None) -> float | None:
        moments = [
            moment for moment in (self._deadline, self._next_at, self._flush_at, self._stall_at()) if moment is not None
        ]
        patience = max(0.0, min(moments) - clock.monotonic()) if moments else None
        if exit_fd is None:  # no pidfd on this system: look by the clock
            return _POLL_SECONDS if patience is None else min(patience, _POLL_SECONDS)
        return patience

    def _tick(self) -> None:
        now = clock.monotonic()
        if self._flush_at is not None and now >= self._flush_at:
            self._flush()
        if self._next_at is not None and now >= self._next_at:
            self._urge()
        if self._deadline is not None and now >= self._deadline:
            self._deadline = None
            self._end(Why.TIMEOUT, at_once=False)
        if (stall_at := self._stall_at()) is not None and now >= stall_at:
            self._end(Why.STALL, at_once=False)

    def _stall_at(self) -> float | None:
        """When it will have been silent for too long; a process that we do not read from cannot say anything."""
        if self._conduct.stall is None or self._why is not None:
            return None
        if self._io.full:
            self._heard_at = clock.monotonic()
        return self._heard_at + self._conduct.stall

    def _end(self, why: Why, *, at_once: bool) -> None:
        is_first = self._why is None
        self._why = self._why or why
        self._deadline = None
        if at_once:
            self._kill()
        elif is_first:
            self._urge()

    def _urge(self) -> None:
        """Send the next of the signals, or make an end of it."""
        if not self._signals:
            self._kill()
            self._next_at = None
            return
        sign, patience = self._signals.pop(0)
        if not self._signals:  # the last word is for the whole tree
            for pid in processes.of_worker(*self._identity):
                processes.send(pid, sign)
        processes.send_group(self._child.pid, sign)
        self._next_at = clock.monotonic() + patience

    def _kill(self) -> None:
        processes.send_group(self._child.pid, signal.SIGKILL)
        processes.end(*self._identity)

    def _finish(self) -> Exit:
        # The zombie still holds its pid, so this group cannot be anybody else's.
        processes.send_group(self._child.pid, signal.SIGKILL)
        if self._why is not None or self._conduct.sweep:
            processes.end(*self._identity)
        _, status, usage = os.wait4(self._child.pid, 0)
        self._child.returncode = os.waitstatus_to_exitcode(status)  # Popen must not look for this pid again
        for output in self._outputs:
            self._drain(output)
        self._flush()
        code = self._child.returncode
        return Exit(
            code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            why=self._why,
            cpu_seconds=usage.ru_utime + usage.ru_stime,
            memory_bytes=usage.ru_maxrss * _MEMORY_UNIT if usage.ru_maxrss > _OURS * _own_peak() else 0,
            tail=b"".join(self._tail)[-TAIL_BYTES:],
        )

    def _read(self, output: int) -> int:
        """Take what is there; how much it was."""
        try:
            content = os.read(output, CHUNK_BYTES)
        except BlockingIOError:
            return 0
        if not content:
            self._open = self._open - {output}
            return 0
        listener = self._conduct.listener
        if listener is None or (listener.out if output == self._outputs[0] else listener.err)(content):
            self._heard_at = clock.monotonic()
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
        while self._tail_size - len(self._tail[0]) >= TAIL_BYTES:
            self._tail_size -= len(self._tail.popleft())

    def _flush(self) -> None:
        content = b"".join(self._buffer)
        self._buffer.clear()
        self._buffered = 0
        self._flush_at = None
        for start in range(0, len(content), CHUNK_BYTES):
            self._io.output(content[start : start + CHUNK_BYTES])

    def _drain(self, output: int) -> None:
        """Take what is still in the pipe, but no more than it can hold: the rest would be a stranger's."""
        until = clock.monotonic() + _DRAIN_SECONDS
        room = _PIPE_BYTES
        poll = select.poll()
        poll.register(output, select.POLLIN)
        while output in self._open and room > 0:
            taken = self._read(output)
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
