"""Everything of Kargo's that some files hold, for those who judge manifests before they are applied.

One object that is not as it should be does not hide the others.

Source: `api/v1alpha1`
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from model.fields import Field
from model.inputs import Document, InputError, Place
from model.kargo.auto_promotion import PromotionPolicy, deciding_policy
from model.kargo.live.objects import LiveStage
from model.kargo.live.reading import LiveReader
from model.kargo.live.values import items, text
from model.kargo.manifest_types import Manifests, Stage
from model.kargo.manifests import API_GROUP, API_VERSION, USED_KINDS, Reader, kind_of

Key = tuple[str, str]
"""A namespace, and a name in it."""


@dataclass(frozen=True, slots=True)
class GitSubscription:
    """A Git repository that a Warehouse watches: one branch of it, or its `tags`.

    `filtered` says that not every commit counts: by the paths that it changes, or by an expression.
    Source: `GitSubscription`, `CommitSelectionStrategy`
    """

    url: str
    branch: str = ""
    tags: bool = False
    filtered: bool = False


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A Warehouse, as far as it watches Git repositories.

    `by_itself` says that whatever it finds becomes Freight: no person and no expression decides about that.
    Source: `FreightCreationPolicy`, `FreightCreationCriteria`
    """

    name: str
    namespace: str
    git: tuple[GitSubscription, ...] = ()
    by_itself: bool = True
    place: Place = field(default=Place(""), compare=False)


@dataclass(frozen=True)
class Bundle:
    """What was found, in the order given.

    `around` has what else is known of a Stage, `policies` those of each project that says anything of
    auto-promotion, `requests` the places of the requests of a Stage. `others` counts objects of kinds that are not
    Kargo's, or that nothing is asked of.
    """

    manifests: Manifests = field(default_factory=Manifests)
    around: Mapping[Key, LiveStage] = field(default_factory=dict)
    warehouses: tuple[Warehouse, ...] = ()
    policies: Mapping[str, tuple[PromotionPolicy, ...]] = field(default_factory=dict)
    requests: Mapping[Key, tuple[Place, ...]] = field(default_factory=dict)
    problems: tuple[InputError, ...] = ()
    others: int = 0

    def auto_promotes(self, stage: Stage) -> bool:
        """Whether the Stage promotes by itself, as far as these files say."""
        known = self.around.get((stage.namespace, stage.name))
        labels = dict(known.labels) if known else {}
        policy = deciding_policy(self.policies.get(stage.namespace, ()), stage.name, labels)
        return policy is not None and policy.enabled


def read_bundle(documents: Iterable[Document]) -> Bundle:
    """Everything of Kargo's in `documents`, also what is in lists."""
    reader = _Reader()
    for document in documents:
        for found in reader.objects(Field(document, document.root), ("", "")):
            reader.take(*found)
    specs = reader.specs
    manifests = Manifests(
        tuple(specs.stages), tuple(specs.promotions), tuple(specs.tasks), tuple(dict.fromkeys(specs.warnings))
    )
    policies = reader.live.policies
    around, problems = reader.live.stages, (*reader.problems, *reader.live.problems)
    warehouses = tuple(reader.warehouses)
    return Bundle(manifests, around, warehouses, policies, reader.requests, _each_once(problems), reader.others)


def _each_once(problems: Iterable[InputError]) -> tuple[InputError, ...]:
    return tuple({str(problem): problem for problem in problems}.values())


class _Reader:
    """Sorts objects by kind and collects what it meets."""

    def __init__(self) -> None:
        self.specs = Reader()
        self.live = LiveReader()
        self.warehouses: list[Warehouse] = []
        self.requests: dict[Key, tuple[Place, ...]] = {}
        self.problems: list[InputError] = []
        self.others = 0

    def objects(self, obj: Field, item_of: tuple[str, str]) -> Iterator[tuple[str, str, Field]]:
        """The version, the kind and the object itself, of an object and of all in it if it is a list."""
        try:
            version, kind = kind_of(obj, item_of)
            listed: list[Field] = []
            if kind.endswith("List") and (inner := obj.get("items")):
                listed = list(inner.items("a list of objects"))
        except InputError as error:
            self.problems.append(error)
            return
        if kind.endswith("List") and "items" in obj.node.value:
            of_items = (version, kind.removesuffix("List")) if version == API_VERSION else ("", "")
            for item in listed:
                yield from self.objects(item, of_items)
        else:
            yield version, kind, obj

    def take(self, version: str, kind: str, obj: Field) -> None:
        """Take in an object."""
        if version.split("/")[0] != API_GROUP:
            self.others += 1
            return
        try:
            if version == API_VERSION and kind in USED_KINDS:
                self.specs.take(kind, obj)
            elif version == API_VERSION and kind == "Warehouse":
                self.warehouses.append(_warehouse(obj))
            else:
                self.others += kind not in ("Project", "ProjectConfig")
                self.specs.leave(version, kind, obj)
        except InputError as error:
            self.problems.append(error)
            return
        if kind == "Stage":
            found = self.specs.stages[-1]
            requested = obj.need("spec", "").need("requestedFreight", "")
            self.requests[found.namespace, found.name] = tuple(r.place for r in requested.items(""))
        if kind in ("Stage", "Project", "ProjectConfig"):
            self.live.read(obj, (version, kind))


def _warehouse(obj: Field) -> Warehouse:
    metadata = obj.need("metadata", "the object's metadata")
    name = metadata.need("name", "the name of the Warehouse").text("the name of the Warehouse")
    spec = obj.need("spec", "the Warehouse's specification")
    git = tuple(_git(s) for s in items(spec, "subscriptions", "a list of subscriptions") if s.get("git"))
    criteria = spec.get("freightCreationCriteria")
    decided = text(spec, "freightCreationPolicy") == "Manual" or bool(criteria and text(criteria, "expression"))
    return Warehouse(name, text(metadata, "namespace"), git, not decided, obj.place)


def _git(subscription: Field) -> GitSubscription:
    git = subscription.need("git", "a Git repository")
    paths = [p for name in ("includePaths", "excludePaths") for p in items(git, name, "a list of paths")]
    url = git.need("repoURL", "the URL of a repository").text("the URL of a repository")
    tags = text(git, "commitSelectionStrategy") in _OF_TAGS
    return GitSubscription(url, text(git, "branch"), tags, bool(paths or text(git, "expressionFilter")))


_OF_TAGS = ("Lexical", "NewestTag", "SemVer")
"""The strategies by which tags are found, not commits of a branch."""
