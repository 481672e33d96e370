import contextlib
import itertools
import json
import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.expressions import (
    UNKNOWN,
    Dialect,
    Environment,
    Failure,
    Program,
    Undecided,
    Value,
    compile_expression,
    references,
    run,
)
from model.expressions.power import power
from model.expressions.regexp import compiled, matches
from model.expressions.results import ExpressionError, UndecidedError
from model.expressions.template import Delimiters, evaluate_template
from model.expressions.text import from_json, json_float, parse_float, quoted, shown, to_json
from model.kargo import semver
from model.kargo.artifacts import normal_git_url
from model.kargo.expression_references import ALL, find_references, mentions_status_function
from model.kargo.expressions import NIL_OUTPUT, RULES, config, rules_for, should_skip, template, variables
from model.kargo.promotion_context import Cluster, PromotionContext, StepContext, StepMetadata, Variable
from model.kargo.yaml_text import to_yaml

DIALECTS = {patch: Dialect(patch) for patch in (6, 7, 8)}
BRACES = Delimiters((("${{", "}}"), ("${%", "%}")))
NAMES = {
    "unit": 1.0,
    "text": "abc",
    "yes": True,
    "nothing": None,
    "list": [4.0, 1.0, 3.0],
    "items": [{"ok": True, "n": 3.0}, {"ok": False, "n": 5.0}],
    "tree": {"a": 1.0, "b": {"c": "deep"}},
    "empty": {},
    "who": UNKNOWN,
    "half": [1.0, UNKNOWN],
}


def evaluate(source, patch=8):
    program = compile_expression(source, DIALECTS[patch])
    return run(program, Environment(NAMES)) if isinstance(program, Program) else program


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("2 ** 3 ** 2", 512.0),
        ("7 / 2", 3.5),
        ("-7 % 3", -1),
        ("1 / 0", float("inf")),
        ("0x1F + 0b11 + 0o7 + 1_000", 1041),
        ("1 < 2 < 3", True),
        ("'a' + `b` + \"\\x63\\u0064\"", "abcd"),
        ("not false and yes", True),
        ("nothing ?? 'default'", "default"),
        ("tree?.b?.c", "deep"),
        ("tree.x?.y", None),
        ("list[-1]", 3.0),
        ("list[1:]", [1.0, 3.0]),
        ("text[:-1]", "ab"),
        ("'a' in tree", True),
        ("'z' not in ['x', 'y']", True),
        ("filter(items, .ok) | map(.n)", [3.0]),
        ("items[0].n > 2 ? 'big' : 'small'", "big"),
        ("yes ?: 'elvis'", True),
        ("let x = 2; x * x", 4),
        ("if yes { 1 } else { 2 }", 1),
        ("1; 2; 3", 3),
        ("1..3", [1, 2, 3]),
        ("reduce(1..4, #acc + #)", 10),
        ("sum(list)", 8.0),
        ("count(items, .ok)", 1),
        ("sort(list, 'desc')", [4.0, 3.0, 1.0]),
        ("sortBy(items, -.n)[0].n", 5.0),
        ("len('héé')", 3),
        ("indexOf('héx', 'x')", 3),
        ("text matches '^[a-c]+$'", True),
        ("text contains 'b' && text startsWith 'a' && text endsWith 'c'", True),
        ("split('a,b,c', ',', 2)", ["a", "b,c"]),
        ("toJSON({a: [1, 2.5]})", '{\n  "a": [\n    1,\n    2.5\n  ]\n}'),
        ("fromJSON('[1, null]')", [1.0, None]),
        ("type(1.5) + type(nothing) + type([])", "floatnilarray"),
        ("string({b: 1.0, a: nil})", "map[a:<nil> b:1]"),
        ("round(-2.5)", -3.0),
        ("bitshl(1, 4) | bitor(1)", 17),
        ("string(duration('90m') + duration('1s'))", "1h30m1s"),
        ("sort(keys(tree))", ["a", "b"]),
        ("len(keys(tree))", 2),
        ("get(list, 9)", None),
        ("max(1, [2.5, [3]])", 3),
        ("median([3, 1, 2])", 2.0),
        ("repeat('ab', 2)", "abab"),
        ("uniq([1, 1.0, 2])", [1, 2]),
        ("// nothing\n 1 /* more */ + 1", 2),
    ],
)
def test_what_expressions_give(source, expected):
    result = evaluate(source)

    assert result == Value(expected)
    assert type(result.value) is type(expected) or isinstance(expected, list)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("1 +", "unexpected token EOF"),
        ("nothing.x", "cannot fetch x from <nil>"),
        ("list[9]", "index out of range: 9 (array length is 3)"),
        ("'a' + 1", "invalid operation: + (mismatched types string and int)"),
        ("text + 1", "invalid operation: string + int"),
        ("unit % 2", "invalid operation: float64 % int"),
        ("1 % 0", "integer divide by zero"),
        ("nothing && yes", "interface conversion: interface {} is nil, not bool"),
        ("a ?? b == c", "Operator (==) and coalesce expressions (??) cannot be mixed."),
        ("foo()", "invalid operation: cannot call nil"),
        ("len(1)", "invalid argument for len (type int)"),
        ("filter(1, true)", "builtin filter takes only array (got int)"),
        ("#", 'unexpected token Operator("#")'),
        ("'unclosed", "literal not terminated"),
        ("int('x')", "invalid operation: int(x)"),
        ("1..2000000", "memory budget exceeded"),
        ("repeat('x', 2000000)", "memory budget exceeded"),
        ("text matches '('", "error parsing regexp"),
        ("let len = 1; len", "cannot redeclare builtin len"),
    ],
)
def test_how_expressions_fail(source, message):
    result = evaluate(source)

    assert isinstance(result, Failure)
    assert result.message.startswith(message)
    assert result.column > 0 or "regexp" in message


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # The optimiser drops the constant and with it the question whether the other side is a boolean.
        ("text && true", Value("abc")),
        ("false or unit", Value(1.0)),
        ("nope.x && false", Value(False)),
        # A row of string constants becomes a set of strings, which can be asked for strings only.
        (
            "unit in ['a']",
            "reflect.Value.MapIndex: value of type float64 is not assignable to type string",
        ),
        ("nothing in ['']", Value(True)),
        # Two ints are compared without a look, and findIndex gives nil.
        ("findIndex(list, # == 9) == -1", "interface conversion: interface {} is nil, not int"),
        ("max(1, 2.5) == 2", "interface conversion: interface {} is float64, not int"),
        # The search stops at the first hit, before the element that would fail.
        ("filter(['a', 1], # == 'a')[0]", Value("a")),
        ("len(filter([1, 'a'], # > 0)) > 0", Value(True)),
        ("sum([text, text])", Value("abcabc")),
        ("{'a': 1} == {'a': 1.0}", Value(False)),
        ("[1] == [1.0]", Value(True)),
        ("filter(empty, .x)", Value([])),
    ],
)
def test_where_the_library_surprises(source, expected):
    result = evaluate(source)

    if isinstance(expected, str):
        assert isinstance(result, Failure)
        assert result.message == expected
    else:
        assert result == expected


