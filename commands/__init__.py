"""The commands, one module each: their arguments, and what they print.

A command module has `add_arguments(parser)`, `run(options) -> exit code`, and `REFUSED`: the exceptions whose
message is the sentence to show a user whose input or call is wrong.
"""
