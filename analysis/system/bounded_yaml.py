"""The one reader of YAML: settings, front matter of pages and of logs, none of which may cost more than its size.

YAML can say a thing once and name it again and again (`*name`), so that a few hundred characters stand for gigabytes.
What a text stands for is counted while it is read, names as often as what they stand for; a text that is too long, too
deep or too much is refused with its line. No tag is obeyed, and nothing but strings, numbers, truth values, lists and
mappings is made.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from sae.errors import DataError

CHARACTERS = 200_000
"""The longest text."""
DEPTH = 40
"""How far lists and mappings may stand in one another."""
VALUES = 20_000
"""The most values, where a hundred characters of a string count as one more."""
_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "seq", "map"))


class YamlError(DataError):
    """A text is no YAML, or too much of it; `line` is counted from 1."""

    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.line = line


def _problem(why: str, where: Any) -> yaml.MarkedYAMLError:
    """An error at an event or node, as PyYAML raises its own."""
    return yaml.composer.ComposerError(None, None, why, where.start_mark)


class _Bounded(yaml.SafeLoader):
    """Counts what is composed before anything is made of it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = self._values = 0
        self._weights: dict[int, int] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]  # PyYAML's stubs leave it out
        if isinstance(event, yaml.AliasEvent):
            node = super().compose_node(parent, index)
            weight = self._weights.get(id(node))
            if weight is None:
                raise _problem(f"*{event.anchor} stands inside itself", event)
            self._count(weight, event)
            return node
        self._check(event)
        before = self._values
        self._count(1 + len(getattr(event, "value", "")) // 100, event)
        self._depth += 1
        if self._depth > DEPTH:
            raise _problem(f"lists and mappings stand more than {DEPTH} deep", event)
        node = super().compose_node(parent, index)
        self._depth -= 1
        self._weights[id(node)] = self._values - before
        return node

    def _check(self, event: Any) -> None:
        """What else a kind of loader refuses."""

    def _count(self, weight: int, event: Any) -> None:
        self._values += weight
        if self._values > VALUES:
            raise _problem(f"more than {VALUES:,} values, counting what *names stand for", event)


class _Values(_Bounded):
    """Strings, numbers and truth values; a date stays the text that was written, and no key stands twice."""

    def _check(self, event: Any) -> None:
        tag = getattr(event, "tag", None)
        if tag not in (None, "!") and tag not in _TAGS:
            raise _problem(f"the tag {tag} is not read", event)

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise _problem(f"the key {key.value!r} stands twice", key)
                seen.add(key.value)
        return node


# As in YAML 1.2, which Quarto reads, `12:30` and `no` are text: PyYAML would make a number to the base 60 and a truth
# value of them.
_NARROW = {
    "tag:yaml.org,2002:bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"),
    "tag:yaml.org,2002:int": re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$"),
    "tag:yaml.org,2002:float": re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|\.(?:inf|Inf|INF))$|\.(?:nan|NaN|NAN)$"
    ),
}
_Values.yaml_implicit_resolvers = {
    first: [(tag, _NARROW.get(tag, pattern)) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


class _Strings(_Bounded):
    """Every scalar as the text that was written, whatever its tag."""

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if isinstance(node, yaml.MappingNode):
            made = [(self.construct_object(key), self.construct_object(value)) for key, value in node.value]
            return {key if isinstance(key, str) else str(key): value for key, value in made}
        if isinstance(node, yaml.SequenceNode):
            return [self.construct_object(value) for value in node.value]
        return str(node.value)


def load(text: str, *, strings: bool = False) -> Any:
    """The value that a YAML text stands for; with `strings` all scalars stay text.

    Raises YamlError with the line of what is wrong.
    """
    if len(text) > CHARACTERS:
        raise YamlError(f"{len(text):,} characters are more than the {CHARACTERS:,} that are read", 1)
    try:
        loader = (_Strings if strings else _Values)(text)
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise YamlError(str(error.problem), mark.line + 1 if mark else 1) from None
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # a number of 5,000 digits, a control
        raise YamlError(" ".join(str(error).split()), 1) from None
