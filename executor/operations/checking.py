"""What is wrong with a list file, whatever it is: a file that cannot be read is a diagnostic as well."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from executor.errors import ListError
from executor.operations import vetting
from executor.operations.files import Reading
from loader import codes
from loader.model import Diagnostic, Severity


class Checked(Struct, frozen=True):
    """A file with what is to be said of it, in the order of its lines."""

    path: Path
    tasks: int
    diagnostics: tuple[Diagnostic, ...]

    def count(self, severity: Severity) -> int:
        """How many diagnostics are as severe as this."""
        return sum(one.severity is severity for one in self.diagnostics)

    def place(self, one: Diagnostic) -> Path:
        """The file that a diagnostic is about: of a folder that is one list, the one in it."""
        return self.path / one.file if one.file else self.path


def check(path: Path, reading: Reading) -> Checked:
    """Read one file and judge it."""
    try:
        parsed = reading.parse(reading.read())
    except ListError as error:
        return Checked(path, 0, (codes.diagnose(vetting.UNREADABLE, 1, problem=str(error), hint=error.hint),))
    found = sorted([*parsed.diagnostics, *vetting.unrunnable(parsed)], key=lambda one: (one.file, one.line, one.column))
    return Checked(path, len(parsed.tasks), tuple(found))
