"""YAML without its traps: plain values only, no repeated keys, `1e-4` is a number.

Tags, which can name Python objects, are refused, and so are files whose aliases unfold to more
than a configuration can need. Numbers are decimal; dates and `12:30` stay text.
"""

import re
from typing import Any, NoReturn

import yaml

from nashgrad.lab.common.errors import UsageError

MOST_NODES = 10_000
PLAIN_TAGS = {
    "bool": r"(?:true|True|TRUE|false|False|FALSE)\Z",
    "null": r"(?:~|null|Null|NULL|)\Z",
    "int": r"[-+]?[0-9]{1,30}\Z",
    "float": (
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
    "merge": r"<<\Z",
}
KEY_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"}


class _Plain:
    """What unquoted text can be; reader and writer share it, so that they agree."""

    yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's name and type)
        None: [(f"tag:yaml.org,2002:{tag}", re.compile(it)) for tag, it in PLAIN_TAGS.items()]
    }


class _Loader(_Plain, yaml.SafeLoader):
    def compose_document(self) -> yaml.Node | None:
        root: yaml.Node | None = super().compose_document()
        if root is not None:
            _weigh(root, {})
        return root

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call]
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            shown = tag.replace("tag:yaml.org,2002:", "!!")
            _refuse(event, f"the tag {shown} is refused: values are plain")
        node: yaml.Node | None = super().compose_node(parent, index)
        return node


class _Dumper(_Plain, yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def _decimal(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int:
    return int(node.value)  # PyYAML takes 010 for eight


def _on_one_line(dumper: yaml.SafeDumper, items: Any) -> yaml.Node:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=True)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    breaks = any(mark in text for mark in "\x85\u2028\u2029")  # PyYAML's own style folds them
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if breaks else None)


_Loader.add_constructor("tag:yaml.org,2002:int", _decimal)
_Dumper.add_representer(tuple, _on_one_line)
_Dumper.add_representer(str, _text)


def _refuse(at: Any, problem: str) -> NoReturn:
    """Refuses a node or an event, at its place in the text."""
    raise yaml.MarkedYAMLError(problem=problem, problem_mark=at.start_mark)


def _weigh(node: yaml.Node, known: dict[int, int | None]) -> int:
    """The number of nodes that a node unfolds to; refuses repeated keys and too many nodes."""
    if id(node) not in known:
        known[id(node)] = None
        known[id(node)] = 1 + sum(_weigh(child, known) for child in _children(node))
    weight = known[id(node)]
    if weight is None:
        _refuse(node, "an alias holds itself")
    if weight > MOST_NODES:
        _refuse(node, f"more than {MOST_NODES} values, counting what aliases repeat")
    return weight


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        _refuse_bad_keys(node)
        return [child for pair in node.value for child in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _refuse_bad_keys(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        if key.tag not in KEY_TAGS:
            _refuse(key, "a key must be text")
        if key.value in seen:
            _refuse(key, f"{key.value}: this key is given twice")
        seen.add(key.value)


def parse(text: str, source: str) -> Any:
    """The plain value that a YAML text stands for; errors name `source` and the line.

    >>> parse("optimizer: {lr: 1e-4}", "x.yaml")
    {'optimizer': {'lr': 0.0001}}
    """
    try:
        return yaml.load(text, Loader=_Loader)  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        problem = " ".join(filter(None, (error.context, error.problem)))
        raise UsageError(f"{source}{line}: {problem}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"{source}: is not YAML text") from error
    except RecursionError as error:
        raise UsageError(f"{source}: is nested too deeply") from error


def parse_value(text: str) -> Any:
    """The value of one word of the command line; what is no YAML is text.

    >>> parse_value("1e-4"), parse_value("adam"), parse_value("null"), parse_value("[a")
    (0.0001, 'adam', None, '[a')
    """
    try:
        return parse(text, "")
    except UsageError:
        return text


def write(value: Any) -> str:
    """YAML text that `parse` turns back into the same value, keys in the order given."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
