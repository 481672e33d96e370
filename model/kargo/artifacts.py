"""Finding commits, images, charts and other artifacts in the Freight of a Promotion.

Which Warehouse an artifact comes from is either said by the caller or found out from the subscriptions of the
requested Warehouses. Source: ``pkg/controller/freight/finder.go``, ``pkg/urls/git.go``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from model.expressions.results import ExpressionError
from model.expressions.text import quoted
from model.expressions.types import GoType, pointer_to
from model.expressions.values import UNKNOWN, Nil, Struct, type_name
from model.kargo.function_types import ARTIFACT, FREIGHT_ORIGIN, ArtifactTypes, artifact
from model.kargo.promotion_context import Manifest, PromotionContext

Arguments = tuple[object, ...]


class Artifacts:
    """The functions `commitFrom`, `imageFrom`, `chartFrom` and `artifactFrom` for one Promotion."""

    def __init__(self, context: PromotionContext, types: ArtifactTypes, sanitizes_urls: bool) -> None:
        self._context = context
        self._types = types
        self._sanitizes_urls = sanitizes_urls
        self._pointers = {one: pointer_to(one) for one in (types.commit, types.image, types.chart)}

    def commit(self, arguments: Arguments) -> object:
        """`commitFrom`. URLs are compared in their normal form."""
        text, origin = _text_and_origin(arguments)
        url = normal_git_url(text, self._sanitizes_urls)

        def wanted(entry: Manifest) -> bool:
            return normal_git_url(str(entry.get("repoURL", "")), self._sanitizes_urls) == url

        ambiguous = (
            f"multiple requested Freight could potentially provide a commit from repo {url};"
            " please update promotion steps to disambiguate"
        )
        found = origin or self._origin("git", wanted, ambiguous)
        return self._found(found, "commits", wanted, self._types.commit)

    def image(self, arguments: Arguments) -> object:
        """`imageFrom`."""
        url, origin = _text_and_origin(arguments)

        def wanted(entry: Manifest) -> bool:
            return entry.get("repoURL", "") == url

        ambiguous = (
            f"multiple requested Freight could potentially provide a container image from repository {url}:"
            " please provide a Freight origin to disambiguate"
        )
        found = origin or self._origin("image", wanted, ambiguous)
        return self._found(found, "images", wanted, self._types.image)

    def chart(self, arguments: Arguments) -> object:
        """`chartFrom`, the only one that fails when no requested Warehouse subscribes to the artifact."""
        url, name, origin = _chart_arguments(arguments)

        def wanted(entry: Manifest) -> bool:
            return entry.get("repoURL", "") == url and entry.get("name", "") == name

        ambiguous = (
            f"multiple requested Freight could potentially provide a chart from repository {url}:"
            " please provide a Freight origin to disambiguate"
        )
        found = origin or self._origin("chart", wanted, ambiguous)
        if found == "":
            chart = f"chart {quoted(name)}" if name else "chart"
            raise ExpressionError(f"{chart} from repo {url} not found in referenced Freight")
        return self._found(found, "charts", wanted, self._types.chart)

    def artifact(self, arguments: Arguments) -> object:
        """`artifactFrom`, by the name of a subscription."""
        name, origin = _text_and_origin(arguments)
        ambiguous = (
            f"error finding artifact from subscription {name}: multiple requested Freight could potentially provide"
            f" a {quoted(name)} artifact; please update promotion steps to disambiguate"
        )
        found = origin or self._origin("", lambda entry: entry.get("name") == name, ambiguous)
        if found is None:
            return UNKNOWN
        for entry in self._entries(found, "artifacts"):
            if entry.get("subscriptionName") == name:
                return _generic(entry)
        return None

    def _origin(self, kind: str, wanted: Callable[[Manifest], bool], ambiguous: str) -> str | None:
        """The only Warehouse that subscribes to what is wanted; empty if none does, None if that is not known."""
        cluster = self._context.cluster
        if cluster is None:
            return None
        found = ""
        for name in self._context.requested:
            for subscription in self._subscriptions(name):
                entry = subscription.get(kind) if kind else _generic_subscription(subscription)
                if isinstance(entry, Mapping) and wanted(entry):
                    if found:
                        raise ExpressionError(ambiguous)
                    found = name
        return found

    def _subscriptions(self, warehouse: str) -> list[Manifest]:
        assert self._context.cluster is not None
        for manifest in self._context.cluster.warehouses:
            meta, spec = manifest.get("metadata"), manifest.get("spec")
            named = isinstance(meta, Mapping) and meta.get("name") == warehouse
            if named and isinstance(meta, Mapping) and meta.get("namespace") == self._context.project:
                found = spec.get("subscriptions") if isinstance(spec, Mapping) else None
                return list(found) if isinstance(found, list) else []
        raise ExpressionError(
            f"Warehouse {quoted(warehouse)} not found in namespace {quoted(self._context.project)}"
        )

    def _found(self, origin: str | None, kind: str, wanted: Callable[[Manifest], bool], type_: GoType) -> object:
        if origin is None:
            return UNKNOWN
        for entry in self._entries(origin, kind):
            if wanted(entry):
                return artifact(type_, entry, self._types.printed)
        return Nil(self._pointers[type_])

    def _entries(self, origin: str, kind: str) -> Iterator[Manifest]:
        def warehouse(freight: Manifest) -> str:
            found = freight.get("origin")
            return str(found.get("name", "")) if isinstance(found, Mapping) else ""

        # The collection is kept by origin and gone through in that order.
        for freight in sorted(self._context.freight, key=warehouse):
            entries = freight.get(kind)
            if origin and warehouse(freight) == origin and isinstance(entries, list):
                yield from entries


_OWN_SUBSCRIPTIONS: Final = ("git", "image", "chart")


def _generic_subscription(subscription: Manifest) -> object:
    if any(kind in subscription for kind in _OWN_SUBSCRIPTIONS):
        return None
    inner = subscription.get("subscription")
    if isinstance(inner, Mapping):
        return inner
    # Warehouses are written `{<kind>: {...}}` or with the fields of the subscription side by side.
    return subscription if "name" in subscription else next(iter(subscription.values()), None)


def _generic(entry: Manifest) -> Struct:
    values = [entry.get(name, "") for name in ("artifactType", "subscriptionName", "version")]
    metadata = entry.get("metadata")
    return Struct(ARTIFACT, (*values, dict(metadata) if isinstance(metadata, Mapping) else {}))


def _text(value: object) -> str:
    if type(value) is not str:
        raise ExpressionError(f"first argument must be string, got {type_name(value)}")
    return value


def _origin_name(value: object, what: str) -> str:
    if isinstance(value, Struct) and value.type is FREIGHT_ORIGIN and not value.pointer:
        return str(value.field("Name"))
    raise ExpressionError(f"{what}, got {type_name(value)}")


def _text_and_origin(arguments: Arguments) -> tuple[str, str]:
    if len(arguments) == 1:
        return (_text(arguments[0]), "")
    return (_text(arguments[0]), _origin_name(arguments[1], "second argument must be FreightOrigin"))


def _chart_arguments(arguments: Arguments) -> tuple[str, str, str]:
    url = _text(arguments[0])
    if len(arguments) == 1:
        return (url, "", "")
    if type(arguments[1]) is not str:
        what = "second argument must be string or FreightOrigin"
        found = _origin_name(arguments[1], what)
        if len(arguments) == 3:
            raise ExpressionError("when using three arguments, second argument must be string")
        return (url, "", found)
    if len(arguments) == 2:
        return (url, arguments[1], "")
    if not arguments[1]:
        raise ExpressionError("when using three arguments, second argument must be string, got string")
    return (url, arguments[1], _origin_name(arguments[2], "third argument must be FreightOrigin"))


_SCP: Final = re.compile(r"((?:[a-z0-9_-]+@)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::(.*))?\Z")


def normal_git_url(url: str, sanitizes: bool) -> str:
    """A Git URL in the form in which two spellings of one repository are equal.

    Source: ``pkg/urls/git.go: NormalizeGit``; since 1.9 blanks around a URL and unprintable characters in it are
    ``sanitize``d away.
    """
    text = url.lower()
    if sanitizes:
        text = "".join(char for char in text if char.isprintable()).strip()
    if text.startswith(("http://", "https://", "ssh://")):
        return _normal_url(text, url)
    found = _SCP.match(text)
    if found is None:
        return url
    path = _trimmed(found.group(2) or "")
    return f"ssh://{found.group(1)}" + (f"/{path}" if path else "")


def _normal_url(text: str, original: str) -> str:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return original
    if parts.query or any(char <= " " or char == "\x7f" for char in text):
        return original
    host = parts.netloc if parts.scheme == "ssh" else parts.netloc.rpartition("@")[2]
    fragment = f"#{parts.fragment}" if parts.fragment else ""
    return f"{parts.scheme}://{host}{_trimmed(parts.path)}{fragment}"


def _trimmed(path: str) -> str:
    return path.removesuffix("/").removesuffix(".git")
