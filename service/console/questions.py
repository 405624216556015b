"""A question to the audit as its form has it, and what an entry's details say in a few words."""

from urllib.parse import urlencode

from pydantic import BaseModel

from service.tables import AuditEntry


class Question(BaseModel):
    """The form's fields as they come, blank where nothing is asked."""

    patient: str = ""
    study: str = ""
    sop_instance: str = ""
    photograph: str = ""
    actor: str = ""
    ae: str = ""
    action: str = ""
    outcome: str = ""
    since: str = ""
    until: str = ""

    def filled(self) -> dict[str, str]:
        texts = {name: getattr(self, name).strip() for name in Question.model_fields}
        return {name: text for name, text in texts.items() if text}

    def address(self, **more: str) -> str:
        """The address of the answer."""
        return f"/audit?{urlencode({'find': '1'} | self.filled() | more)}#answer"


def pairs(entry: AuditEntry) -> list[tuple[str, str]]:
    """What an entry's details say, a name and a text each."""
    return [(name.replace("_", " "), _text(value)) for name, value in sorted(entry.details.items())]


def _text(value: object) -> str:
    if isinstance(value, list) and value and all(isinstance(item, dict) and "passed" in item for item in value):
        return f"{sum(bool(item['passed']) for item in value)}/{len(value)}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, dict):
        return "; ".join(f"{name} {_text(item)}" for name, item in sorted(value.items()))
    return str(value)