@pytest.mark.parametrize(
    ("source", "patch", "accepted"),
    [
        ("'\\u{41}'", 6, False),
        ("'\\u{41}'", 7, True),
        ("if yes { 1 } else if yes { 2 } else { 3 }", 6, False),
        ("if yes { 1 } else if yes { 2 } else { 3 }", 7, True),
        ("`a``b`", 6, False),
        ("`a``b`", 7, True),
        ("b'x'", 7, False),
        ("b'x'", 8, True),
        ("any([1, 'a'], # > 0)", 8, True),
        ("count([1, 'a'], # > 0) > 0", 7, False),
        ("count([1, 'a'], # > 0) > 0", 8, True),
    ],
)
def test_what_patches_of_the_language_differ_in(source, patch, accepted):
    assert isinstance(evaluate(source, patch), Value) is accepted


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("who", None),
        ("who.x.y", None),
        ("who + 1", None),
        ("len(who)", None),
        ("true || who", True),
        ("yes || who", True),
        ("who || yes", True),
        ("who && 1 > 2", False),
        ("who && yes", None),
        ("who ? 'same' : 'same'", "same"),
        ("who ? 1 : 2", None),
        ("who ?? 1", None),
        ("any(half, # == 1)", True),
        ("all(half, # == 1)", None),
        ("all(half, # != 1)", False),
        ("half[0]", 1.0),
        ("half == [1]", False),
        ("len(half) > 5", None),
        ("1.0 in half", True),
        ("2.0 in half", None),
        ("keys(tree)[0]", None),
        ("toJSON(half)", None),
        ("now()", None),
        ("date('2024-01-01')", None),
    ],
)
def test_an_unknown_stays_unknown_unless_the_answer_does_not_depend_on_it(source, expected):
    result = evaluate(source)

    if expected is None:
        assert isinstance(result, Undecided)
    else:
        assert result == Value(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", "42"),
        ("${{ 42 }}", 42.0),
        ("4${{ 2 }}", 42.0),
        ("${{ '42' }}", 42.0),
        ("${{ true }}", True),
        ("${{ 'T' }}", True),
        ("${{ '1' }}", 1.0),
        ("${{ '1_000' }}", 1000.0),
        ("${{ nil }}", None),
        ("${{ [1, 'a'] }}", [1.0, "a"]),
        ('{"k": ${{ 1 }}}', {"k": 1.0}),
        ('"${{ 1 }}"', "1"),
        ('"${{ 1 }}"\n', "1\n"),
        ("${{ 'a' }}\n", "a\n"),
        ("${{ 1 }}\n", 1.0),
        (" ${{ true }}\n\n", True),
        ("a ${{ 1 }} b ${% 'c' %}", "a 1 b c"),
        ("${{}} ${{ 1 / }}", " ${{ 1 / }}"),
        ("${{ 'Infinity' }}", float("inf")),
        ("${{ text == 'abc' }}", True),
    ],
)
def test_what_a_template_stands_for(text, expected):
    result = evaluate_template(text, DIALECTS[8], Environment(NAMES), BRACES)

    assert result == Value(expected)
    assert type(result.value) is type(expected)


