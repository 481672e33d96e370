"""What people ask of the controller by annotating an object: to look at it again, to abort, to verify again.

Source: `pkg/api/annotations.go`, `api/v1alpha1/request.go`, `api/v1alpha1/annotations.go`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import NamedTuple

REFRESH = "kargo.akuity.io/refresh"
REVERIFY = "kargo.akuity.io/reverify"
ABORT = "kargo.akuity.io/abort"
AUTHORIZED_STAGE = "kargo.akuity.io/authorized-stage"

Annotations = Mapping[str, str]


class VerificationRequest(NamedTuple):
    """A request about one verification of a Stage: its id, who asks, and whether a control plane asks for them.

    Source: `VerificationRequest`
    """

    id: str
    actor: str = ""
    control_plane: bool = False


class AbortPromotionRequest(NamedTuple):
    """A request to end a Promotion: how, who asks, and whether a control plane asks for them.

    The only action that Kargo knows is `terminate`; any other is a request, too. Source: `AbortPromotionRequest`
    """

    action: str
    actor: str = ""
    control_plane: bool = False


def refresh_request(annotations: Annotations) -> str | None:
    """The token that is new with every request to look at the object again.

    Source: `RefreshAnnotationValue`
    """
    return annotations.get(REFRESH)


def reverify_request(annotations: Annotations) -> VerificationRequest | None:
    """The verification of the Stage that is to be repeated.

    Source: `ReverifyAnnotationValue`
    """
    return _verification_request(annotations.get(REVERIFY))


def abort_verification_request(annotations: Annotations) -> VerificationRequest | None:
    """The verification of the Stage that is to be aborted.

    Source: `AbortVerificationAnnotationValue`
    """
    return _verification_request(annotations.get(ABORT))


def abort_promotion_request(annotations: Annotations) -> AbortPromotionRequest | None:
    """What is to be done to the Promotion.

    Source: `AbortPromotionAnnotationValue`
    """
    found = _request(annotations.get(ABORT), "action")
    return AbortPromotionRequest(*found) if found else None


def _verification_request(text: str | None) -> VerificationRequest | None:
    found = _request(text, "id")
    return VerificationRequest(*found) if found else None


def _request(text: str | None, what: str) -> tuple[str, str, bool] | None:
    """A request is a JSON object, or any text that is not JSON, and then the field `what`; never without it."""
    if text is None:
        return None
    try:
        found: object = json.loads(text, object_pairs_hook=_Object, parse_int=float, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return (text, "", False) if text else None
    return _fields(found, what) if isinstance(found, _Object) else None


def _fields(found: _Object, what: str) -> tuple[str, str, bool] | None:
    """The fields of a request, whose names are found whatever their case; None if one is of the wrong type."""
    fields: dict[str, object] = {what: "", "actor": "", "controlplane": False}
    for key, value in found:
        name = key.lower()
        if name not in fields or value is None:
            continue
        if type(value) is not type(fields[name]):
            return None
        fields[name] = value
    subject, actor, control_plane = fields.values()
    return (str(subject), str(actor), bool(control_plane)) if subject else None


class _Object(tuple[tuple[str, object], ...]):
    """A JSON object as it is written, with repeated keys."""


def _no_constant(text: str) -> object:
    raise ValueError(f"{text} is not JSON")
