"""Times as people read them."""

from __future__ import annotations

from model.kargo.durations import format_duration


def ago(milliseconds: int) -> str:
    """A duration, of which nobody wants to know the milliseconds where there are seconds."""
    return format_duration(milliseconds // 1000 * 1000 if milliseconds >= 1000 else milliseconds)
