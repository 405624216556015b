"""Every English word of the pages, by page and key: one folder to translate.

t("review.title")                        # texts/review.toml, [review] title
t("desk.waiting", count=3)               # {count} is filled in; escaped where the template shows it

A key that does not exist is an error of ours and fails loudly, in tests and in development alike.
"""

import tomllib
from functools import cache
from importlib.resources import files


def t(key: str, **values: object) -> str:
    """The text of a key, its {placeholders} filled in. Raises KeyError for a key that no file has."""
    text = _texts()[key]
    return text.format(**values) if values else text


def has(key: str) -> bool:
    return key in _texts()


@cache
def _texts() -> dict[str, str]:
    found: dict[str, str] = {}
    for file in (files("service.console") / "texts").iterdir():
        if file.name.endswith(".toml"):
            for page, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
                found |= {f"{page}.{key}": text for key, text in entries.items()}
    return found
