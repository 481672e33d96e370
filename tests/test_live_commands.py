"""What to type for what a person can do."""

from __future__ import annotations

import json
import shlex

import pytest

from model.kargo.auto_promotion import PromotionPolicy
from model.kargo.live.objects import LiveProject
from simulations.kargo.live.actions import HARM, Action
from simulations.kargo.live.commands_text import DESCRIBED, commands, upgrade

SHOP = LiveProject("shop", kinds=frozenset({"Stage", "ProjectConfig"}))


def project(*policies: PromotionPolicy) -> LiveProject:
    return LiveProject("shop", policies=policies, kinds=SHOP.kinds)


@pytest.mark.parametrize("do", HARM)
def test_every_action_is_a_command_that_a_shell_takes_as_it_is(do: str) -> None:
    action = Action(do, "a stage", "a; promotion", "$freight")

    found = commands(action, SHOP, ("one", "another one"))

    assert do in DESCRIBED
    assert found
    for line in found:
        words = shlex.split(line)
        assert words[0] in ("kargo", "kubectl", "echo")
        assert not {"promotion;", "$freight;"} & set(words)
        assert "EACH" not in line


def test_several_things_are_several_commands() -> None:
    each = commands(Action("promote_each", "dev"), SHOP, ("f1", "g1"))
    every = commands(Action("abort_all", "dev"), SHOP, ("dev.1", "dev.2"))

    assert each == tuple(f"kargo promote --project=shop --freight={f} --stage=dev" for f in ("f1", "g1"))
    assert every == tuple(f"kargo promote --project=shop --name={p} --abort" for p in ("dev.1", "dev.2"))


@pytest.mark.parametrize(
    ("given", "what", "patch"),
    [
        (project(), "--type=merge", {"spec": {"promotionPolicies": [1]}}),
        (project(PromotionPolicy(False, "prod")), "--type=json", [{"path": "/spec/promotionPolicies/0"}]),
        (
            project(PromotionPolicy(False, "prod"), PromotionPolicy(False, "dev")),
            "--type=json",
            [{"path": "/spec/promotionPolicies/1/autoPromotionEnabled"}],
        ),
        (project(PromotionPolicy(False, "glob:d*")), "--type=json", [{"path": "/spec/promotionPolicies/0"}]),
    ],
    ids=["none", "of another Stage", "its own", "of several"],
)
def test_a_policy_is_patched_without_touching_those_of_others(given: LiveProject, what: str, patch: object) -> None:
    [line] = commands(Action("auto_on", "dev"), given)

    words = shlex.split(line)
    found = json.loads(words[-1])
    assert what in words
    if isinstance(patch, list):
        assert [change["path"] for change in found] == [change["path"] for change in patch]
    else:
        assert len(found["spec"]["promotionPolicies"]) == 1


def test_where_there_is_no_project_config_it_is_created() -> None:
    [line] = commands(Action("auto_on", "dev"), SHOP)

    words = shlex.split(line)
    assert json.loads(words[1])["kind"] == "ProjectConfig"
    assert words[2:] == ["|", "kubectl", "create", "--filename", "-"]


def test_an_upgrade_names_the_release() -> None:
    assert "--version 1.11.2 " in upgrade("1.11.2")
