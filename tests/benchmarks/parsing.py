"""What reading a list costs beside the bare block parse of the same text: time as a ratio, memory by size of file.

Run with `make bench`, or alone; prints a Markdown table. Both sides take turns on the same text, the best time of each
counts, and what imports cost is paid before: it is the same few milliseconds for every file.
"""

from __future__ import annotations

import gc
import platform
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator
from importlib.metadata import version

from markdown_it import MarkdownIt

import loader

RATIO_MAX, MEMORY_MAX = 1.3, 40
TEXT = """build release server index table worker queue lease retry parser report config schema cache token session
upload check the a of for with every before when it fails and still new old slow first last user page error log
metric"""
WORDS = TEXT.split()


def bare() -> MarkdownIt:
    """markdown-it as it is: CommonMark with tables, blocks only, deep lists allowed."""
    markdown = MarkdownIt("commonmark", {"maxNesting": 200}).enable("table")
    markdown.core.ruler.disable("inline")
    return markdown


def sentence(words: random.Random, least: int, most: int) -> str:
    """Some words with a code span here and there, as tasks are written."""
    chosen = words.choices(WORDS, k=words.randint(least, most))
    if words.random() < 0.4:
        place = words.randrange(len(chosen))
        chosen[place] = f"`src/{chosen[place]}.py`"
    return " ".join(chosen).capitalize()


def plain(words: random.Random) -> Iterator[str]:
    """Boxes of one line below a few headings."""
    yield "# Todo\n\n"
    while True:
        yield f"## {sentence(words, 2, 4)}\n\n{sentence(words, 8, 16)}.\n\n"
        for _ in range(8):
            yield f"- [{words.choice(' x')}] {sentence(words, 4, 12)}\n"
        yield "\n"


def native(words: random.Random) -> Iterator[str]:
    """Our own spelling: ids, dependencies, settings, fences and prose."""
    yield "---\nexecutor: {jobs: 4, timeout: 30m}\n---\n# Release\n\n"
    number = 0
    while True:
        yield f"## {sentence(words, 2, 4)}\n\n"
        for _ in range(6):
            number += 1
            after = f" (depends on BLD-{number - 1:04d})" if number > 1 else ""
            yield f"- [ ] **BLD-{number:04d}** [P{number % 4 + 1}] {sentence(words, 4, 9)}{after} @ci #test\n"
            yield f"  - timeout: 10m\n\n  {sentence(words, 12, 30)}.\n\n"
            yield f"  ```sh\n  python -m {words.choice(WORDS)} --quiet\n  ```\n\n"


def nested(words: random.Random) -> Iterator[str]:
    """Numbered parents with details and requirements below their children."""
    yield "# Implementation Plan\n\n"
    number = 0
    while True:
        number += 1
        yield f"- [ ] {number}. {sentence(words, 3, 8)}\n"
        for child in range(1, 5):
            yield f"  - [ ] {number}.{child} {sentence(words, 4, 9)}\n"
            yield "".join(f"    - {sentence(words, 8, 14)}\n" for _ in range(3))
            yield f"    - _Requirements: {number}.{child}_\n"


def phases(words: random.Random) -> Iterator[str]:
    """Phases of numbered tasks with labels, and paths in long lines."""
    yield "# Tasks: Search\n\n"
    number = 0
    while True:
        yield f"## Phase {number // 12 + 1}: {sentence(words, 1, 3)}\n\n**Goal**: {sentence(words, 10, 20)}.\n\n"
        for _ in range(12):
            number += 1
            label = "[P] " if words.random() < 0.4 else ""
            yield f"- [ ] T{number:03d} {label}[US{number // 12 + 1}] {sentence(words, 8, 20)} in src/{number}.py\n"
        yield f"\n**Checkpoint**: {sentence(words, 6, 12)}.\n\n---\n\n"


def dense(_: random.Random) -> Iterator[str]:
    """Nothing but one-line tasks that depend on one another: all task and no text."""
    yield "# List\n\n"
    number = 0
    while True:
        number += 1
        yield f"- [ ] T{number:05d} Do the thing number {number} (depends on T{max(number - 1, 1):05d})\n"


FILES: tuple[tuple[str, Callable[[random.Random], Iterator[str]], int], ...] = (
    ("plain", plain, 1_000),
    ("native", native, 10_000),
    ("nested", nested, 50_000),
    ("phases", phases, 200_000),
    ("dense", dense, 600_000),
    ("native, long", native, 1_200_000),
)


def written(write: Callable[[random.Random], Iterator[str]], size: int) -> str:
    """A list of about this many bytes, the same one every time."""
    parts: list[str] = []
    length = 0
    for part in write(random.Random(7)):
        parts.append(part)
        length += len(part)
        if length >= size:
            break
    return "".join(parts)


def fastest(first: Callable[[], object], second: Callable[[], object], seconds: float) -> tuple[float, float]:
    """The best time of each, in seconds of this process; they take turns, so that a busy machine slows both."""
    best = [float("inf"), float("inf")]
    until = time.perf_counter() + seconds
    rounds = 0
    while rounds < 5 or time.perf_counter() < until:
        for place, act in enumerate((first, second)):
            gc.collect()
            begun = time.process_time()
            act()
            best[place] = min(best[place], time.process_time() - begun)
        rounds += 1
    return best[0], best[1]


def peak(data: bytes) -> int:
    """The most memory that reading takes at once, in bytes, without what was there before."""
    loader.parse(data)
    gc.collect()
    tracemalloc.start()
    try:
        loader.parse(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    parts = [f"Python {platform.python_version()}", f"markdown-it-py {version('markdown-it-py')}", platform.platform()]
    print(", ".join(parts) + "\n")
    print("| list | size | tasks | bare | parse | ratio | memory |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, write, size in FILES:
        text = written(write, size)
        data = text.encode()
        markdown = bare()
        base, own = fastest(lambda: markdown.parse(text), lambda: loader.parse(data), 4)  # noqa: B023 - called at once
        row = [name, f"{len(data) / 1000:.0f} KB", str(len(loader.parse(data).tasks))]
        row += [f"{base * 1000:.2f} ms", f"{own * 1000:.2f} ms", f"{own / base:.2f}", f"{peak(data) / len(data):.0f} x"]
        print(f"| {' | '.join(row)} |", flush=True)
    print(f"\nTo hold: ratio {RATIO_MAX}, memory {MEMORY_MAX} x.")


if __name__ == "__main__":
    main()
