"""Every English word of the pages stands in the texts, and no page asks for one that is not there."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from service.console.wording import has, t
from service.rights import Role
from service.states import Cause, DeliveryState, PhotographState

CONSOLE = Path(str(files("service.console")))
TEMPLATES = sorted((CONSOLE / "templates").rglob("*.html"))

_JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
_NO_TEXT = re.compile(r"<(style|script|kbd|code)\b.*?</\1>|<[^>]*>|&\w+;", re.DOTALL)
_SPOKEN = re.compile(r"""\b(?:aria-label|alt|title|placeholder|data-label)=["']([^"']*)["']""")
_ASKED = re.compile(r"""\bt\(\s*["']([a-z0-9_]+\.[A-Za-z0-9_-]+)["']\s*[,)]""")
_OURS = {"VeraGate", "UTC", "AE", "DICOM", "CSV", "JSON", "HTML", "UID", "DIMSE", "TOTP", "API"}


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z]{2,}", text)) - _OURS


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(CONSOLE)))
def test_a_template_holds_no_words_of_its_own(template: Path) -> None:
    """What people read or hear comes from the texts, so that one folder has to be translated."""
    markup = _JINJA.sub("", template.read_text(encoding="utf-8"))

    assert words(_NO_TEXT.sub(" ", markup)) == set()
    assert {word for spoken in _SPOKEN.findall(markup) for word in words(spoken)} == set()


@pytest.mark.parametrize(
    "source", [*TEMPLATES, *sorted(CONSOLE.rglob("*.py"))], ids=lambda path: str(path.relative_to(CONSOLE))
)
def test_every_text_that_is_asked_for_exists(source: Path) -> None:
    """A key written out in a template or a handler is in the texts."""
    asked = _ASKED.findall(source.read_text(encoding="utf-8"))

    assert [key for key in asked if not has(key)] == [] or source.name == "wording.py"


def test_every_state_cause_and_role_has_its_words() -> None:
    """What the database can hold can be said."""
    keys = [f"states.{state}" for state in (*PhotographState, *DeliveryState)]
    keys += [f"causes.{cause}" for cause in Cause] + [f"roles.{role}" for role in Role]

    assert [key for key in keys if not has(key)] == []


def test_an_unknown_text_fails_loudly() -> None:
    """A missing text is an error, never an empty place on the page."""
    with pytest.raises(KeyError):
        t("overview.no_such_text")
