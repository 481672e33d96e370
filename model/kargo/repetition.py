"""What comes of a built-in step that is done again, where that is not the same as doing it once.

Steps that are not listed change only the work directory, or ask for a state that is the same however often it is
asked for. Source: the runners in `pkg/promotion/runner/builtin` (1.11.2).
"""

from __future__ import annotations

REPEATED: dict[str, str] = {
    "git-push": "another commit is pushed, unless nothing was changed",
    "github-push": "another commit is pushed, unless nothing was changed",
    "git-open-pr": "an open or merged pull request is adopted; after one that was closed, a second one is opened",
    "git-tag": "where the tag is there already it fails, or moves the tag (`force`)",
    "http": "the request is sent again",
    "argocd-update": "another sync is asked for, unless this Promotion asked for the last one",
}
"""By kind: in words."""
