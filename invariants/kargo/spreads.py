"""Claims over as many variables as there are."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Claim = Callable[..., bool]


@dataclass(frozen=True)
class Spread:
    """A claim over as many variables as there are: `more` are the parameters it gets beside those it names."""

    claim: Claim
    more: tuple[str, ...]

    @property
    def __name__(self) -> str:
        return self.claim.__name__

    @cached_property
    def __signature__(self) -> inspect.Signature:
        own = inspect.signature(self.claim).parameters.values()
        named = [p for p in own if p.kind is not inspect.Parameter.VAR_KEYWORD]
        added = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in self.more]
        first = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in named]
        return inspect.Signature([*first, *added])

    def __call__(self, **values: Any) -> bool:
        """Whether the claim is true of these values."""
        return self.claim(**values)
