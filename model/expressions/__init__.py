"""An evaluator of the expr expression language (expr-lang/expr 1.17), and templates written with it.

The language is typed: an expression is parsed, its types are checked, it is rewritten by the library's optimiser,
and then it is run. All four are modelled, because all four decide between a value and an error. Nothing here
knows the program that embeds the language; that program gives the functions and the variables.

An evaluation is a value, a failure, or undecided; it never raises.
"""

from model.expressions.compile import Dialect, Function, Program, compile_expression
from model.expressions.evaluate import Environment, run
from model.expressions.references import Findings, Reference, references
from model.expressions.results import UNDECIDED, Evaluation, Failure, Undecided, Value
from model.expressions.template import Delimiters, Template, evaluate_template, evaluate_tree
from model.expressions.values import UNKNOWN, Named, Nil, Struct

__all__ = [
    "UNDECIDED",
    "UNKNOWN",
    "Delimiters",
    "Dialect",
    "Environment",
    "Evaluation",
    "Failure",
    "Findings",
    "Function",
    "Named",
    "Nil",
    "Program",
    "Reference",
    "Struct",
    "Template",
    "Undecided",
    "Value",
    "compile_expression",
    "evaluate_template",
    "evaluate_tree",
    "references",
    "run",
]
