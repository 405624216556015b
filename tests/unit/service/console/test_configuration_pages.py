"""The pages of routes, senders and destinations: shown to those who see, changed by those who may."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service import audit
from service.audit import Action, Outcome
from service.console.wording import has
from service.gateway import Gateway
from service.rights import Role
from service.settings import Destination, Route
from service.tables import AuditEntry, Configuration, Delivery
from tests.support.console import client_for, person
from tests.support.gateways import archive, open_gateway, rows, settings_for

ADA = person(Role.ADMIN, "ada")
DESTINATION = {"name": "research", "ae_title": "RESEARCH", "host": "127.0.0.1", "port": "104", "reason": "a project"}
ROUTE = {
    "name": "scans",
    "calling_aes": "SCANNER\nSCANNER 2",
    "views": "ev19, IV07",
    "preserve": ["mouth"],
    "preserve_by_view": "EV19: mouth, nose\nEV20:",
    "destinations": ["research"],
    "reason": "a project",
}


@pytest.fixture
def gateway(tmp_path: Path, database_url: str) -> Iterator[Gateway]:
    opened = open_gateway(settings_for(tmp_path, database_url=database_url))
    yield opened
    opened.close()


@pytest.fixture
def admin(gateway: Gateway) -> Iterator[TestClient]:
    with client_for(gateway, ADA) as client:
        yield client


def _base(client: TestClient, path: str) -> str:
    found = re.search(r'name="base" value="(\d+)"', client.get(path).text)
    assert found is not None
    return found[1]


def _save(client: TestClient, kind: str, **fields: object) -> int:
    values = {"base": _base(client, f"/configuration/edit/{kind}")} | fields
    return client.post(f"/configuration/edit/{kind}", data=values).status_code


def test_what_the_file_says_is_shown_and_locked(gateway: Gateway, admin: TestClient) -> None:
    """Entries of the file are marked, have no buttons, and their forms say where they can be changed."""
    text = admin.get("/configuration").text

    assert "nowhere" in text and "CAMERA" in text
    assert "/configuration/edit/destination?name=nowhere" not in text
    assert "can be changed only there" in admin.get("/configuration/edit/destination?name=nowhere").text
    refused = admin.post("/configuration/edit/destination", data=DESTINATION | {"name": "nowhere", "base": "0"})
    assert (refused.status_code, rows(gateway.database, Configuration)) == (409, [])


def test_destination_sender_and_route_are_added_by_forms(gateway: Gateway, admin: TestClient) -> None:
    """Three forms make three versions, and the gateway follows at once."""
    assert _save(admin, "destination", **DESTINATION) == 303
    assert _save(admin, "sender", name="SCANNER", reason="a scanner came") == 303
    assert _save(admin, "route", **ROUTE) == 303

    route = gateway.settings.routes[-1]
    assert (route.name, route.calling_aes, route.views) == ("scans", {"SCANNER", "SCANNER 2"}, {"EV19", "IV07"})
    assert route.preserve_by_view == {"EV19": {"mouth", "nose"}, "EV20": set()}
    assert "SCANNER" in gateway.settings.listener.accepted_calling_aes
    assert [row.person for row in rows(gateway.database, Configuration)] == ["ada"] * 3


def test_an_entry_opens_as_it_was_saved_and_saves_as_it_opened(gateway: Gateway, admin: TestClient) -> None:
    """A form that is opened and saved without a change says that nothing was changed."""
    _save(admin, "destination", **DESTINATION)
    _save(admin, "route", **ROUTE)
    page = admin.get("/configuration/edit/route?name=scans").text

    assert "SCANNER\nSCANNER 2" in page and "EV19: mouth, nose" in page
    again = admin.post("/configuration/edit/route", data=ROUTE | {"base": "2", "original": "scans"})
    assert (again.status_code, "Nothing was changed" in again.text) == (409, True)


def test_every_problem_stands_on_the_form_with_what_was_typed(admin: TestClient) -> None:
    """A form that cannot be saved comes back filled in, each problem a sentence."""
    wrong = DESTINATION | {"port": "70000", "ae_title": "X" * 17, "base": "0"}

    answer = admin.post("/configuration/edit/destination", data=wrong)

    assert answer.status_code == 409
    assert "the port must be from 1 to 65535" in answer.text
    assert "may have at most 16 characters" in answer.text
    assert 'value="70000"' in answer.text


def test_a_line_that_is_no_view_is_told(admin: TestClient) -> None:
    """The free field of a route's form has a sentence of its own."""
    answer = admin.post("/configuration/edit/route", data=ROUTE | {"preserve_by_view": "smiles: mouth", "base": "0"})

    assert (answer.status_code, "such as EV19: mouth, nose" in answer.text) == (409, True)


def test_the_second_of_two_editors_is_told_on_the_form(gateway: Gateway, admin: TestClient) -> None:
    """A form that was opened before somebody else saved is refused and loses nothing that was typed."""
    old = _base(admin, "/configuration/edit/sender")
    _save(admin, "destination", **DESTINATION)

    answer = admin.post("/configuration/edit/sender", data={"base": old, "name": "LATECOMER", "reason": "mine"})

    assert (answer.status_code, "Somebody else saved" in answer.text, "LATECOMER" in answer.text) == (409, True, True)
    assert len(rows(gateway.database, Configuration)) == 1


