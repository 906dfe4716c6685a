"""Every case that the toolkit was specified with has a test named by its number: `test_17_…`, `test_42_to_44_…`.

Those that only a document can answer stand in docs/reference/migrations.md under "Not tested".
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CASES = range(1, 84)
PLACES = ("tests/unit/sql", "tests/database/sql", "tests/end_to_end")
_NUMBERS = re.compile(r"^ *def test_(\d+(?:_(?:to|and)_\d+)?)_", re.M)


def covered() -> set[int]:
    found: set[int] = set()
    for place in PLACES:
        for path in (ROOT / place).glob("test_*migrat*.py"):
            for said in _NUMBERS.findall(path.read_text(encoding="utf-8")):
                numbers = [int(number) for number in re.findall(r"\d+", said)]
                found.update(range(numbers[0], numbers[-1] + 1) if "_to_" in said else numbers)
    return found


def explained() -> set[int]:
    page = (ROOT / "docs" / "reference" / "migrations.md").read_text(encoding="utf-8")
    _, _, section = page.partition("\n## Not tested\n")
    return {int(number) for number in re.findall(r"^- (\d+): ", section, re.M)}


def test_every_case_is_tested_or_the_reason_why_not_is_told():
    assert sorted(set(CASES) - covered() - explained()) == []
    assert sorted(covered() & explained()) == []
