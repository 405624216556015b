"""One entry as a form and back."""

from pathlib import Path
from typing import Any

from service.configuration import Content
from service.console.entries import EntryForm, edited, form_of
from service.settings import Route
from tests.support.gateways import settings_for

FULL: dict[str, Any] = {
    "name": "r",
    "calling_aes": ["CAMERA", "CAMERA 2"],
    "called_aes": ["SCANS"],
    "sop_classes": ["1.2.840.10008.5.1.4.1.1.7"],
    "views": ["EV19"],
    "preserve": ["mouth", "nose"],
    "preserve_by_view": {"EV19": ["mouth"], "EV20": []},
    "destinations": ["nowhere"],
    "text": "blank",
    "segmentation": True,
    "unreplaced": "redact",
    "outline": True,
    "hair": "keep",
    "backdrop": "plain",
    "fallback_syntax": "jpeg-2000-lossless",
    "retain": ["device-identity", "full-dates"],
    "texts": ["EOS 90D", "Praxis, Nord"],
}


def test_a_route_comes_back_from_its_form_as_it_was(tmp_path: Path) -> None:
    """Every setting of a route that has a field survives being opened and saved, whatever other one is changed."""
    file = settings_for(tmp_path, routes=[FULL])
    form = form_of(file, "route", "r")

    values = edited(Content(routes=file.routes), "route", form.model_copy(update={"name": "s"}))

    assert values["routes"] == [FULL | {"name": "s"}]
    assert all(name in EntryForm.model_fields for name in FULL)


def test_what_a_form_does_not_show_stays_as_it_was() -> None:
    """A setting of a route that has no field on the page survives a change of the others."""
    hidden = {name: field for name, field in Route.model_fields.items() if name not in EntryForm.model_fields}
    given: dict[str, Any] = {name: True for name, field in hidden.items() if field.annotation is bool}
    route = {"name": "r", "destinations": ["a"], "retain": [], **given}

    values = edited(Content(routes=(Route(**route),)), "route", EntryForm(original="r", name="s", destinations=["a"]))

    assert values["routes"] == [route | {"name": "s"}]


def test_what_is_not_ticked_is_not_retained(tmp_path: Path) -> None:
    """A new route starts with the usual ticks; taking the last one away leaves nothing, not the usual ones again."""
    form = form_of(settings_for(tmp_path), "route", "")
    assert form.retain == ["modified-dates", "structured-content"]
    assert (form.text, form.fallback_syntax, form.segmentation) == ("hold", "explicit-little-endian", False)

    posted = EntryForm(name="r", destinations=["a"], text="hold", fallback_syntax="explicit-little-endian")
    (route,) = edited(Content(), "route", posted)["routes"]

    assert Route(**route).retain == frozenset()
