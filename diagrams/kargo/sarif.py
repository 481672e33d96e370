"""Findings as SARIF 2.1.0, which code hosts show beside the lines that they are about.

Source: the OASIS standard "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"
"""

from __future__ import annotations

from pathlib import PurePath
from urllib.parse import quote

from diagrams.kargo.findings import Linted, about, shown
from model.inputs import InputError, Place, printable
from simulations.kargo.lint.rules import RULES, Finding, Judged, Rule

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_JUDGED = {Judged.EXPLORED: "explored", Judged.RUN: "run", Judged.READ: "read"}


def document(linted: Linted) -> dict[str, object]:
    """The log of one run."""
    numbers = {rule.id: number for number, rule in enumerate(RULES)}
    invocation: dict[str, object] = {"executionSuccessful": not linted.problems}
    if linted.problems:
        invocation["toolExecutionNotifications"] = [_notification(p) for p in linted.problems]
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kargo-model",
                        "rules": [_rule(rule) for rule in RULES],
                    }
                },
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "properties": {"kargo": linted.release},
                "results": [_result(finding, numbers[finding.rule.id]) for finding in linted.findings],
            }
        ],
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": "".join(word.capitalize() for word in rule.id.split("-")),
        "shortDescription": {"text": rule.says},
        "help": {"text": f"{rule.says} To mend it: {rule.fix}."},
        "defaultConfiguration": {"level": str(rule.level)},
        "properties": {"judged": _JUDGED[rule.judged]},
    }


def _result(finding: Finding, number: int) -> dict[str, object]:
    told = [printable(finding.text, 500), f"To mend it: {finding.remedy}"]
    if finding.releases:
        told.append(f"Releases: {', '.join(finding.releases)}")
    result: dict[str, object] = {
        "ruleId": finding.rule.id,
        "ruleIndex": number,
        "level": str(finding.severity),
        "message": {"text": ".\n".join(told) + "."},
        "locations": [{"physicalLocation": _location(finding.place)}],
        "properties": {"releases": list(finding.releases), "of": printable(about(finding), 300)},
    }
    steps = list(shown(finding))
    if steps:
        result["codeFlows"] = [
            {
                "message": {"text": f"the shortest run {finding.shown_as}".strip()},
                "threadFlows": [
                    {
                        "locations": [
                            {
                                "location": {
                                    "physicalLocation": _location(finding.place),
                                    "message": {"text": step.strip()},
                                }
                            }
                            for step in steps
                        ]
                    }
                ],
            }
        ]
    return result


def _notification(problem: InputError) -> dict[str, object]:
    found: dict[str, object] = {"level": "error", "message": {"text": printable(problem.problem, 500)}}
    if problem.place:
        found["locations"] = [{"physicalLocation": _location(problem.place)}]
    return found


def _location(place: Place) -> dict[str, object]:
    return {
        "artifactLocation": {"uri": uri(place.file)},
        "region": {"startLine": place.line or 1, "startColumn": place.column or 1},
    }


def uri(file: str) -> str:
    """The name of a file as a reference: relative names stay relative, so that code hosts find them."""
    if not file or file == "standard input":
        return "stdin"
    path = PurePath(file)
    text = quote(path.as_posix().encode("utf-8", "surrogateescape"))
    return f"file://{text}" if path.is_absolute() else text
