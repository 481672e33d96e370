"""When Freight is available: the predicate, the listing, and where they part."""

from __future__ import annotations

import pytest

from model.kargo.availability import (
    Standing,
    Verified,
    enter,
    has_soaked,
    is_available,
    is_listed,
    leave,
    listing_error,
    note,
    soak,
    standing,
    verify,
)
from model.kargo.releases import RELEASES
from model.kargo.requests import ALL, MATCH_UPSTREAM, ONE_OF, FreightRequest

OLD, NEW = RELEASES["1.10.10"], RELEASES["1.11.2"]
NOW = 1_000_000
MINUTE = 60_000

In = tuple[Verified | None, int | None]
SOAKED: In = (Verified(0), NOW - MINUTE)
FRESH: In = (Verified(0), NOW - MINUTE + 1)
LEFT: In = (Verified(0, MINUTE), None)
ABSENT: In = (None, None)
UNVERIFIED: In = (None, NOW - 2 * MINUTE)


def shown(request: FreightRequest, **stages: In) -> Standing:
    """What a Freight has to show that stands with the Stages as given, and is nowhere else."""
    so_far = standing(request)
    for stage in {*request.stages, *stages}:
        so_far = note(so_far, stage, *stages.get(stage, ABSENT), NOW, request)
    return so_far


def both(request: FreightRequest, *, approved: bool = False, **stages: In) -> tuple[bool, bool]:
    """What the predicate and the listing say."""
    seen = shown(request, **stages)
    return is_available(request, approved, seen, NEW), is_listed(request, approved, seen)


# Soaking


@pytest.mark.parametrize(
    ("verified", "since", "lasted"),
    [
        (None, None, 0),
        (None, NOW - MINUTE, 0),  # not verified there: no soak at all
        (Verified(NOW), NOW - MINUTE, MINUTE),  # time before it was verified counts
        (Verified(0), None, 0),
        (Verified(0, 7), None, 7),
        (Verified(0, 7), NOW - 8, 8),
        (Verified(0, 9), NOW - 8, 9),
        (Verified(0), NOW + 5, 0),  # a clock that was set back
    ],
)
def test_a_soak_is_the_longest_stay_in_a_stage_where_it_was_verified(
    verified: Verified | None, since: int | None, lasted: int
) -> None:
    assert soak(verified, since, NOW) == lasted
    assert has_soaked(verified, since, NOW, lasted)
    assert not has_soaked(verified, since, NOW, lasted + 1)
    assert has_soaked(verified, since, NOW, None)


def test_leaving_keeps_the_longest_stay_of_verified_freight() -> None:
    assert leave(Verified(1), NOW - 5, NOW) == Verified(1, 5)
    assert leave(Verified(1, 4), NOW - 5, NOW) == Verified(1, 5)
    assert leave(Verified(1, 6), NOW - 5, NOW) == Verified(1, 6)
    assert leave(None, NOW - 5, NOW) is None
    assert leave(Verified(1, 4), None, NOW) == Verified(1, 4)


def test_the_first_time_counts() -> None:
    assert enter(None, NOW) == NOW
    assert enter(3, NOW) == 3
    assert verify(None, NOW) == Verified(NOW)
    assert verify(Verified(3, 4), NOW) == Verified(3, 4)


def test_leaving_and_coming_back_loses_no_soak() -> None:
    once = leave(Verified(0), NOW - MINUTE, NOW)
    assert soak(once, NOW, NOW) == MINUTE
    assert soak(leave(once, NOW, NOW + 1), None, NOW + 1) == MINUTE


# Where predicate and listing agree

ONE = FreightRequest("w", stages=("dev", "qa"), strategy=ONE_OF, soak_ms=MINUTE)
EVERY = ONE._replace(strategy=ALL)


@pytest.mark.parametrize("request_", [ONE, ONE._replace(strategy=""), EVERY], ids=str)
@pytest.mark.parametrize("soaked", [SOAKED, LEFT], ids=["inside", "left"])
def test_a_soak_is_long_enough_to_the_millisecond(request_: FreightRequest, soaked: In) -> None:
    assert both(request_, dev=soaked, qa=soaked) == (True, True)
    assert both(request_, dev=FRESH, qa=FRESH) == (False, False)
    assert both(request_, dev=soaked) == ((False, False) if request_.strategy == ALL else (True, True))


def test_soaking_and_being_verified_have_to_be_in_the_same_stage() -> None:
    assert both(ONE, dev=FRESH, qa=UNVERIFIED) == (False, False)


