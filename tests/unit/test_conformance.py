"""The conformance statement says what the code does."""

import re

from service.codes import OPTION_CODES
from service.headers import CLASSES, RULES
from service.rules import SOP_CLASSES
from tools.conformance import DOCUMENT, renewed


def test_the_tables_are_those_of_the_code() -> None:
    """Making the tables again changes nothing: `.venv/bin/python -m tools.conformance` brings them up to date."""
    document = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(document) == document
    assert document.count("<!-- table:") == document.count("<!-- end -->") == 13


def test_nothing_is_left_out() -> None:
    """Each SOP class, each attribute that may stay and each option's code is in the document."""
    document = DOCUMENT.read_text(encoding="utf-8")
    rules = [*RULES, *(rule for own in CLASSES.values() for rule in own)]
    named = [word for rule in rules for word in (rule.keyword, *(inner.keyword for inner in rule.inside))]
    for word in (*SOP_CLASSES, *named, *(code.value for code in OPTION_CODES.values())):
        assert re.search(rf"\b{re.escape(word)}\b", document), word