def test_removing_shows_what_would_come_of_it_first(gateway: Gateway, admin: TestClient) -> None:
    """The page before a removal names the route that would lose its destination; removing in order works."""
    _save(admin, "destination", **DESTINATION)
    _save(admin, "route", **ROUTE)

    page = admin.get("/configuration/remove/destination?name=research")
    assert "names the destination &#39;research&#39;, which is not defined" in page.text
    for kind, name in (("route", "scans"), ("destination", "research")):
        base = _base(admin, f"/configuration/remove/{kind}?name={name}")
        answer = admin.post(f"/configuration/remove/{kind}", data={"base": base, "name": name, "reason": "over"})
        assert answer.status_code == 303
    assert gateway.live.refresh() == gateway.live.file
    assert rows(gateway.database, Delivery) == []


def test_routes_move_and_old_versions_come_back(gateway: Gateway, admin: TestClient) -> None:
    """The order of the console's routes can be changed, and the history restores it."""
    _save(admin, "destination", **DESTINATION)
    _save(admin, "route", **ROUTE)
    _save(admin, "route", **ROUTE | {"name": "later"})

    admin.post("/configuration/move", data={"name": "later", "direction": "up", "base": "3"})
    assert [route.name for route in gateway.live.refresh().routes] == ["all", "later", "scans"]
    assert "The routes stand in another order" in admin.get("/configuration/history").text

    answer = admin.post("/configuration/restore/3", data={"base": "4", "reason": "it was better"})
    assert answer.status_code == 303
    assert [route.name for route in gateway.live.refresh().routes] == ["all", "scans", "later"]


def test_a_caller_that_was_refused_is_allowed_with_one_press(gateway: Gateway, admin: TestClient) -> None:
    """The list of who was turned away has a button that makes a version, on record like any."""
    with gateway.database.transaction() as session:
        details = {"called_ae": "VERAGATE", "peer": "192.0.2.9", "reason": "calling AE title unknown"}
        audit.record(session, Action.ASSOCIATION_REFUSED, actor="NEWCAM", outcome=Outcome.REFUSED, details=details)
    assert "Allow NEWCAM to send" in admin.get("/configuration").text

    admin.post("/configuration/allow", data={"name": "NEWCAM", "base": "0"})

    assert "NEWCAM" in gateway.live.refresh().listener.accepted_calling_aes
    assert "Allow NEWCAM to send" not in admin.get("/configuration").text
    assert "configuration.changed" in [entry.action for entry in rows(gateway.database, AuditEntry)]


def test_who_only_sees_gets_no_forms(gateway: Gateway) -> None:
    """An operator and a compliance officer see the same without a button that changes anything."""
    for role in (Role.OPERATOR, Role.COMPLIANCE):
        with client_for(gateway, role) as client:
            text = client.get("/configuration").text
            assert "/configuration/edit/" not in text and "Knock" in text


def test_a_destination_is_knocked_at_from_the_page(tmp_path: Path, sqlite_url: str) -> None:
    """The answer stands on the page, and the audit names who asked."""
    with archive() as place:
        gateway = open_gateway(settings_for(tmp_path, place, database_url=sqlite_url))
        with client_for(gateway, Role.OPERATOR) as client:
            assert "archive answered in" in client.post("/configuration/echo", data={"name": "archive"}).text
            assert client.post("/configuration/echo", data={"name": "elsewhere"}).status_code == 409
        gateway.close()


def test_the_simulator_tells_each_route(gateway: Gateway, admin: TestClient) -> None:
    """An imagined photograph is answered by the rules; nonsense by a sentence."""
    text = admin.get("/configuration/simulator?calling=CAMERA&view=EV19").text
    assert "It takes the route all, to nowhere." in text

    stranger = admin.get("/configuration/simulator?calling=STRANGER&called=NOBODY&view=EV19").text
    assert "does not answer to NOBODY" in stranger
    assert "not the code" in admin.get("/configuration/simulator?calling=CAMERA&view=EV99").text
    assert "no such photograph" in admin.get("/configuration/simulator?photograph=x").text


def test_markup_in_names_stays_text(gateway: Gateway, admin: TestClient) -> None:
    """A destination that is called like a script is shown, not run."""
    name = "<script>alert(1)</script>"
    assert _save(admin, "destination", **DESTINATION | {"name": name}) == 303

    for path in ("/configuration", "/configuration/history", f"/configuration/edit/destination?name={name}"):
        assert "<script>alert" not in admin.get(path).text


def test_every_field_that_can_change_has_its_words() -> None:
    """The history can name whatever a version changed."""
    fields = {*Destination.model_fields, *Route.model_fields, "order"} - {"name"}

    assert [name for name in sorted(fields) if not has(f"fields.{name}")] == []
