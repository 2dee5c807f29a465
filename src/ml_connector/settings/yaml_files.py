"""YAML files read as text with line numbers, so that `NO`, `12:30` and `010` stay what they are.

The node tree is converted here instead of by the library's constructor: every scalar stays the
text the user typed (the typed models turn it into numbers, exactly), a duplicate key is a fault
rather than an exception, and each key keeps the line it stands on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ml_connector.settings.faults import SettingsFault, render_seen

FILE_BYTES_MAX = 1_000_000
DEPTH_MAX = 20
TEXTS_KEPT_MAX = 64
"""Texts whose parsed form is remembered; a project has some twenty files."""
Loc = tuple[str | int, ...]
_CORE = "tag:yaml.org,2002:"
_TAGS = {
    _CORE + name for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
}


@dataclass(slots=True, kw_only=True)
class YamlFile:
    """What a file holds: plain values (text, lists, dicts), the line of each key, its faults."""

    name: str
    values: dict[str, object] = field(default_factory=dict)
    lines: dict[Loc, int] = field(default_factory=dict)
    faults: list[SettingsFault] = field(default_factory=list)

    def find_line(self, loc: Loc) -> int | None:
        """The line of the deepest known part of the path."""
        for length in range(len(loc), -1, -1):
            if loc[:length] in self.lines:
                return self.lines[loc[:length]]
        return None

    def add_fault(self, loc: Loc, problem: str, *, seen: object = None, allowed: str = "") -> None:
        """The fault is kept with the line of its key."""
        key = render_key(loc)
        self.faults.append(
            SettingsFault(
                file=self.name,
                line=self.find_line(loc),
                key=key,
                problem=problem,
                seen=render_seen(key, seen),
                allowed=allowed,
            )
        )


def render_key(loc: Loc) -> str:
    """The path as people write it: `lists[0].columns.code`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")


def parse_yaml_file(path: Path, *, name: str) -> YamlFile:
    """The file's values, or its faults; never raises for what stands in the file."""
    found = YamlFile(name=name)
    try:
        node = _compose(path)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        if mark is not None:
            found.lines[()] = mark.line + 1
        found.add_fault((), f"is no YAML: {error.problem or error.context}")
    except (OSError, UnicodeDecodeError, YAMLError, ValueError) as error:
        found.add_fault((), f"cannot be read: {error}")
    else:
        _take_root(node, found)
    return found


def parse_flow_text(text: str) -> object:
    """An environment value or flag: `[a, b]` and `{a: b}` are lists and dicts, all else text.

    Raises:
        ValueError: It begins like a list or dict but is none.
    """
    if not text.startswith(("[", "{")):
        return text
    holder = YamlFile(name="")
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        raise ValueError(str(error)) from error
    value = _convert(node, (), holder)
    if holder.faults:
        raise ValueError(holder.faults[0].problem)
    return value


def _compose(path: Path) -> Node | None:
    with path.open("rb") as stream:
        content = stream.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"larger than {FILE_BYTES_MAX} bytes")
    return _compose_text(content.decode("utf-8-sig"))


# What serves reads its files again and again, and they change rarely. Nobody changes a node.
@lru_cache(maxsize=TEXTS_KEPT_MAX)
def _compose_text(text: str) -> Node | None:
    node: Node | None = YAML(typ="safe", pure=True).compose(text)
    return node


def _take_root(node: Node | None, found: YamlFile) -> None:
    if node is None:
        return
    value = _convert(node, (), found)
    if isinstance(value, dict):
        found.values = value
    elif value is not None:
        found.add_fault((), "holds no keys", allowed="lines of `key: value`")


def _convert(node: Node, loc: Loc, found: YamlFile) -> object:
    found.lines.setdefault(loc, node.start_mark.line + 1)
    problem = _find_problem(node, loc)
    if problem:
        found.add_fault(loc, problem)
        return None
    if isinstance(node, MappingNode):
        return dict(_convert_pairs(node, loc, found))
    if isinstance(node, SequenceNode):
        return [_convert(item, (*loc, n), found) for n, item in enumerate(node.value)]
    return None if node.tag == f"{_CORE}null" else str(node.value)


def _find_problem(node: Node, loc: Loc) -> str:
    """Anchors would let a small file grow without bound, and tags name types we do not make."""
    if node.anchor is not None:
        return "uses an anchor; write the value out"
    if str(node.tag) not in _TAGS:
        return f"uses the tag {node.tag}; plain values only"
    if len(loc) > DEPTH_MAX:
        return f"is nested deeper than {DEPTH_MAX} levels"
    return ""


def _convert_pairs(node: MappingNode, loc: Loc, found: YamlFile) -> Iterator[tuple[str, object]]:
    seen: set[str] = set()
    for key_node, value_node in node.value:
        if not isinstance(key_node, ScalarNode) or str(key_node.tag) not in _TAGS:
            found.lines[(*loc, "?")] = key_node.start_mark.line + 1
            found.add_fault((*loc, "?"), "is no plain key; merges and composed keys are not read")
            continue
        key = str(key_node.value)
        inner = (*loc, key)
        if key in seen:
            line = key_node.start_mark.line + 1
            found.add_fault(inner, f"is given a second time on line {line}")
            continue
        seen.add(key)
        found.lines[inner] = key_node.start_mark.line + 1
        value = _convert(value_node, inner, found)
        if value is not None:  # An empty value is as good as no key: the default holds.
            yield key, value
