"""The layout: imports point one way, the kernel knows no domain, and files stay short."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def imports(file: Path) -> Iterator[str]:
    """The modules that a file imports, as dotted names."""
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            assert node.module is not None
            # `from a import b` may mean the module a.b.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def domains_of(module: str) -> set[str]:
    return set(module.split(".")) & set(DOMAINS) if module.split(".")[0] in LAYERS else set()


def test_there_are_files_in_every_layer() -> None:
    assert {layer(f) for f in FILES} == set(LAYERS)


def test_every_folder_with_code_is_a_layer_or_no_part_of_the_program() -> None:
    folders = {p.parts[0] for p in (f.relative_to(ROOT) for f in ROOT.glob("[!.]*/**/*.py"))}

    assert folders - {"benchmarks", "tests"} == set(LAYERS[:-1])


@pytest.mark.parametrize("file", FILES, ids=str)
def test_imports_point_one_way(file: Path) -> None:
    allowed = LAYERS[: LAYERS.index(layer(file)) + 1]
    ours = [m for m in imports(file) if m.split(".")[0] in (*LAYERS, "tests", "benchmarks")]

    assert [m for m in ours if m.split(".")[0] not in allowed] == []


def test_the_command_line_imports_only_what_comes_with_python() -> None:
    assert {m.split(".")[0] for m in imports(Path("kargo_model.py"))} <= {
        *("__future__", "argparse", "collections", "importlib", "os", "signal", "sys"),
    }


@pytest.mark.parametrize("file", [f for f in FILES if layer(f) in LAYERS[:4]], ids=str)
def test_a_domain_is_known_only_to_itself(file: Path) -> None:
    mine = set(file.parts) & set(DOMAINS)
    known = mine or {MAY_NAME_A_DOMAIN[str(file)]} if mine or str(file) in MAY_NAME_A_DOMAIN else set()

    assert {d for m in imports(file) for d in domains_of(m)} <= known


def test_every_file_that_is_excepted_is_there() -> None:
    assert [f for f in (*MAY_NAME_A_DOMAIN, *MAY_IMPORT_BY_NAME) if not (ROOT / f).exists()] == []


@pytest.mark.parametrize("file", FILES, ids=str)
def test_no_function_imports_anything(file: Path) -> None:
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    functions = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    inner = {n.lineno for f in functions for n in ast.walk(f) if isinstance(n, (ast.Import, ast.ImportFrom))}

    assert inner == set()


@pytest.mark.parametrize("file", [f for f in FILES if str(f) not in MAY_IMPORT_BY_NAME], ids=str)
def test_nothing_else_imports_by_name(file: Path) -> None:
    names = {n.id for n in ast.walk(ast.parse((ROOT / file).read_text("utf-8"))) if isinstance(n, ast.Name)}

    assert not names & {"importlib", "__import__"}
    assert not any(m.split(".")[0] == "importlib" for m in imports(file) if m != "importlib.resources")


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_can_be_read_in_one_go(file: Path) -> None:
    assert len((ROOT / file).read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_claim_never_calls_what_it_judges(file: Path) -> None:
    if layer(file) != "invariants":
        return
    rules = ("promotion_rules", "step_engine")
    judged = [m for m in imports(file) if m.startswith("model.kargo.") and m.split(".")[2] in rules]
    # Constants and types only: capital letters, or the one question about an entry that the API itself answers.
    assert [m for m in judged if not m.split(".")[3][0].isupper() and m.split(".")[3] != "has_failed"] == []
