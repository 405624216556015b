"""An audit entry of a photograph as a sentence, and what a report says in words."""

from typing import Any

from service.console.wording import has, t
from service.headers import rules
from service.series import slot_of
from service.settings import Settings
from service.tables import AuditEntry


def tell(entry: AuditEntry) -> str:
    """What happened, in one sentence; an action without a sentence is named by its own word."""
    key = f"history.{entry.action.replace('.', '_').replace('-', '_')}"
    details = entry.details
    for variant in (f"{key}_{str(details.get('decision', '')).replace(' ', '_')}", key):
        if has(variant):
            cause = details.get("cause")
            named = {"cause": t(f"causes.{cause}") if cause else "", "detail": _in_brackets(details.get("detail"))}
            usual = {"destination": "", "route": "", "proposer": "", "attempts": "", "released_by": ""}
            return t(variant, **{**usual, **_plain(details), **named, "actor": entry.actor})
    return entry.action


def asked(instructions: dict[str, Any] | None) -> list[str]:
    """What a person asked for, a sentence each."""
    if not instructions:
        return []
    said = []
    if route := instructions.get("route"):
        said.append(t("instructions.route", route=route))
    if boxes := instructions.get("redact"):
        said.append(t("instructions.redact", count=len(boxes)))
    if instructions.get("cover_faces"):
        said.append(t("instructions.cover_faces"))
    if backdrop := instructions.get("backdrop"):
        said.append(t(f"instructions.backdrop_{backdrop}"))
    return said


def header_lines(header: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(attribute, what became of it, the rule) for every attribute that the table of what stays names."""
    by_rule = dict(rules())
    became = [(word, name) for word in ("kept", "replaced", "emptied", "removed") for name in header.get(word, ())]
    return [(name, word, by_rule[name]) for word, name in became if name in by_rule]


def removed_names(header: dict[str, Any]) -> list[str]:
    """Attributes of the source that no rule names, so that they are gone or written anew."""
    by_rule = dict(rules())
    return [name for name in header.get("removed", ()) if name not in by_rule]


def recognition(report: dict[str, Any], settings: Settings) -> dict[str, Any] | None:
    """The nearest recognition distance against the threshold, with places on a scale from 0 to 100."""
    measured = [float(distance) for distance in report.get("distances", ()) if distance is not None]
    if not measured:
        return None
    nearest, threshold = min(measured), settings.recognition_threshold
    widest = max(1.2, nearest)
    return {
        "nearest": nearest,
        "threshold": threshold,
        "passed": nearest >= threshold,
        "at": round(100 * nearest / widest, 1),
        "limit": round(100 * threshold / widest, 1),
    }


def view_words(view: str | None) -> str:
    """A view in plain words where a usual series has it, with its code."""
    slot = slot_of(view or "")
    if slot is None:
        return view or t("photograph.title")
    return t("views.named", words=t(f"views.{slot.name}"), view=view)


def _plain(details: dict[str, Any]) -> dict[str, str]:
    return {key: str(value) for key, value in details.items() if isinstance(value, (str, int, float))}


def _in_brackets(text: object) -> str:
    return f" ({text})" if text else ""
