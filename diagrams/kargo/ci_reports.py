"""Findings as JUnit XML, which builds count, and as annotations of GitHub Actions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from diagrams.kargo.findings import Linted, shown, where
from model.inputs import InputError, printable
from simulations.kargo.lint.rules import Finding, Level

# JUnit


def junit(linted: Linted, least: Level) -> str:
    """A suite with a case for every finding: it fails where the finding is at least as bad as `least`.

    What could not be read is a case with an error. Without any of these there is one case, which passes.
    """
    cases = [_case(finding, least) for finding in linted.findings]
    cases += [_unreadable(problem) for problem in linted.problems]
    if not cases:
        cases = [ET.Element("testcase", classname="kargo-model lint", name="nothing to complain of", time="0")]
    failures = sum(f.severity >= least for f in linted.findings)
    counts = {"tests": str(len(cases)), "failures": str(failures), "errors": str(len(linted.problems)), "time": "0"}
    suites = ET.Element("testsuites", {"name": "kargo-model lint", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": f"Kargo {linted.release}", "skipped": "0", **counts})
    suite.extend(cases)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode")


def _case(finding: Finding, least: Level) -> ET.Element:
    name = f"{finding.rule.id} at {where(finding)}"
    case = ET.Element("testcase", classname=_xml(finding.place.file), name=_xml(name), time="0")
    text = "\n".join((printable(finding.text, 500), *shown(finding), f"fix: {finding.remedy}"))
    if finding.severity >= least:
        message = _xml(printable(finding.text, 500))
        ET.SubElement(case, "failure", message=message, type=str(finding.severity)).text = _xml(text)
    else:
        ET.SubElement(case, "system-out").text = _xml(text)
    return case


def _unreadable(problem: InputError) -> ET.Element:
    file = problem.place.file if problem.place else ""
    case = ET.Element("testcase", classname=_xml(file), name="cannot be read", time="0")
    ET.SubElement(case, "error", message=_xml(printable(str(problem), 500)), type="unreadable")
    return case


_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _xml(text: str) -> str:
    """A text without the characters that XML does not allow."""
    return _NOT_XML.sub("\ufffd", text)


# GitHub

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def github(linted: Linted) -> Iterator[str]:
    """A workflow command for every finding, and for what could not be read.

    Source: GitHub's "Workflow commands for GitHub Actions"
    """
    for finding in linted.findings:
        place = finding.place
        where_ = f"file={_property(place.file)},line={place.line or 1},col={place.column or 1}"
        title = _property(f"kargo-model {finding.rule.id}")
        text = "\n".join((printable(finding.text, 500), f"fix: {finding.remedy}"))
        yield f"::{_COMMANDS[finding.severity]} {where_},title={title}::{_data(text)}"
    for problem in linted.problems:
        given = problem.place
        at = f" file={_property(given.file)},line={given.line or 1},col={given.column or 1}" if given else ""
        yield f"::error{at}::{_data(printable(problem.problem, 500))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text, 300)).replace(":", "%3A").replace(",", "%2C")