def test_the_place_of_an_error_is_counted_in_the_template():
    result = evaluate_template("first\nsecond ${{ nothing.x }}", DIALECTS[8], Environment(NAMES), BRACES)

    assert result == Failure("cannot fetch x from <nil> (1:10)", 2, 20)


@pytest.mark.parametrize(
    "source",
    ["(" * 5000, "[" * 5000 + "]" * 5000, "-" * 5000 + "1", "+".join(["1"] * 3000), "x" + ".a" * 3000],
)
def test_deep_nesting_is_undecided_or_refused(source):
    assert isinstance(evaluate(source), (Undecided, Failure))


def test_work_is_bounded():
    started = time.monotonic()

    assert isinstance(evaluate("map(1..1000, map(1..1000, #))"), (Undecided, Failure))
    assert isinstance(evaluate("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!' matches '^(a+)+$'"), Value)
    assert time.monotonic() - started < 5


@settings(deadline=None, max_examples=300)
@given(st.text())
def test_no_text_raises(text):
    for patch in (6, 8):
        assert isinstance(evaluate(text, patch), (Value, Failure, Undecided))
    wrapped = evaluate_template("${{" + text + "}}", DIALECTS[8], Environment(NAMES), BRACES)
    assert isinstance(wrapped, (Value, Failure, Undecided))


_WORDS = st.sampled_from(
    [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        "?.",
        "??",
        "?",
        ":",
        ",",
        ";",
        "|",
        "||",
        "&&",
        "==",
        "!=",
        "<",
        "in",
        "not",
        "..",
        "+",
        "-",
        "*",
        "/",
        "%",
        "**",
        "#",
        "#acc",
        "#index",
        "let",
        "if",
        "else",
        "nil",
        "true",
        "1",
        "2.5",
        "'a'",
        "unit",
        "text",
        "list",
        "items",
        "tree",
        "who",
        "half",
        "len(",
        "filter(",
        "map(",
        "sort(",
        "keys(",
        "max(",
        "toJSON(",
        "split(",
        "get(",
        "reduce(",
    ]
)


@settings(deadline=None, max_examples=500)
@given(st.lists(_WORDS, max_size=14))
def test_no_row_of_words_raises(words):
    assert isinstance(evaluate(" ".join(words)), (Value, Failure, Undecided))


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_json_is_read_as_it_was_written(value):
    assert from_json(to_json(value)) == value
    assert from_json(to_json(value, indent=True)) == value
    assert json.loads(to_json(value, indent=True), parse_int=float) == value


@pytest.mark.parametrize(
    ("number", "as_json", "as_text"),
    [
        (1.0, "1", "1"),
        (1e20, "100000000000000000000", "100000000000000000000"),
        (1e21, "1e+21", "1e+21"),
        (1e-7, "1e-7", "1e-07"),
        (123456.5, "123456.5", "123456.5"),
        (-0.0, "-0", "-0"),
    ],
)
def test_how_floats_are_written(number, as_json, as_text):
    assert json_float(number) == as_json
    assert shown(number) == as_text


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1_000", 1000.0),
        ("1__0", None),
        ("_1", None),
        ("0x1p-2", 0.25),
        ("0x_1p-2", 0.25),
        ("0x1", None),
        ("1e400", None),
        ("-Inf", float("-inf")),
        ("", None),
        (" 1", None),
        ("5.", 5.0),
        (".", None),
        ("1e5_0", 1e50),
        ("1_e5", None),
    ],
)
def test_what_go_reads_as_a_number(text, number):
    assert parse_float(text) == number


