"""The door for documents: everything bad ends in one sentence, and soon."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from model.documents import InputError, Limits, parse, plain, printable, read


def values(text, **options):
    data = text if isinstance(text, bytes) else text.encode()
    return [plain(document.root) for document in parse(data, "in.yaml", **options)]


def refusal(text, **options):
    with pytest.raises(InputError) as refused:
        values(text, **options)
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.isprintable()
    assert len(sentence) < 1000
    return sentence


def test_several_documents_of_several_kinds():
    assert values("a: 1\n---\n- b\n---\n{c: [1.5, x]}\n") == [{"a": 1}, ["b"], {"c": [1.5, "x"]}]
    assert values('{"a": [true, null, "x\\u0041\\/\\ud83d\\ude00"]}') == [{"a": [True, None, "xA/😀"]}]
    assert values('{"a": "\\\\ud83d\\\\ude00"}') == [{"a": "\\ud83d\\ude00"}]


def test_json_keeps_what_ends_a_line_in_yaml():
    assert values('{"a": "x\u2028y\x85"}') == [{"a": "x\u2028y\x85"}]
    assert values('{a: "x\x85y"}') == [{"a": "x y"}]


def test_empty_documents_count_but_are_left_out():
    documents = parse(b"---\n# nothing\n---\na: 1\n---\n", "in.yaml")
    assert [(d.number, plain(d.root)) for d in documents] == [(2, {"a": 1})]


def test_every_value_has_its_place():
    root = parse(b"a:\n  b: [x, {c: 3}]\n", "in.yaml")[0].root
    inner = root.value["a"].value["b"]
    assert (inner.line, inner.column) == (2, 6)
    assert (inner.value[1].value["c"].line, inner.value[1].value["c"].column) == (2, 14)


def test_keys_to_skip_are_not_kept():
    text = "a: {skip: {x: [1, {y: 2}]}, b: 1}\nskip: 3\nc: {skip: [1], d: 2}"
    assert values(text, skip=("skip",)) == [{"a": {"b": 1}, "c": {"d": 2}}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("12", 12),
        ("-1_000", -1000),
        ("0xb1F", 0xB1F),
        ("-0x10", -16),
        ("0xffffffffffffffff", 2**64 - 1),
        ("0x10000000000000000", "0x10000000000000000"),
        ("0x" + "f" * 5000, "0x" + "f" * 5000),
        ("0" * 5000 + "9", 9.0),
        ("0o17", 15),
        ("017", 15),
        ("0b101", 5),
        ("089", 89.0),
        ("1_0.5", 10.5),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("-.5", -0.5),
        ("1:30", "1:30"),
        ("2025-01-01", "2025-01-01"),
        ("2025-11-12T15:34:34Z", "2025-11-12T15:34:34Z"),
        ("1.2.3", "1.2.3"),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("!!int 12", 12),
        ("!!float 1", 1),
        ("! 12", "12"),
        ("99999999999999999999", 1e20),
        ("=", "="),
        ("<<", "<<"),
        ("...x", "...x"),
        ("0_", 0),
        ("+", "+"),
        ("|\n  text\n", "text\n"),
    ],
)
def test_scalars_mean_what_they_mean_to_kubernetes(text, value):
    found = values(f"a: {text}")[0]["a"]
    assert found == value
    assert type(found) is type(value)


def test_merge_keys():
    assert values("b: &b {x: 1, y: 2}\nc:\n  <<: *b\n  y: 3\n")[0]["c"] == {"x": 1, "y": 3}
    assert values("a: &a {x: 1}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b]}\n")[0]["c"] == {"x": 1, "z": 3}
    assert values("c: {'<<': 1}\n")[0]["c"] == {"<<": 1}
    assert "expected a mapping" in refusal("c: {<<: 1}\n")


def test_an_alias_repeats_its_anchor():
    assert values("a: &a [1, {b: 2}]\nc: *a\nd: &d x\ne: *d\n") == [
        {"a": [1, {"b": 2}], "c": [1, {"b": 2}], "d": "x", "e": "x"}
    ]


BOMB = "a: &a [lol, lol]\n" + "".join(
    f"{chr(c)}: &{chr(c)} [{','.join([f'*{chr(c - 1)}'] * 9)}]\n" for c in range(98, 110)
)

BAD = {
    "empty": ("", "is empty"),
    "only comments": ("# nothing\n", "is empty"),
    "only empty documents": ("---\n---\n", "is empty"),
    "not YAML": ("a: [1, 2\nb: 3", "not YAML or JSON"),
    "not YAML, tab": ("\ta: 1", "not YAML or JSON"),
    "broken JSON": ('{"a": 1,, }', "not YAML or JSON"),
    "two mappings on a line": ("a: b: c", "in.yaml:1:5: document 1: not YAML or JSON"),
    "binary": (b"\x7fELF\x02\x01\x00\x00", "in.yaml:1:1: is not plain text: found the control character U+007F"),
    "zeros": (b"\0" * 100, "the control character U+0000"),
    "a terminal escape": ("a: 1\nb: '\x1b[2J'", "in.yaml:2:5: is not plain text"),
    "an escaped terminal escape": ('"\\x1b]0;x": 1\n"\\x1b]0;x": 2', r"the key '\\x1b]0;x' is given twice"),
    "not UTF-8": (b"a: \xff\xfe", "in.yaml:1:4: is not UTF-8 text: found the byte 0xff"),
    "cut off UTF-8": (b"a: \xe2\x82", "in.yaml:1:4: is not UTF-8 text: found the byte 0xe2"),
    "UTF-16": ("a: 1".encode("utf-16"), "is not UTF-8 text"),
    "a lone surrogate": ('{"a": "\\ud83d"}', "not YAML or JSON"),
    "a doubled key": (
        "x:\n  a: 1\n  a: 2",
        "in.yaml:3:3: document 1, x.a: the key 'a' is given twice, first with a value on line 2",
    ),
    "a doubled key in JSON": ('{"a": 1, "a": 1}', "is given twice"),
    "a list as key": ("? [1]\n: 2", "expected a text as key, found a list or mapping"),
    "a mapping as key": ("{a: 1}: 2", "expected a text as key, found a list or mapping"),
    "an alias as key": ("a: &a x\n? *a\n: 2", "expected a text as key, found an alias"),
    "an unknown alias": ("a: *b", "in.yaml:1:4: document 1, a: the alias *b has no anchor before it"),
    "an alias of another document": ("a: &a 1\n---\nb: *a", "document 2, b: the alias *a has no anchor"),
    "a list inside itself": ("a: &a [*a]", "the alias *a stands inside what it repeats"),
    "a YAML bomb": (BOMB, "aliases repeat more than 10000 values"),
    "a Python object": ("a: !!python/object/apply:os.system [ls]", "is not supported"),
    "a Python name": ("a: !!python/name:os.system x", "is not supported"),
    "an unknown tag": ("a: !vault abc", "the tag '!vault' is not supported"),
    "a tag that does not fit": ("a: !!int abc", "does not fit its value"),
    "a set": ("a: !!set {b}", "is not supported"),
    "infinity": ("a: -.inf", "-.inf is not a number that JSON can hold"),
    "not a number": ("a: .nan", ".nan is not a number"),
    "a huge number": ("a: 1e999", "the number is too large"),
    "a huge integer": ("a: " + "9" * 400, "the number is too large"),
    "deep lists": ("[" * 100_000, "nested deeper than 100 levels"),
    "deep block lists": ("- " * 100_000, "nested deeper than 100 levels"),
    "deep mappings": ('{"a":' * 100_000, "nested deeper than 100 levels"),
    "an unknown directive": ("%YAML 9.0\n---\na", "not YAML or JSON"),
}


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_a_bad_document_gets_one_sentence_at_once(text, why):
    began = time.perf_counter()
    assert why in refusal(text)
    assert time.perf_counter() - began < 2


def test_too_many_documents():
    assert "more than 10 documents" in refusal("a\n---\n" * 11, limits=Limits(documents=10))


def test_a_long_text_is_shortened():
    assert len(refusal(f"{'k' * 10_000}: 1\n{'k' * 10_000}: 2")) < 500


def test_printable_leaves_nothing_for_a_terminal():
    assert printable("a\x1b[31m\n\u202eb\u0007") == r"a\x1b[31m\n\u202eb\x07"
    assert printable("naïve 日本") == "naïve 日本"
    assert printable("x" * 100, 10) == "xxxxxxxxx…"
    assert printable("\udcff") == r"\udcff"


def test_a_large_file_is_refused_before_it_is_read(tmp_path):
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    began = time.perf_counter()
    with pytest.raises(InputError, match=r"large.yaml: is larger than the limit of 32 MiB"):
        read([large])
    assert time.perf_counter() - began < 0.5


def test_the_limit_holds_for_standard_input_and_can_be_raised():
    with pytest.raises(InputError, match="standard input: is larger than the limit of 8 bytes"):
        read(["-"], stdin=io.BytesIO(b"a: 12345678"), limits=Limits(bytes=8))
    assert read(["-"], stdin=io.BytesIO(b"a: 12345678"))


def test_several_paths_keep_their_names(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"x: {name}\n---\ny: {name}")
    documents = read([tmp_path / "a", str(tmp_path / "b"), "-"], stdin=io.BytesIO(b"z: 1"))
    assert [(Path(d.file).name, d.number) for d in documents] == [
        ("a", 1),
        ("a", 2),
        ("b", 1),
        ("b", 2),
        ("standard input", 1),
    ]


def test_a_file_with_a_byte_order_mark(tmp_path):
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbfa: 1")
    assert plain(read([tmp_path / "f"])[0].root) == {"a": 1}


def test_a_missing_file_and_a_directory(tmp_path):
    with pytest.raises(InputError, match="no-such: there is no such file"):
        read([tmp_path / "no-such"])
    with pytest.raises(InputError, match="is a directory; give the files in it"):
        read([tmp_path])
    with pytest.raises(InputError, match="is not the name of a file"):
        read(["a\0b"])
    with pytest.raises(InputError, match="cannot be read"):
        read(["x" * 5000])
    (tmp_path / "file").write_text("a")
    with pytest.raises(InputError, match="cannot be read"):
        read([tmp_path / "file" / "below"])


def test_a_file_without_permission(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "secret").write_text("a: 1")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match=r"secret: may not be read \(permission denied\)"):
        read([tmp_path / "secret"])


def test_an_endless_file_ends_at_the_limit():
    with pytest.raises(InputError, match="is larger than the limit"):
        read(["/dev/zero"], limits=Limits(bytes=1000))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(min_codepoint=32, exclude_categories=["Cs", "Cc"]), max_size=20),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(json_values.filter(lambda v: v is not None), st.booleans())
def test_json_is_read_as_json_reads_it(value, ascii_only):
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        found = values(text)
    except InputError:
        # Characters that YAML does not print may stand in JSON, which then has to escape them.
        assert not ascii_only
        assert any(not (c.isprintable() or c in "\n\r\t ") for c in text)
    else:
        assert found == [value]


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text("-:[]{}&*!|>'\"#%@`,? \n\tab01.<~", max_size=60).map(str.encode))
def test_whatever_is_given_only_an_input_error_comes_out(data):
    sentence = ""
    try:
        json.dumps([plain(d.root) for d in parse(data, "in.yaml")], allow_nan=False)
    except InputError as error:
        sentence = str(error)
    assert sentence.isprintable()


@settings(max_examples=200, deadline=None)
@given(json_values.filter(lambda v: v is not None))
def test_what_a_dumper_writes_is_read_back(value):
    # Quoted and tagged: bare, the dumper writes texts that are numbers to Go, such as 0E0.
    text = yaml.safe_dump(value, allow_unicode=False, default_style='"')
    assert values(text) == [value]
