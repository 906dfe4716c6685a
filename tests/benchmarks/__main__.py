"""Run benchmarks and write what they print into the page about performance, each between its own two marks.

Usage: python -m tests.benchmarks [SUBJECT...]
"""

from __future__ import annotations

import re
import subprocess
import sys

from tests.benchmarks.ground import ROOT

PAGE = ROOT / "docs" / "explanation" / "performance.md"
SUBJECTS = ("parsing", "graph", "queue_core", "whole_runs", "starts", "migrations", "housekeeping")


def main(chosen: list[str]) -> None:
    for subject in chosen or SUBJECTS:
        print(f"measuring {subject} ...", file=sys.stderr)
        command = [sys.executable, "-m", f"tests.benchmarks.{subject}"]
        printed = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        print(printed)
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(placed(page, subject, printed.strip()), encoding="utf-8")


def placed(page: str, subject: str, printed: str) -> str:
    """The page with this between the subject's marks; as it is where the page has none."""
    between = re.compile(rf"(<!-- measured: {subject} -->\n).*?(<!-- end of {subject} -->)", re.DOTALL)
    return between.sub(lambda match: f"{match[1]}\n{printed}\n\n{match[2]}", page)


if __name__ == "__main__":
    main(sys.argv[1:])