def test_powers_are_gos_to_the_last_bit():
    assert repr(power(13.0, 200 / 3)) == "1.8318510332355567e+74"
    assert math.isnan(power(-8.0, 1 / 3))
    assert power(0.0, -1.0) == float("inf")


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("^v[0-9]+$", "v12", True),
        ("^v[0-9]+$", "v12\n", False),
        ("(?i)ABC", "xabcx", True),
        ("a{2,3}$", "caa", True),
        ("a{2,3}", "a", False),
        ("[[:alpha:]]+\\d", "ab1", True),
        ("[^a-c]", "abc", False),
        ("\\bfoo\\b", "a foo b", True),
        ("\\p{Lu}", "aÉ", True),
        ("a|b|", "", True),
        ("(?s).", "\n", True),
        (".", "\n", False),
        ("\\Qa.b\\E", "a.b", True),
        ("(?P<n>x)+", "xx", True),
    ],
)
def test_regular_expressions(pattern, text, found):
    assert matches(compiled(pattern), text) is found


@pytest.mark.parametrize("pattern", ["(", "a**", "(?=a)", "\\1", "[b-a]", "a{1001}", "*", "(?P<n", "[a", "\\8"])
def test_what_is_no_regular_expression(pattern):
    with pytest.raises(ExpressionError):
        compiled(pattern)


@settings(deadline=None)
@given(st.text(alphabet="ab()[]{}|*+?.\\^$-,1dwsQEpL:<>PxiU=! "), st.text(alphabet="ab1 "))
def test_no_pattern_raises_anything_else(pattern, text):
    with contextlib.suppress(ExpressionError, UndecidedError):
        matches(compiled(pattern), text)


def test_quoting_is_gos():
    assert quoted('a"\n\té\x01\u200b') == '"a\\"\\n\\té\\x01\\u200b"'


# Kargo.

CLUSTER = Cluster(
    warehouses=(
        {
            "metadata": {"namespace": "demo", "name": "main"},
            "spec": {"subscriptions": [{"image": {"repoURL": "x/web"}}, {"git": {"repoURL": "https://x/y.git"}}]},
        },
    ),
    config_maps=({"metadata": {"namespace": "demo", "name": "settings"}, "data": {"flag": "true"}},),
)
FREIGHT = {
    "metadata": {"name": "f1"},
    "alias": "fox",
    "origin": {"kind": "Warehouse", "name": "main"},
    "images": [{"repoURL": "x/web", "tag": "v1.2.3"}],
    "commits": [{"repoURL": "https://x/y.git", "id": "abc"}],
}
PROMOTION = PromotionContext(
    "demo",
    "test",
    "p1",
    target_freight=FREIGHT,
    freight=(FREIGHT,),
    requested=("main",),
    variables=(Variable("image", "x/web"), Variable("tag", "${{ imageFrom(vars.image).Tag }}")),
    cluster=CLUSTER,
)
METADATA = (
    StepMetadata("build", "Succeeded"),
    StepMetadata("push", "Errored", error_count=2, continue_on_error=True),
    StepMetadata("task::commit", "Failed"),
)
OUTPUTS = {"build": {"n": 3.0, "ok": True}, "task::commit": {"id": "c"}, "lost": NIL_OUTPUT, "later": UNKNOWN}
STEP = StepContext("task::here", (Variable("double", "${{ outputs.build.n * 2 }}"),), OUTPUTS, METADATA)


