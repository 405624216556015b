"""The standard's schema of audit messages, to hold our messages against (PS3.15 A.5.1)."""

from functools import cache
from pathlib import Path

import rnc2rng
from lxml import etree

_SCHEMA = Path(__file__).parent / "audit-message.rnc"


@cache
def _schema() -> etree.RelaxNG:
    grammar = rnc2rng.dumps(rnc2rng.load(str(_SCHEMA)))
    return etree.RelaxNG(etree.fromstring(grammar.encode()))


def parse(xml: bytes) -> etree._Element:
    """The message, when the schema accepts it; else an AssertionError that says why not."""
    root = etree.fromstring(xml)
    schema = _schema()
    assert schema.validate(root), schema.error_log
    return root
