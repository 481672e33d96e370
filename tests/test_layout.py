"""The layout: imports point one way, the kernel knows no domain, and files stay short."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]

LAYERS = ("model", "invariants", "simulations", "diagrams", "commands", "kargo_model")
"""Each may import those before it, and itself."""

DOMAINS = ("kargo", "ambient", "speckit", "toys")
"""Packages inside the layers that know what is modelled; they do not know each other."""

MAY_NAME_A_DOMAIN = {
    "diagrams/policies.py": "kargo",
    "invariants/toys.py": "toys",
    "diagrams/runs.py": "kargo",
    "diagrams/reproductions.py": "kargo",
    "diagrams/stories.py": "kargo",
    "diagrams/rulings.py": "kargo",
    "diagrams/plots.py": "kargo",
    "diagrams/simulations.py": "kargo",
    "diagrams/sweeps.py": "kargo",
    "diagrams/sessions.py": "ambient",
}
"""Files outside the domains' packages that are about one: the claims of the toys, and what shows runs of Kargo."""

MAY_IMPORT_BY_NAME = {
    *("kargo_model.py", "commands/fan_out.py", "commands/simulate.py", "commands/serve.py"),
}
"""Files that load what they are asked for: commands, and clusters, plots, servers, whose libraries not all have."""

LONGEST = 450
FILES = [
    *sorted(p.relative_to(ROOT) for layer in LAYERS[:-1] for p in (ROOT / layer).rglob("*.py")),
    Path("kargo_model.py"),
]


def layer(file: Path) -> str:
    return file.parts[0].removesuffix(".py")


class Read(NamedTuple):
    """What there is to know about a file: the modules that it imports, as dotted names, the names in it, ..."""

    imports: tuple[str, ...]
    names: frozenset[str]
    inner: tuple[int, ...]
    """... and the lines of the imports within functions."""


@cache
def read(file: Path) -> Read:
    imports: list[str] = []
    names, inner = set(), set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            imports += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            assert node.module is not None
            # `from a import b` may mean the module a.b.
            imports += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            inner |= {n.lineno for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))}
    return Read(tuple(imports), frozenset(names), tuple(inner))


def imports(file: Path) -> tuple[str, ...]:
    return read(file).imports


def domains_of(module: str) -> set[str]:
    return set(module.split(".")) & set(DOMAINS) if module.split(".")[0] in LAYERS else set()


def offences(found: Callable[[Path], Collection[object]]) -> dict[str, Collection[object]]:
    """What is found in each file, where there is something."""
    return {str(file): bad for file in FILES if (bad := found(file))}


def test_there_are_files_in_every_layer() -> None:
    assert {layer(f) for f in FILES} == set(LAYERS)


def test_every_folder_with_code_is_a_layer_or_no_part_of_the_program() -> None:
    folders = {p.parts[0] for p in (f.relative_to(ROOT) for f in ROOT.glob("[!.]*/**/*.py"))}

    assert folders - {"benchmarks", "tests"} == set(LAYERS[:-1])


def test_imports_point_one_way() -> None:
    def later(file: Path) -> list[str]:
        allowed = LAYERS[: LAYERS.index(layer(file)) + 1]
        ours = [m for m in imports(file) if m.split(".")[0] in (*LAYERS, "tests", "benchmarks")]
        return [m for m in ours if m.split(".")[0] not in allowed]

    assert offences(later) == {}


def test_the_command_line_imports_only_what_comes_with_python() -> None:
    assert {m.split(".")[0] for m in imports(Path("kargo_model.py"))} <= {
        *("__future__", "argparse", "collections", "importlib", "os", "signal", "sys", "types"),
    }


def test_a_domain_is_known_only_to_itself() -> None:
    def foreign(file: Path) -> set[str]:
        if layer(file) not in LAYERS[:4]:
            return set()
        mine = set(file.parts) & set(DOMAINS)
        known = mine or {MAY_NAME_A_DOMAIN[str(file)]} if mine or str(file) in MAY_NAME_A_DOMAIN else set()
        return {d for m in imports(file) for d in domains_of(m)} - known

    assert offences(foreign) == {}


def test_every_file_that_is_excepted_is_there() -> None:
    assert [f for f in (*MAY_NAME_A_DOMAIN, *MAY_IMPORT_BY_NAME) if not (ROOT / f).exists()] == []


def test_no_function_imports_anything() -> None:
    assert offences(lambda file: read(file).inner) == {}


def test_nothing_else_imports_by_name() -> None:
    def by_name(file: Path) -> set[str]:
        names = read(file).names & {"importlib", "__import__"}
        modules = {m for m in imports(file) if m.split(".")[0] == "importlib" and m != "importlib.resources"}
        return modules | names

    assert set(offences(by_name)) == MAY_IMPORT_BY_NAME


def test_a_file_can_be_read_in_one_go() -> None:
    def lines(file: Path) -> int:
        return len((ROOT / file).read_text(encoding="utf-8").splitlines())

    assert [file for file in FILES if lines(file) > LONGEST] == []


def test_a_claim_never_calls_what_it_judges() -> None:
    def called(file: Path) -> list[str]:
        if layer(file) != "invariants":
            return []
        rules = ("promotion_rules", "step_engine")
        judged = [m for m in imports(file) if m.startswith("model.kargo.") and m.split(".")[2] in rules]
        # Constants and types only: capitals, or the one question about an entry that the API itself answers.
        return [m for m in judged if not m.split(".")[3][0].isupper() and m.split(".")[3] != "has_failed"]

    assert offences(called) == {}
