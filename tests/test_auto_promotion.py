"""Which Freight a Stage promotes by itself: policies, candidates, and what keeps them back."""

from __future__ import annotations

from itertools import product

import pytest

from model.kargo.auto_promotion import (
    Choice,
    Dated,
    Guard,
    PromotionPolicy,
    Verdict,
    before_promotions,
    choose,
    decision,
    is_enabled,
    note,
    oldest_first,
)
from model.kargo.label_selectors import Expression, Operator, Selector
from model.kargo.name_patterns import PatternError, name_matches
from model.kargo.phases import PromotionPhase
from model.kargo.releases import RELEASES
from model.kargo.requests import MATCH_UPSTREAM, NEWEST_FREIGHT, FreightRequest

OLD, NEW = RELEASES["1.10.10"], RELEASES["1.11.2"]
NEWEST = FreightRequest("w", stages=("dev",), policy=NEWEST_FREIGHT)
MATCH = FreightRequest("w", stages=("dev",), policy=MATCH_UPSTREAM)

PENDING, SUCCEEDED = PromotionPhase.PENDING, PromotionPhase.SUCCEEDED
FAILED, ABORTED = PromotionPhase.FAILED, PromotionPhase.ABORTED

# Policies


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("prod", "prod", True),
        ("prod", "production", False),
        ("glob:pro*", "prod", True),
        ("glob:pro", "prod", False),
        ("glob:*", "a.b-c", True),
        ("glob:{dev,qa}-?", "qa-1", True),
        ("glob:{dev,qa}-?", "qa-12", False),
        ("glob:[!a-c]*", "dev", True),
        ("glob:[a-c]*", "dev", False),
        (r"glob:[\]a]", "a", True),
        ("glob:p.od", "prod", False),
        (r"glob:a\*", "ab", False),
        (r"glob:a\*,", "a*,", True),
        ("glob:**", "dev", True),
        ("glob:**/dev", "dev", True),
        ("glob:dev/**", "dev", True),
        ("regex:ro", "prod", True),  # anywhere
        ("regexp:^ro", "prod", False),
        ("regex:^stage[0-9]$", "stage2", True),
        ("other:prod", "prod", False),
    ],
)
def test_names_are_exact_globs_or_regular_expressions(pattern: str, name: str, expected: bool) -> None:
    assert name_matches(pattern, name) is expected


@pytest.mark.parametrize(
    "pattern", ["glob:[", "glob:[]a]", "glob:{a", "glob:}", "glob:a\\", "regex:(", "regexp:a**"]
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"is no glob|cannot be used"):
        name_matches(pattern, "prod")


def test_a_pattern_that_backtracks_elsewhere_is_matched_at_once() -> None:
    assert not name_matches("glob:" + "*a" * 30, "a" * 29)


def test_the_first_policy_for_the_stage_decides() -> None:
    on, off = PromotionPolicy(True, "prod"), PromotionPolicy(False, "glob:pro*")

    assert is_enabled((on, off), "prod", {})
    assert not is_enabled((off, on), "prod", {})
    assert is_enabled((PromotionPolicy(False, "dev"), on), "prod", {})
    assert is_enabled((PromotionPolicy(True),), "prod", {})
    assert not is_enabled((on,), "dev", {})
    assert not is_enabled((), "prod", {})


@pytest.mark.parametrize(
    ("wanted", "gold", "silver", "none"),
    [
        (Expression("tier", Operator.IN, ("gold", "platinum")), True, False, False),
        (Expression("tier", Operator.NOT_IN, ("gold",)), False, True, True),
        (Expression("tier", Operator.EXISTS), True, True, False),
        (Expression("tier", Operator.DOES_NOT_EXIST), False, False, True),
    ],
)
def test_labels_select_as_in_kubernetes(wanted: Expression, gold: bool, silver: bool, none: bool) -> None:
    policy = PromotionPolicy(True, labels=Selector(expressions=(wanted,)))
    labels: list[dict[str, str]] = [{"tier": "gold"}, {"tier": "silver"}, {}]

    assert [is_enabled((policy,), "prod", one) for one in labels] == [gold, silver, none]


def test_a_policy_wants_the_name_and_all_labels() -> None:
    a, b = Expression("a", Operator.EXISTS), Expression("b", Operator.EXISTS)
    policy = (PromotionPolicy(True, "prod", Selector(expressions=(a, b))),)

    assert is_enabled(policy, "prod", {"a": "", "b": ""})
    assert not is_enabled(policy, "dev", {"a": "", "b": ""})
    assert not is_enabled(policy, "prod", {"a": ""})


# Candidates


def test_the_newest_is_created_last_up_to_1_10_and_discovered_last_since() -> None:
    late_found, late_made = Dated("a", 1, discovered_ms=9), Dated("b", 2, discovered_ms=2)

    assert oldest_first((late_found, late_made), OLD) == ("a", "b")
    assert oldest_first((late_found, late_made), NEW) == ("b", "a")
    assert oldest_first((late_found, Dated("c", 10)), NEW) == ("a", "c")


