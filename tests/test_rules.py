"""The eight rules: what is judged, what a changed behaviour does to the table, and what is remembered of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

import kargo_model
from commands.fan_out import Processes
from commands.looking import Looker
from diagrams import rulings
from invariants.kargo import judging, rules
from invariants.kargo.judging import Look, Ruling, Seen, Standing, judge, take
from model.kargo.releases import LATEST, V1_9_9, V1_10_10, Behaviours, HealthTrust

PARTS = {part.id: part for part in rules.parts()}
LOOK = Look(LATEST, "fresh-health", (), frozenset({PARTS["8b"].claim.__name__, PARTS["8b"].witness.__name__}))


def ask(looks: Iterable[Look]) -> dict[Look, Seen]:
    return {look: take(look) for look in looks}


def ruling(part: str, behaviours: Behaviours) -> Ruling:
    return judge([behaviours], [PARTS[part]], ask)[part, behaviours.release]


def quiet(done: int, of: int) -> None:
    """Nobody looks."""


def test_there_are_eight_rules_and_every_part_has_a_name_of_its_own() -> None:
    assert [rule.number for rule in rules.RULES] == list(range(1, 9))
    assert len(PARTS) == len(rules.parts())
    assert all(part.id.startswith(str(rule.number)) for rule in rules.RULES for part in rule.parts)
    assert all(part.instead in PARTS for part in rules.parts() if part.instead)


@pytest.mark.parametrize("system", sorted({s for part in rules.parts() for s in part.systems}))
def test_every_part_finds_its_claim_and_its_witness_in_its_systems(system: str) -> None:
    listed = {p.function.__name__ for p in rules.subject(system, V1_10_10).properties}

    for part in rules.parts():
        if system in part.systems:
            assert {part.claim.__name__, part.witness.__name__} <= listed


@pytest.mark.parametrize(
    ("part", "behaviours", "standing"),
    [
        pytest.param("2a", V1_9_9, Standing.CONDITIONAL, marks=pytest.mark.slow),
        ("2a", LATEST, Standing.HOLDS),
        pytest.param("4c", LATEST, Standing.VIOLATED, marks=pytest.mark.slow),
        pytest.param("4g", V1_9_9, Standing.VIOLATED, marks=pytest.mark.slow),
        ("4g", LATEST, Standing.HOLDS),
        ("7a", LATEST, Standing.HOLDS),
        ("8a", V1_9_9, Standing.HOLDS),
        ("8a", LATEST, Standing.VIOLATED),
        ("8b", LATEST, Standing.CONDITIONAL),
    ],
)
def test_what_holds_in_which_release(part: str, behaviours: Behaviours, standing: Standing) -> None:
    assert ruling(part, behaviours).standing is standing


@pytest.mark.parametrize(
    ("part", "changed"),
    [
        ("8a", replace(LATEST, health_trust=HealthTrust.COOLED_DOWN)),
        pytest.param("5c", replace(LATEST, unstarted_inherits_collection=False), marks=pytest.mark.slow),
        pytest.param("4g", replace(LATEST, unknown_health_is_an_error=True), marks=pytest.mark.slow),
        pytest.param("2a", replace(LATEST, names_overwritten=False), marks=pytest.mark.slow),
    ],
)
def test_change_a_behaviour_and_the_table_changes(part: str, changed: Behaviours) -> None:
    assert ruling(part, changed).standing is not ruling(part, LATEST).standing


def test_two_conditions_are_tried_where_none_alone_is_enough() -> None:
    def scripted(looks: Iterable[Look]) -> dict[Look, Seen]:
        name, witness = PARTS["2b"].claim.__name__, PARTS["2b"].witness.__name__
        broken = {look: len(look.changes) < 2 and look.system == "single" for look in looks}
        return {k: Seen({name: "x"} if v else {}, frozenset({witness}), True) for k, v in broken.items()}

    found = judge([LATEST], [PARTS["2b"]], scripted)["2b", LATEST.release]

    assert (found.standing, len(found.conditions)) == (Standing.CONDITIONAL, 2)


def always(seen: Seen) -> judging.Ask:
    return lambda looks: dict.fromkeys(looks, seen)


def test_what_never_arises_and_what_was_not_seen_whole_does_not_hold() -> None:
    for complete, standing in ((True, Standing.NOT_REACHED), (False, Standing.BOUNDED)):
        seen = Seen({}, frozenset(), complete)
        found = judge([LATEST], [PARTS["7a"]], always(seen))
        assert found["7a", LATEST.release].standing is standing


# What is remembered


def remembered(folder: Path) -> Path:
    (file,) = folder.rglob("*.json")
    return file


def test_what_was_seen_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Looker(tmp_path, quiet, Processes())([LOOK])
    monkeypatch.setattr("commands.looking.take_all", None)

    assert Looker(tmp_path, quiet, Processes())([LOOK]) == first


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": "kargo-model/look"}', "[" * 100_000, "\udcff", '{"violated": 3}']
)
def test_a_file_that_is_not_ours_counts_as_none(tmp_path: Path, text: str) -> None:
    first = Looker(tmp_path, quiet, Processes())([LOOK])
    file = remembered(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(text.encode(errors="surrogateescape"))

    assert Looker(tmp_path, quiet, Processes())([LOOK]) == first
    assert file.read_bytes() == whole


def test_a_file_about_another_question_counts_as_none(tmp_path: Path) -> None:
    first = Looker(tmp_path, quiet, Processes())([LOOK])
    file = remembered(tmp_path)
    found = json.loads(file.read_text())
    file.write_text(json.dumps(found | {"look": "0" * 64, "violated": {}}))

    assert Looker(tmp_path, quiet, Processes())([LOOK]) == first


def test_other_sources_ask_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Looker(tmp_path, quiet, Processes())([LOOK])
    monkeypatch.setattr("commands.looking._sources", lambda: "changed")
    Looker(tmp_path, quiet, Processes())([LOOK])

    assert len(list(tmp_path.rglob("*.json"))) == 2


def test_a_folder_that_cannot_be_written_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "looks").write_text("in the way")

    assert Looker(tmp_path, quiet, Processes())([LOOK])[LOOK].complete


# The command


def test_a_story_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["rules", "--show", "8b", "--no-cache"]) == 1

    printed = capsys.readouterr().out
    assert printed.startswith("8b is violated in Kargo 1.11.2: ")
    assert "controller: ask for the health: Healthy" in printed
    assert "so  before the last step: ended = 0, seen = no; after it: found = Healthy" in printed


def test_what_holds_has_no_story(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["rules", "--show", "8a", "--kargo", "1.9.9", "--no-cache", "--format", "json"]) == 0

    (shown,) = json.loads(capsys.readouterr().out)["shown"]
    assert (shown["verdict"], shown["trace"]) == ("holds", None)


def test_a_part_that_does_not_exist_gets_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert kargo_model.main(["rules", "--show", "9z"]) == 2
    assert capsys.readouterr().err.startswith("kargo-model: no part '9z' of a rule; the parts are: 1a, 1b, ")


def test_the_table_is_the_same_in_every_format() -> None:
    rule = rules.RULES[-1]
    found = rulings.Table((rule,), ["1.9.9", "1.11.2"], judge([V1_9_9, LATEST], rule.parts, ask))

    text, pasted = "\n".join(rulings.lines(found, "1.11.2")), "\n".join(rulings.markdown(found, "1.11.2"))
    first = "In Kargo 1.11.2, 0 of 3 claims of rule 8 hold as stated, 2 under a condition, 1 does not."
    assert text.startswith(first)
    assert pasted.startswith(f"**{first}**")
    assert "| 8a | " in pasted
    document = rulings.as_json(found)
    assert json.loads(json.dumps(document)) == document
