"""Workflow files, from a path to a workflow that can be run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from model.documents import Document, InputError, plain, printable, read
from model.fields import Field
from model.inputs import Node
from model.speckit.releases import Behaviours
from model.speckit.validation import kinds, messages
from model.speckit.workflow import Workflow, compiled
from model.system import ModelError

NOT_MODELLED = ("init", "github")


def is_workflow(document: Document) -> bool:
    """Whether a document looks like a workflow of spec-kit and not like a Kubernetes object."""
    root = document.root.value
    return isinstance(root, Mapping) and "steps" in root and "workflow" in root and "kind" not in root


def load(
    paths: Iterable[str | Path], behaviours: Behaviours, *, anyway: bool = False, stdin: BinaryIO | None = None
) -> Workflow:
    """The workflow of the first file, able to call those of the others.

    With `anyway`, what validation says is not asked for; the engine itself does not ask, either, only its
    command line. Raises InputError for anything that cannot be read, has a step that is not modelled, or that
    validation refuses.
    """
    documents = [_single(path, stdin) for path in paths]
    found = [_checked(document, behaviours, anyway) for document in documents]
    others = {workflow.name: workflow for workflow in found[1:]}
    if len({w.name for w in found}) < len(found):
        raise InputError("two of the workflows have the same id", Field(documents[-1], documents[-1].root).place)
    first = documents[0]
    return compiled(_mapping(first), others)


def _single(path: str | Path, stdin: BinaryIO | None) -> Document:
    documents = read([path], stdin=stdin)
    if len(documents) > 1:
        raise InputError(
            "expected one workflow, found several documents", Field(documents[1], documents[1].root).place
        )
    return documents[0]


def _mapping(document: Document) -> dict[str, Any]:
    Field(document, document.root).mapping("a workflow, which is a mapping")
    found: dict[str, Any] = plain(document.root)
    return found


def _checked(document: Document, behaviours: Behaviours, anyway: bool) -> Workflow:
    data = _mapping(document)
    if not isinstance(data.get("steps"), list) or not isinstance(data.get("workflow"), Mapping):
        raise Field(document, document.root).wrong("expected a workflow with `workflow` and a list of `steps`")
    found = list(messages(data, behaviours))
    if found and not anyway:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        about = _step_named(document, found[0]) or Field(document, document.root)
        raise about.wrong(f"spec-kit {behaviours.release} refuses it: {printable(found[0], 200)}{more}")
    try:
        workflow = compiled(data)
    except ModelError as problem:
        raise Field(document, document.root).wrong(printable(str(problem), 200)) from None
    for step in workflow.steps:
        if step.kind in NOT_MODELLED and step.kind in {*kinds(behaviours), *NOT_MODELLED}:
            about = _step_named(document, f"step '{step.name}'") or Field(document, document.root)
            raise about.wrong(f"steps of the type {step.kind} are not modelled")
    return workflow


def _step_named(document: Document, message: str) -> Field | None:
    """The step that a message is about, by the id in it."""
    found = re.search(r"[Ss]tep(?: ID)? ['\"]([^'\"]+)['\"]", message)
    if found is None:
        return None
    steps = Field(document, document.root).get("steps")
    places = _steps(steps, document) if steps is not None else iter(())
    return next((f for f in places if _id(f.node) == found[1]), None)


def _id(node: Node) -> Any:
    found = node.value.get("id") if isinstance(node.value, Mapping) else None
    return found.value if found is not None else None


def _steps(field: Field, document: Document) -> Iterator[Field]:
    value = field.node.value
    if isinstance(value, list):
        for index, node in enumerate(value):
            yield from _steps(Field(document, node, f"{field.path}[{index}]"), document)
    elif isinstance(value, Mapping):
        if "id" in value:
            yield field
        for name, node in value.items():
            yield from _steps(Field(document, node, f"{field.path}.{name}"), document)
