"""Where the lines of a text begin, end and how far they are indented: the table that the block rules work on."""

from __future__ import annotations


def measure(text: str) -> tuple[list[int], list[int], list[int], list[int]]:
    """For each line its start, its end, its blanks in characters and in columns, with a guard after the last one.

    A last line of blanks alone is none, which is how the parser counts.
    """
    starts: list[int] = []
    ends: list[int] = []
    shifts: list[int] = []
    columns: list[int] = []
    start = 0
    for line in text.split("\n"):
        length = len(line)
        blanks = length - len(line.lstrip(" \t")) if line[:1] in (" ", "\t") else 0
        starts.append(start)
        ends.append(start + length)
        shifts.append(blanks)
        columns.append(len(line[:blanks].expandtabs(4)) if blanks and "\t" in line[:blanks] else blanks)
        start += length + 1
    if shifts[-1] == ends[-1] - starts[-1]:
        for table in (starts, ends, shifts, columns):
            table.pop()
    for table, guard in ((starts, len(text)), (ends, len(text)), (shifts, 0), (columns, 0)):
        table.append(guard)
    return starts, ends, shifts, columns
