"""What is explored, by name; models without a `module` are only for the engines of this project."""

from __future__ import annotations

from benchmarks.side_by_side.classics import CLASSICS, Model
from benchmarks.side_by_side.pipeline import PIPELINE

MODELS: dict[str, Model] = {**CLASSICS, "pipeline": PIPELINE}
