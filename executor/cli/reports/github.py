"""Diagnostics as workflow commands of GitHub Actions, which show them beside the lines of a pull request; pure."""

from __future__ import annotations

from loader.model import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def command(path: str, one: Diagnostic) -> str:
    """One diagnostic as one line. `path` is relative to the top of the repository."""
    properties = {"title": one.code, "file": path, "line": str(one.line), "col": str(one.column)}
    told = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    lines = [f"{path}:{one.line}:{one.column}: {one.code} {one.message}", *([one.hint] if one.hint else [])]
    message = _data("\n".join(lines))
    return f"::{_COMMANDS[one.severity]} {told}::{message}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