def in_step(text, release="1.11.2", promotion=PROMOTION, step=STEP):
    return template(f"${{{{ {text} }}}}", promotion, step, release)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vars.tag", "v1.2.3"),
        ("vars.double", 6.0),
        ("failure()", True),
        ("success()", False),
        ("status('commit')", "Failed"),
        ("status('build')", ""),
        ("task.outputs.commit.id", "c"),
        ("outputs.lost.x", None),
        ("stepMetas.push.ErrorCount", 2.0),
        ("stepMetas.push.Status", "Errored"),
        ("commitFrom('https://X/y').ID", "abc"),
        ("imageFrom('x/other')", None),
        ("imageFrom('x/other')?.Tag", None),
        ("configMap('settings').flag", True),
        ("configMap('settings').nope", ""),
        ("configMap('nope')", {}),
        ("quote(42)", "42"),
        ("semverDiff('v1.2.3', '1.3')", "Minor"),
        ("semverParse(vars.tag).IncMinor().String()", "1.3.0"),
        ("semverParse('2').Major() > semverParse(vars.tag).Major()", True),
        ("asYAML({a: [1]})", "a:\n    - 1\n"),
        ("ctx.targetFreight.alias + ctx.meta.step.alias", "foxtask::here"),
    ],
)
def test_what_kargos_functions_give(text, expected):
    assert in_step(text) == Value(expected)


def test_a_recorded_status_is_equal_to_no_string():
    assert in_step("stepMetas.push.Status == 'Errored'") == Value(False)
    assert in_step("string(stepMetas.push.Status) == 'Errored'") == Value(True)


@pytest.mark.parametrize(
    ("condition", "release", "expected"),
    [
        ("${{ true }}", "1.8.3", Value(False)),
        ("${{ always() && false }}", "main", Value(True)),
        ("${{ 1 }}", "1.8.3", Failure("expression must evaluate to a boolean")),
        ("${{ 1 }}", "1.9.9", Failure("expression must evaluate to a boolean, got float64")),
        ("true", "1.11.2", Failure("expression must evaluate to a boolean, got string")),
        ("${% true %}", "1.8.5", Failure("expression must evaluate to a boolean")),
        ("${% true %}", "1.9.9", Value(False)),
        ("${{ outputs.later.ok }}", "1.11.2", Undecided()),
        ("${{ outputs.later.ok || always() }}", "1.11.2", Value(False)),
    ],
)
def test_when_a_step_is_skipped(condition, release, expected):
    assert should_skip(condition, PROMOTION, STEP, release) == expected


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("semverParse('1').Major()", "1.9.9"),
        ("sharedConfigMap('x').y == ''", "1.9.9"),
        ("asYAML(1)", "1.11.2"),
        ("ctx.meta.step.alias", "1.11.2"),
        ("freightStatus('f1') == nil", "main"),
        ("imageFrom(vars.image).SubscriptionName == ''", "main"),
    ],
)
def test_since_when_there_is_what(text, first):
    releases = list(RULES)

    found = [release for release in releases if isinstance(in_step(text, release), Value)]
    assert found == releases[releases.index(first) :]


def test_freight_metadata_took_a_key_up_to_1_9():
    assert isinstance(in_step("freightMetadata('f1', 'k')", "1.9.9"), Value)
    assert isinstance(in_step("freightMetadata('f1', 'k')", "1.10.10"), Failure)


def test_variables_of_the_promotion_see_neither_outputs_nor_status_functions():
    for text, message in (
        ("${{ outputs.build.n }}", "cannot fetch build from <nil>"),
        ("${{ failure() }}", "invalid operation: cannot call nil"),
    ):
        promotion = PromotionContext("demo", "test", "p1", variables=(Variable("bad", text),))
        result = variables(promotion, STEP, "1.11.2")

        assert isinstance(result, Failure)
        assert result.message.startswith(f'error pre-processing promotion variable "bad": {message} (1:')


def test_without_a_cluster_what_it_decides_is_unknown():
    alone = PromotionContext("demo", "test", "p1", freight=(FREIGHT,), requested=("main",))

    assert isinstance(in_step("configMap('x').y", promotion=alone), Undecided)
    assert isinstance(in_step("imageFrom('x/web').Tag", promotion=alone), Undecided)
    assert in_step("imageFrom('x/web', warehouse('main')).Tag", promotion=alone) == Value("v1.2.3")
    assert in_step("secret('x').y == 'a' || true", promotion=alone) == Value(True)


def test_a_config_is_evaluated_string_by_string():
    tree = {"a": ["${{ 1 }}", {"${{ 2 }}": "${{ vars.tag }}"}], "b": "1", "c": 3}

    assert config(tree, PROMOTION, STEP, "1.11.2") == Value({"a": [1.0, {"${{ 2 }}": "v1.2.3"}], "b": "1", "c": 3})
    infinite = config({"x": "${{ 1 / 0 }}"}, PROMOTION, STEP, "1.11.2")
    assert isinstance(infinite, Failure)
    assert infinite.message == "json: unsupported value: +Inf"
    assert config({"x": "${{ -0.0 }}"}, PROMOTION, STEP, "1.11.2") == Value({"x": 0.0})


