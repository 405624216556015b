"""What changed from one version of the configuration to the next, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from service.configuration import plain_defaults
from service.settings import Destination, Route

Kind = Literal["sender", "destination", "route"]
How = Literal["added", "removed", "changed", "reordered"]


@dataclass(frozen=True)
class Field:
    """One field before and after, as text; empty where it was not there."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """`name` is empty for the order of all routes."""

    kind: Kind
    name: str
    how: How
    fields: tuple[Field, ...] = ()

    def __str__(self) -> str:
        """As the audit has it: names only."""
        return f"{self.kind} {self.name} {self.how}" if self.name else f"{self.kind}s {self.how}"


_DEFAULTS: Final = {"destination": plain_defaults(Destination), "route": plain_defaults(Route)}


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[Change, ...]:
    """From one stored content to another (`Content.stored`)."""
    senders = [set(content["senders"]) for content in (before, after)]
    found = [Change("sender", title, "added") for title in sorted(senders[1] - senders[0])]
    found += [Change("sender", title, "removed") for title in sorted(senders[0] - senders[1])]
    found += _named("destination", before["destinations"], after["destinations"])
    found += _named("route", before["routes"], after["routes"])
    found += _order(before["routes"], after["routes"])
    return tuple(found)


def _named(kind: Kind, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    old, new = ({entry["name"]: entry for entry in entries} for entries in (before, after))
    for name, entry in new.items():
        if name not in old:
            yield Change(kind, name, "added", tuple(_fields({}, entry)))
        elif entry != old[name]:
            yield Change(kind, name, "changed", tuple(_fields(_filled(kind, old[name]), _filled(kind, entry))))
    for name, entry in old.items():
        if name not in new:
            yield Change(kind, name, "removed", tuple(_fields(entry, {})))


def _filled(kind: Kind, entry: dict[str, Any]) -> dict[str, Any]:
    """With what a stored entry leaves out because it is as it is by default: a change of that has two sides too."""
    return {**entry, **{name: value for name, value in _DEFAULTS[kind].items() if name not in entry}}


def _order(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Iterator[Change]:
    """Routes in another order are another configuration: the first one that matches decides."""
    names = [[entry["name"] for entry in entries] for entries in (before, after)]
    common = set(names[0]) & set(names[1])
    kept = [[name for name in order if name in common] for order in names]
    if kept[0] != kept[1]:
        yield Change("route", "", "reordered", (Field("order", ", ".join(names[0]), ", ".join(names[1])),))


def _fields(before: dict[str, Any], after: dict[str, Any]) -> Iterator[Field]:
    for name in dict.fromkeys([*before, *after]):
        if name != "name" and before.get(name) != after.get(name):
            yield Field(name, _text(before.get(name)), _text(after.get(name)))


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_text(item) or 'nothing'}" for key, item in value.items())
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
