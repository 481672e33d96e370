"""The expressions of spec-kit workflows: what they come to, and how the releases differ.

Every value here was found with the real evaluator; the comparison of whole runs tries many more.
"""

from __future__ import annotations

import pytest

from model.speckit.expression_text import block_end, find, split, squeezed
from model.speckit.expressions import ExpressionError, evaluate, holds
from model.speckit.releases import LATEST, V0_9_4, V1_0_1, V1_1_2

NAMES = {
    "inputs": {"x": "1", "list": ["a", "b"]},
    "steps": {"build": {"status": "failed", "output": {"exit_code": 2, "stdout": "no", "data": {"k": [1, 2]}}}},
    "item": None,
    "fan_in": {},
    "context": {"run_id": "run"},
}


def value(text, behaviours=LATEST):
    return evaluate(text, NAMES, behaviours)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ steps.build.output.exit_code }}", 2),
        ("code {{ steps.build.output.exit_code }}.", "code 2."),
        ("{{ steps.build.output.data.k[1] }}", 2),
        ("{{ steps.build.output.data.k[-1] }}", 2),
        ("{{ steps.absent.output.exit_code }}", None),
        ("got {{ steps.absent.status }}.", "got ."),
        ("{{ steps.absent.output.exit_code != 0 }}", True),
        ("{{ steps.absent.output.exit_code > 0 }}", False),
        ("{{ steps.build.status == 'failed' and inputs.x == '1' }}", True),
        ("{{ not steps.build.status == 'failed' }}", False),
        ("{{ inputs.x >= 1 }}", True),
        ("{{ 'a' in inputs.list }}", True),
        ("{{ 1 in inputs.x }}", False),
        ("{{ (1 == 2) or (2 == 2) }}", True),
        ("{{ 'a or b' }}", "a or b"),
        ("{{ inputs.list | join('-') | upper }}", "A-B"),
        ("{{ steps.absent.output | default('none') }}", "none"),
        ("{{ [1, 'x, y'] }}", [1, "x, y"]),
        ("{{ inputs }} {{ x", "{'x': '1', 'list': ['a', 'b']} {{ x"),
        ("no braces", "no braces"),
        (True, True),
    ],
)
def test_an_expression_comes_to_what_the_engine_makes_of_it(text, expected):
    found = value(text)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "text",
    [
        "{{ inputs.x | nonsense }}",
        "{{ inputs.list | upper }}",
        "{{ inputs.x == '1' | default('y') }}",
        "{{ inputs.x | join(1) }}",
        "{{ inputs.x | from_json() }}",
        "{{ inputs.x | split('') }}",
        "{{ steps.build.output.stdout | from_json }}",
    ],
)
def test_an_expression_that_cannot_work_is_an_error(text):
    with pytest.raises(ExpressionError):
        value(text)


def test_early_releases_cut_inside_of_quotes():
    assert value("{{ 'a or b' == 'a or b' }}", V1_0_1) is True
    assert value("{{ 'a or b' == 'a or b' }}", V0_9_4) == "a or b' == 'a or b"


def test_early_releases_ignore_a_filter_that_does_not_exist():
    assert value("{{ inputs.x | nonsense }}", V0_9_4) == "1"
    with pytest.raises(ExpressionError):
        value("{{ inputs.x | nonsense }}", V1_0_1)


def test_only_later_releases_know_parentheses():
    assert value("{{ (1 == 2) }}", V1_0_1) is None
    assert value("{{ (1 == 2) }}", V1_1_2) is False


def test_only_the_newest_leaves_out_what_cannot_matter():
    text = "{{ true or inputs.x | nonsense }}"
    for behaviours in (V1_1_2, LATEST):
        with pytest.raises(ExpressionError):  # the filter binds weaker than the operator, and is refused
            value(text, behaviours)
    text = "{{ true or (inputs.x | nonsense) }}"
    with pytest.raises(ExpressionError):
        value(text, V1_1_2)
    assert value(text) is True


@pytest.mark.parametrize(
    ("condition", "met"),
    [("True", True), (" false ", False), ("{{ 0 }}", False), ("anything", True), ("", False), (None, False)],
)
def test_a_condition_is_met_by_what_reads_as_true(condition, met):
    assert holds(condition, NAMES, LATEST) is met


def test_places_are_found_outside_of_quotes_and_brackets():
    assert find("'a|b' | c", "|", anywhere=False) == 6
    assert find("'a|b' | c", "|", anywhere=True) == 2
    assert find("(a|b)", "|", anywhere=False) == -1
    assert split("[a, b], 'c, d', e", ",", anywhere=False) == ["[a, b]", " 'c, d'", " e"]
    assert squeezed("  a   ==  'b   c' ") == "a == 'b   c'"
    assert block_end("{{ '}}' }} x", 0) == 8
