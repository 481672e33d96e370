"""Values as YAML that people read."""

from __future__ import annotations

import yaml


class _Dumper(yaml.SafeDumper):
    """Writes out what appears twice twice: `&id001` says nothing to a reader."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def yaml_text(value: object) -> str:
    """`value`, of plain lists, mappings and scalars, as YAML with the keys in their order, in ASCII.

    What a terminal would act on is escaped.
    """
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=100)
    return text
