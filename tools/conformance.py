"""Write the tables of docs/conformance.md from the code's own constants: `.venv/bin/python -m tools.conformance`.

The text around them is written by hand. A test makes them again and compares.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from pydicom import charset
from pydicom.uid import UID

from service import destinations, listener, objects, provenance
from service.codes import OPTION_CODES
from service.confidentiality import EDITION, Need, Option
from service.headers import CLASSES, RULES, Rule
from service.headers.plan import plan
from service.pixels import WRITABLE
from service.rules import SOP_CLASSES
from service.settings import VERIFICATION, ListenerSettings, Route

DOCUMENT: Final = Path(__file__).parents[1] / "docs" / "conformance.md"
_BLOCK: Final = r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)"
_NEEDS: Final = {
    Need.VALUE: "always, with a value",
    Need.EMPTY_OR_VALUE: "always",
    Need.EMPTY_WHERE_IT_WAS: "where the source has it",
    Need.VALUE_WHERE_IT_WAS: "where the source has it, with a value",
    Need.NOTHING: "where a value stays",
}
_ANSWERS: Final = (
    *(0x0000, 0x0001, 0x0110, 0x0111, 0x0117, 0x0122, 0x0124, 0x0210, 0x0213),
    *(0xA700, 0xA900, 0xB000, 0xC000),
)


def main() -> None:
    DOCUMENT.write_text(renewed(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


def renewed(document: str) -> str:
    """The document with every table made again; KeyError for one that nothing makes."""
    return re.sub(_BLOCK, lambda found: f"{found[1]}{_TABLES[found[2]]()}\n{found[3]}", document, flags=re.DOTALL)


def _sop_classes() -> str:
    rows = [(UID(VERIFICATION).name, VERIFICATION, "SCU and SCP")]
    rows += [(UID(uid).name, uid, "SCU and SCP") for uid in SOP_CLASSES]
    return _table(("SOP class", "UID", "role"), rows)


def _syntaxes() -> str:
    return _table(("transfer syntax", "UID"), ((UID(uid).name, uid) for uid in sorted(objects.SYNTAXES)))


def _fallback() -> str:
    usual = Route.model_fields["fallback_syntax"].default
    rows = ((f"`{word}`{', the default' * (word == usual)}", uid.name, uid) for word, uid in WRITABLE.items())
    return _table(("`fallback_syntax` of a route", "transfer syntax", "UID"), rows)


def _association() -> str:
    usual = ListenerSettings()
    rows = [
        ("application context", "1.2.840.10008.3.1.1.1"),
        ("implementation class UID of files", objects.IMPLEMENTATION_UID),
        ("implementation version name of files", objects.IMPLEMENTATION_NAME),
        ("AE title", f"{usual.ae_title}, and those that routes listen for; configurable"),
        ("port", f"{usual.port}; configurable"),
        ("associations at a time", f"{usual.max_associations}; configurable"),
        ("largest PDU received", f"{listener.MAXIMUM_PDU} bytes"),
        ("ACSE, DIMSE and network timeout", f"{usual.timeout_seconds:g} s; configurable"),
        ("longest wait for a destination's answer to an association", f"{destinations.ASSOCIATE_SECONDS} s"),
        ("an idle association to a destination is kept", f"{destinations.IDLE_SECONDS} s"),
    ]
    return _table(("what", "value"), rows)


def _store_statuses() -> str:
    lines = re.findall(r"^    (0x[0-9A-F]{4})  (.+)$", listener.__doc__ or "", re.MULTILINE)
    return _table(("status", "when"), lines)


def _answers() -> str:
    rows = ((f"0x{status:04X}", destinations.judge(status).verdict.value) for status in _ANSWERS)
    return _table(("status of the destination", "what becomes of the delivery"), rows)


def _options() -> str:
    rows = (
        (f"`{option}`", OPTION_CODES[option].value, OPTION_CODES[option].meaning)
        for option in sorted(Option, key=lambda option: OPTION_CODES[option].value)
    )
    return _table(("`retain` of a route", "code", "option of the profile"), rows)


def _codes() -> str:
    own = (provenance.BASIC, provenance.PIXEL_DATA, provenance.VISUAL_FEATURES)
    return _table(("code", "meaning"), ((code.value, code.meaning) for code in own))


def _attributes() -> str:
    """What is done to each attribute that may stay: by the profile alone, and where an option does something else."""
    return _table(_HEADS, (_row(rule) for rule in RULES))


def _class_attributes() -> str:
    """The same for what classes have of their own; what lies in items is named beside its sequence."""
    rows = (
        (UID(sop_class).name.removesuffix(" Image Storage"), *_row(rule, sop_class))
        for sop_class, rules in CLASSES.items()
        for rule in rules
    )
    return _table(("class", *_HEADS), rows)


_HEADS: Final = ("attribute", "is there", "Table E.1-1", "Basic Profile")


def _row(rule: Rule, sop_class: str = "") -> tuple[str, str, str, str]:
    (done,) = (str(step) for step in plan(frozenset(), sop_class) if step.rule is rule)
    name = f"({rule.tag >> 16:04X},{rule.tag & 0xFFFF:04X}) {rule.keyword}"
    inside = f"; inside: {', '.join(inner.keyword for inner in rule.inside)}" if rule.inside else ""
    return name, _NEEDS[rule.need], rule.row.basic if rule.row else "-", done + inside


def _by_option() -> str:
    """Classes have a row of their own where something else is done than in all others."""
    shared = _changed_by_options("")
    rows = [(f"`{option}`", keyword, text) for option, keyword, text in shared]
    for sop_class in CLASSES:
        own = [row for row in _changed_by_options(sop_class) if row not in shared]
        name = UID(sop_class).name.removesuffix(" Image Storage")
        rows += [(f"`{option}`", f"{keyword} ({name})", text) for option, keyword, text in own]
    return _table(("option", "attribute", "what is done instead"), rows)


def _changed_by_options(sop_class: str) -> list[tuple[Option, str, str]]:
    return [
        (option, step.rule.keyword, str(step))
        for option in Option
        for step, before in zip(plan(frozenset({option}), sop_class), plan(frozenset(), sop_class), strict=True)
        if str(step) != str(before)
    ]


def _character_sets() -> str:
    named = sorted(term for term in charset.python_encoding if term)
    return f"Read: the default repertoire, {', '.join(named)}."


def _edition() -> str:
    return f"The tables of PS3.15 are those of edition {EDITION}."


_TABLES: Final[dict[str, Callable[[], str]]] = {
    "sop-classes": _sop_classes,
    "syntaxes": _syntaxes,
    "fallback": _fallback,
    "association": _association,
    "store-statuses": _store_statuses,
    "answers": _answers,
    "options": _options,
    "codes": _codes,
    "attributes": _attributes,
    "class-attributes": _class_attributes,
    "by-option": _by_option,
    "character-sets": _character_sets,
    "edition": _edition,
}


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    return "\n".join(_lines(heads, rows))


def _lines(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in row)} |" for row in rows)


if __name__ == "__main__":
    main()
