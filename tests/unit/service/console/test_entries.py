"""One entry as a form and back."""

from typing import Any

from service.configuration import Content
from service.console.entries import EntryForm, edited
from service.settings import Route


def test_what_a_form_does_not_show_stays_as_it_was() -> None:
    """A setting of a route that has no field on the page survives a change of the others."""
    hidden = {name: field for name, field in Route.model_fields.items() if name not in EntryForm.model_fields}
    given: dict[str, Any] = {name: True for name, field in hidden.items() if field.annotation is bool}
    route = {"name": "r", "destinations": ["a"], **given}

    values = edited(Content(routes=(Route(**route),)), "route", EntryForm(original="r", name="s", destinations=["a"]))

    assert values["routes"] == [route | {"name": "s"}]
