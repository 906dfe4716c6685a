"""Diagnostics as SARIF 2.1.0, which code hosts and editors read; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from executor import __version__
from executor.operations import vetting
from executor.operations.checking import Checked
from loader import codes
from loader.codes import Code
from loader.model import Diagnostic, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_ROOT = "%SRCROOT%"


def log(checked: Iterable[Checked], root: Path, severities: Sequence[Severity]) -> dict[str, object]:
    """A whole log with one run. Files below `root` are named relative to it, so that it means the same elsewhere."""
    rules = (*codes.TABLE, *vetting.TABLE)
    index = {rule.code: at for at, rule in enumerate(rules)}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "executor", "version": __version__, "rules": [_rule(one) for one in rules]}
                },
                "columnKind": "unicodeCodePoints",
                "originalUriBaseIds": {_ROOT: {"uri": root.as_uri().rstrip("/") + "/"}},
                "results": [
                    _result(file.place(one), one, root, index)
                    for file in checked
                    for one in file.diagnostics
                    if one.severity in severities
                ],
            }
        ],
    }


def _rule(rule: Code) -> dict[str, object]:
    told: dict[str, object] = {
        "id": rule.code,
        "shortDescription": {"text": rule.meaning},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
    return told | ({"help": {"text": rule.hint}} if rule.hint else {})


def _result(path: Path, one: Diagnostic, root: Path, index: dict[str, int]) -> dict[str, object]:
    return {
        "ruleId": one.code,
        "ruleIndex": index[one.code],
        "level": _LEVELS[one.severity],
        "message": {"text": f"{one.message}\n{one.hint}" if one.hint else one.message},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _location(path, root),
                    "region": {"startLine": one.line, "startColumn": one.column},
                }
            }
        ],
    }


def _location(path: Path, root: Path) -> dict[str, str]:
    if path.is_relative_to(root):
        return {"uri": quote(path.relative_to(root).as_posix()), "uriBaseId": _ROOT}
    return {"uri": path.as_uri()}
