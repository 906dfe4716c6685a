"""Diagnostics for code hosts: escaped so that no message can end its command, and logs of the right shape."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

import loader
from executor.cli.reports import github, sarif
from executor.operations import vetting
from executor.operations.checking import Checked
from loader import codes
from loader.model import Diagnostic, Severity

ROOT = Path("/home/me/project")


def diagnostic(message: str = "it is wrong", hint: str = "", severity: Severity = Severity.ERROR) -> Diagnostic:
    return Diagnostic("E004", severity, 3, 7, message, hint)


def test_a_workflow_command_names_severity_place_and_code():
    assert github.command("docs/tasks.md", diagnostic(hint="mend it")) == (
        "::error title=E004,file=docs/tasks.md,line=3,col=7::docs/tasks.md:3:7: E004 it is wrong%0Amend it"
    )
    assert github.command("a.md", diagnostic(severity=Severity.WARNING)).startswith("::warning ")
    assert github.command("a.md", diagnostic(severity=Severity.INFO)).startswith("::notice ")


def test_properties_escape_more_than_messages():
    command = github.command("a,b:c%.md", diagnostic("50%\r\nof a: b, c"))
    properties, _, message = command.removeprefix("::error ").partition("::")
    assert "file=a%2Cb%3Ac%25.md,line=3" in properties
    assert message == "a,b:c%25.md:3:7: E004 50%25%0D%0Aof a: b, c"


@given(st.text(), st.text(alphabet=st.characters(blacklist_categories=("Cs",)), min_size=1))
def test_a_workflow_command_is_one_line_that_can_be_read_back(message: str, path: str):
    command = github.command(path, diagnostic(message))
    assert "\n" not in command
    assert "\r" not in command
    properties, _, told = command.removeprefix("::error ").partition("::")
    read = dict(part.split("=", 1) for part in properties.split(","))
    for sign, code in ((":", "%3A"), (",", "%2C"), ("\n", "%0A"), ("\r", "%0D"), ("%", "%25")):
        read["file"] = read["file"].replace(code, sign)
    for sign, code in (("\n", "%0A"), ("\r", "%0D"), ("%", "%25")):
        told = told.replace(code, sign)
    assert read["file"] == path
    assert told == f"{path}:3:7: E004 {message}"


def logged(*diagnostics: Diagnostic, path: str = "docs/my tasks.md") -> dict:
    checked = Checked(ROOT / path, 1, diagnostics)
    return sarif.log([checked], ROOT, list(Severity))["runs"][0]


def test_a_log_has_what_the_standard_asks_for():
    """Required properties, types and words of SARIF 2.1.0, sections 3.13 to 3.30."""
    found = loader.parse(b"- [ ] a (depends on NO-1)\n- [q] b\n\n> - [ ] c\n")
    whole = sarif.log([Checked(ROOT / "tasks.md", 2, found.diagnostics)], ROOT, list(Severity))
    assert set(whole) == {"$schema", "version", "runs"}
    assert whole["version"] == "2.1.0"
    (run,) = whole["runs"]
    driver = run["tool"]["driver"]
    assert isinstance(driver["name"], str)
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    assert run["columnKind"] in ("utf16CodeUnits", "unicodeCodePoints")
    assert run["originalUriBaseIds"]["%SRCROOT%"]["uri"].endswith("/")
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        (location,) = result["locations"]
        region = location["physicalLocation"]["region"]
        assert min(region["startLine"], region["startColumn"]) >= 1
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
        assert rule["shortDescription"]["text"]


def test_every_code_is_a_rule_of_the_log():
    rules = [rule["id"] for rule in logged()["tool"]["driver"]["rules"]]
    assert rules == [one.code for one in (*codes.TABLE, *vetting.TABLE)]


def test_a_file_of_the_repository_is_named_from_its_top_and_any_other_whole():
    def place(path: str) -> dict:
        (result,) = logged(diagnostic(), path=path)["results"]
        return result["locations"][0]["physicalLocation"]["artifactLocation"]

    inside = place("docs/my tasks #1.md")
    assert inside == {"uri": "docs/my%20tasks%20%231.md", "uriBaseId": "%SRCROOT%"}
    assert unquote(inside["uri"]) == "docs/my tasks #1.md"
    outside = place("/elsewhere/é.md")
    assert outside == {"uri": "file:///elsewhere/%C3%A9.md"}
    assert re.fullmatch(r"[!-~]+", outside["uri"])
