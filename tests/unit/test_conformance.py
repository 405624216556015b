"""The conformance statement says what the code does."""

import re

from service.codes import OPTION_CODES
from service.headers import RULES
from service.rules import SOP_CLASSES
from tools.conformance import DOCUMENT, renewed


def test_the_tables_are_those_of_the_code() -> None:
    """Making the tables again changes nothing: `.venv/bin/python -m tools.conformance` brings them up to date."""
    document = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(document) == document
    assert document.count("<!-- table:") == document.count("<!-- end -->") == 12


def test_nothing_is_left_out() -> None:
    """Each SOP class, each attribute that may stay and each option's code is in the document."""
    document = DOCUMENT.read_text(encoding="utf-8")
    for word in (*SOP_CLASSES, *(rule.keyword for rule in RULES), *(code.value for code in OPTION_CODES.values())):
        assert re.search(rf"\b{re.escape(word)}\b", document), word