def test_of_freight_of_the_same_age_the_name_decides() -> None:
    a, b, c = (Dated(name, 1) for name in "abc")

    assert oldest_first((b, a, c), OLD)[-1] == "a"
    assert oldest_first((b, a, c), NEW)[-1] == "c"


def test_the_candidate_is_the_newest_that_is_listed() -> None:
    one = choose(choose(Choice(), "a", True), "b", False)
    two = choose(one, "c", True)

    assert one == Choice("a")
    assert two == Choice("c", several=True)
    assert not one.is_ambiguous(MATCH)
    assert two.is_ambiguous(MATCH)
    assert not two.is_ambiguous(NEWEST)


# What does not depend on Promotions


def early(choice: Choice, request: FreightRequest = NEWEST, *, held: bool = False, new: bool = True) -> object:
    return before_promotions(choice, request, "current", "awaited", held, NEW if new else OLD)


@pytest.mark.parametrize("new", [False, True])
def test_the_first_reason_counts(new: bool) -> None:
    assert early(Choice(), held=True, new=new) is Verdict.HELD
    assert early(Choice("current"), held=True, new=new) is Verdict.HELD
    assert early(Choice(), new=new) is Verdict.NONE
    assert early(Choice("current", several=True), MATCH, new=new) is Verdict.SEVERAL
    assert early(Choice("current", several=True), new=new) is Verdict.CURRENT
    assert early(Choice("other"), new=new) is None


def test_the_freight_of_the_current_promotion_is_awaited_since_1_11() -> None:
    assert early(Choice("awaited")) is Verdict.AWAITING
    assert early(Choice("awaited"), new=False) is None


# What depends on Promotions


def guard(*promotions: tuple[PromotionPhase, bool]) -> Guard:
    noted = Guard()
    for phase, after_last in promotions:
        noted = note(noted, phase, after_last)
    return noted


def test_without_any_promotion_one_is_created() -> None:
    assert {decision(Guard(), r, b) for r in (NEWEST, MATCH) for b in (OLD, NEW)} == {(Verdict.CREATED,)}


@pytest.mark.parametrize("phase", PromotionPhase)
def test_up_to_1_10_any_promotion_of_the_newest_freight_is_one_too_many(phase: PromotionPhase) -> None:
    assert decision(guard((phase, False)), NEWEST, OLD) == (Verdict.EXISTS,)


@pytest.mark.parametrize("after_last", [False, True])
def test_one_that_is_not_over_keeps_others_back(after_last: bool) -> None:
    for promotions in ([PENDING], [PENDING, SUCCEEDED], [FAILED, PENDING], [PromotionPhase.NEW]):
        noted = guard(*((phase, after_last) for phase in promotions))
        assert decision(noted, MATCH, OLD) == (Verdict.IN_FLIGHT,)
        assert decision(noted, MATCH, NEW) == decision(noted, NEWEST, NEW) == (Verdict.UNPROCESSED,)


def test_up_to_1_10_some_arbitrary_promotion_that_is_over_decides() -> None:
    created, refused = Verdict.CREATED, Verdict.LAST_NOT_SUCCEEDED

    assert decision(guard((SUCCEEDED, False)), MATCH, OLD) == (created,)
    assert decision(guard((ABORTED, False)), MATCH, OLD) == (refused,)
    for first, second in ((SUCCEEDED, FAILED), (FAILED, SUCCEEDED)):
        assert decision(guard((first, False), (second, False)), MATCH, OLD) == (created, refused)


def test_since_1_11_the_latest_promotion_that_is_over_decides() -> None:
    assert decision(guard((FAILED, False), (SUCCEEDED, False)), NEWEST, NEW) == (Verdict.CREATED,)
    assert decision(guard((SUCCEEDED, False), (FAILED, False)), NEWEST, NEW) == (Verdict.LAST_NOT_SUCCEEDED,)


def test_since_1_11_a_success_that_is_not_on_record_keeps_others_back() -> None:
    assert decision(guard((SUCCEEDED, True)), NEWEST, NEW) == (Verdict.UNPROCESSED,)
    assert decision(guard((SUCCEEDED, True), (FAILED, True)), NEWEST, NEW) == (Verdict.UNPROCESSED,)
    assert decision(guard((FAILED, True)), NEWEST, NEW) == (Verdict.LAST_NOT_SUCCEEDED,)


def test_guards_are_few_and_every_one_decides() -> None:
    """The checker keeps one row for each."""
    found = {Guard()}
    for _ in range(4):
        found |= {note(g, p, a) for g, p, a in product(found, PromotionPhase, (False, True))}

    assert len(found) == 16
    assert all(decision(g, r, b) for g, r, b in product(found, (NEWEST, MATCH), RELEASES.values()))