def test_a_character_that_yaml_forbids_loses_the_config():
    assert config({"x": "a\x7fb"}, PROMOTION, STEP, "1.11.2") == Value(None)


def test_an_unknown_release_is_refused():
    with pytest.raises(ValueError, match=r"no expression rules for release '1\.7\.0'; known are: 1\.8\.3"):
        rules_for("1.7.0")


def test_references_name_what_can_be_read():
    found = find_references(
        {"a": "${{ outputs.build.n + outputs['x'].y }} ${{ task.outputs.commit }}", "b": ["${{ vars.tag }}"]},
        "main",
    )

    assert found.outputs == {"build", "x"}
    assert found.task_outputs == {"commit"}
    assert found.variables == {"tag"}
    assert found.step_metas == frozenset()
    assert not found.asks_failures
    assert not found.context


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        ("${{ outputs[vars.which].x }}", "outputs", ALL),
        ("${{ len(outputs) }}", "outputs", ALL),
        ("${{ outputs?.a?.b }}", "outputs", {"a"}),
        ("${{ get(outputs, 'a') }}", "outputs", {"a"}),
        ("${{ $env.outputs.a }}", "outputs", {"a"}),
        ("${{ $env }}", "variables", ALL),
        ("${{ task }}", "task_outputs", ALL),
        ("${{ let o = outputs; o.a }}", "outputs", ALL),
        ("${{ let outputs = 1; outputs }}", "outputs", frozenset()),
        ("${{ status('a') == 'x' }}", "statuses", {"a"}),
        ("${{ status(vars.a) }}", "statuses", ALL),
        ("${{ stepMetas.a.Status }}", "step_metas", {"a"}),
        ("${{ success() }}", "asks_failures", True),
        ("${{ always() }}", "always", True),
        ("${{ ctx.stage }}", "context", True),
        ("outputs.a", "outputs", frozenset()),
    ],
)
def test_which_keys_are_read(text, field, expected):
    assert getattr(find_references(text, "1.11.2"), field) == expected


def test_references_say_where():
    found = references("x\n ${{ vars.a +\n outputs.b }}", RULES["main"].steps, RULES["main"].delimiters)

    assert [(one.name, one.path, one.line, one.column) for one in found.references] == [
        ("vars", ("a",), 2, 6),
        ("outputs", ("b",), 3, 2),
    ]
    assert found.problems == ()


def test_problems_are_values_with_a_place():
    found = find_references("${{ 1 + }} ${{ status(1) }} ${{ x", "1.11.2")

    assert [(one.message, one.line, one.column) for one in found.problems] == [
        ('unclosed expression: expected "}}" but reached end of template', 1, 29),
        ("unexpected token EOF", 1, 8),
        ("cannot use int as argument (type string) to call status ", 1, 23),
    ]


def test_which_conditions_ask_for_a_status():
    assert mentions_status_function("${{ x || status('a') == 'b' }}", "1.11.2")
    assert not mentions_status_function("${{ outputs.always }} always()", "1.11.2")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            {"b": [1.0, {"c": "x", "d": []}], "a10": "", "a2": "yes"},
            'a2: "yes"\na10: ""\nb:\n    - 1\n    - c: x\n      d: []\n',
        ),
        ("a\nb", "|-\n    a\n    b\n"),
        (["a: b", "- x", "1", "~", "it's"], "- 'a: b'\n- '- x'\n- \"1\"\n- \"~\"\n- it's\n"),
        (1234567.0, "1.234567e+06\n"),
    ],
)
def test_how_yaml_is_written(value, expected):
    assert to_yaml(value) == expected


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://user@Host/Path.git/", "https://host/path"),
        ("git@host:org/repo.git", "ssh://git@host/org/repo"),
        ("https://host/x?a=b", "https://host/x?a=b"),
        (" https://host/x ", "https://host/x"),
    ],
)
def test_git_urls_are_compared_in_one_form(url, normal):
    assert normal_git_url(url, sanitizes=True) == normal


def test_versions_are_ordered_as_the_specification_says():
    texts = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-2", "1.0.0", "1.0.1"]
    found = [semver.parse(text) for text in texts]

    assert semver.compare(found[3], found[0]) == -1
    assert [semver.compare(one, other) for one, other in itertools.pairwise(found)] == [-1, -1, 1, -1, -1]
    assert semver.parse("01.x") == "invalid semantic version"
    assert semver.parse("1.0.0-01") == "version segment starts with 0"
