"""Documents gathered from files: one that is bad does not hide the others, wherever it stands."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from model.gathering import gather

BAD = "kind: [not closed\n"


def written(folder: Path, *documents: str) -> str:
    path = folder / "many.yaml"
    path.write_text("---\n".join(documents))
    return str(path)


@pytest.mark.parametrize("bad", [(0,), (6,), (3,), (2, 3), (0, 3, 6), tuple(range(7))])
def test_the_good_documents_keep_their_numbers_and_lines(tmp_path: Path, bad: tuple[int, ...]) -> None:
    texts = [BAD if n in bad else f"a: 1\nname: x{n}\n" for n in range(7)]

    found = gather([written(tmp_path, *texts)], about="x")

    places = [problem.place for problem in found.problems]
    assert [d.root.value["name"].value for d in found.documents] == [f"x{n}" for n in range(7) if n not in bad]
    assert [d.number for d in found.documents] == [n + 1 for n in range(7) if n not in bad]
    for document in found.documents:
        before = "---\n".join(texts[: document.number - 1]).count("\n") + (document.number > 1)
        assert document.root.line == before + 1
    assert [place and place.document for place in places] == [n + 1 for n in bad]


def test_empty_documents_are_none(tmp_path: Path) -> None:
    found = gather([written(tmp_path, "a: 1\n", "", "# nothing\n", BAD, "b: 2\n")], about="a")

    assert [list(d.root.value) for d in found.documents] == [["a"], ["b"]]
    assert len(found.problems) == 1


def test_comments_before_the_first_document_are_none(tmp_path: Path) -> None:
    found = gather([written(tmp_path, "# about this\n", "a: 1\n", BAD)], about="a")

    assert [d.number for d in found.documents] == [1]
    assert [problem.place and problem.place.document for problem in found.problems] == [2]


def test_any_mixture_of_good_and_bad_is_told_apart(tmp_path: Path) -> None:
    chance = random.Random(1)
    for _ in range(30):
        good = [chance.random() < 0.8 for _ in range(chance.randint(2, 40))]
        found = gather([written(tmp_path, *("a: 1\n" if g else BAD for g in good))], about="a")

        if not all(good):
            assert [d.number for d in found.documents] == [n for n, g in enumerate(good, start=1) if g]
            assert len(found.problems) == good.count(False)