@pytest.mark.parametrize("request_", [ONE, EVERY], ids=["OneOf", "All"])
def test_without_a_soak_time_verification_is_enough(request_: FreightRequest) -> None:
    request_ = request_._replace(soak_ms=None)

    assert both(request_, dev=FRESH, qa=FRESH, other=SOAKED) == (True, True)
    assert both(request_, dev=UNVERIFIED, qa=UNVERIFIED) == (False, False)


def test_direct_freight_and_approved_freight_need_nothing() -> None:
    assert both(FreightRequest("w", direct=True)) == (True, True)
    assert both(EVERY, approved=True) == (True, True)


@pytest.mark.parametrize(("strategy", "available"), [(ALL, True), (ONE_OF, False)])
def test_all_of_no_stages_is_every_freight_and_one_of_them_none(strategy: str, available: bool) -> None:
    request_ = FreightRequest("w", stages=(), strategy=strategy, soak_ms=MINUTE)

    assert both(request_) == (available, available)
    assert both(request_, other=SOAKED) == (available, available)


# Where they part


def test_the_listing_is_content_with_soaking_anywhere() -> None:
    assert both(ONE, dev=FRESH, other=SOAKED) == (False, True)
    assert both(ONE, other=SOAKED) == (False, False)


def test_the_listing_for_all_wants_no_soak_elsewhere() -> None:
    assert both(EVERY, dev=SOAKED, qa=SOAKED, other=SOAKED) == (True, False)
    assert both(EVERY, dev=SOAKED, qa=SOAKED, other=FRESH) == (True, True)


def test_a_soak_time_of_zero_is_not_none() -> None:
    zero, none = EVERY._replace(soak_ms=0), EVERY._replace(soak_ms=None)

    assert both(zero, dev=FRESH, qa=FRESH, other=FRESH) == (True, False)
    assert both(none, dev=FRESH, qa=FRESH, other=FRESH) == (True, True)


def test_matching_upstream_lists_only_what_is_there_even_if_approved() -> None:
    match = FreightRequest("w", stages=("dev",), policy=MATCH_UPSTREAM)

    assert both(match, dev=SOAKED) == (True, True)
    assert both(match, dev=LEFT) == (True, False)
    assert both(match, approved=True, dev=LEFT) == (True, False)
    assert both(match, approved=True, dev=UNVERIFIED) == (True, True)


@pytest.mark.parametrize("strategy", [ALL, ONE_OF])
def test_the_order_of_the_stages_does_not_matter(strategy: str) -> None:
    request_ = FreightRequest("w", stages=("dev", "qa"), strategy=strategy, soak_ms=MINUTE, policy=MATCH_UPSTREAM)
    stages = {"dev": SOAKED, "qa": FRESH, "other": SOAKED}

    def gathered(names: list[str]) -> Standing:
        so_far = standing(request_)
        for name in names:
            so_far = note(so_far, name, *stages[name], NOW, request_)
        return so_far

    assert gathered(["dev", "qa", "other"]) == gathered(["other", "qa", "dev"]) == gathered(["qa", "other", "dev"])


# Releases


def test_approval_without_a_request_counts_up_to_1_10() -> None:
    assert is_available(None, True, None, OLD)
    assert not is_available(None, True, None, NEW)
    assert not is_available(None, False, None, OLD)


# What cannot be listed


def test_the_first_request_with_a_problem_decides() -> None:
    strange = FreightRequest("w", stages=("dev",), strategy="Sometimes")
    missing = FreightRequest("nowhere", direct=True)

    assert listing_error((ONE, EVERY), {"w"}, "proj") is None
    assert listing_error((strange._replace(direct=True),), {"w"}, "proj") is None
    assert listing_error((strange, missing), {"w"}, "proj") == "unsupported AvailabilityStrategy: Sometimes"
    assert listing_error((missing, strange), {"w"}, "proj") == 'Warehouse "nowhere" not found in namespace "proj"'


def test_what_a_freight_has_to_show_takes_few_values() -> None:
    """The checker keeps one row for each."""
    found: set[Standing] = set()
    for one in (SOAKED, FRESH, LEFT, ABSENT, UNVERIFIED):
        for two in (SOAKED, FRESH, LEFT, ABSENT, UNVERIFIED):
            for three in (SOAKED, FRESH, ABSENT):
                found.add(shown(ONE, dev=one, qa=two, other=three))

    assert len(found) == 6
