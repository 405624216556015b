"""Changing the configuration in the console: what is refused, what is said, what stays on record."""

import threading
from pathlib import Path
from typing import Any

import pytest

from service.configuration import Live
from service.configuring.changes import NotSaved, Outdated, history, restore, review, save, stranded
from service.database import Database
from service.settings import VL_PHOTOGRAPHIC
from service.states import DeliveryState, PhotographState
from service.tables import AuditEntry, Configuration, Delivery, HeldResult, Photograph, Release, new_id
from tests.support.gateways import rows, settings_for
from tests.unit.service.test_configuration import CONSOLE


@pytest.fixture
def live(tmp_path: Path, database: Database) -> Live:
    return Live(settings_for(tmp_path), database)


def _photograph(database: Database, *, destination: str | None = None, state: str = DeliveryState.PENDING) -> None:
    """A photograph by the console's route: delivered to somewhere, or held."""
    photograph = Photograph(
        id=new_id(), state=PhotographState.QUARANTINED, sop_class_uid=VL_PHOTOGRAPHIC, sop_instance_uid=new_id(),
        transfer_syntax_uid="1.2", calling_ae="SCANNER", called_ae="VERAGATE", peer="-", blob="-", digest=new_id(),
        size=1, route="scans",
    )  # fmt: skip
    made: dict[str, Any] = {
        "photograph_id": photograph.id, "blob": "-", "digest": "-", "size": 1, "sop_class_uid": "-",
        "sop_instance_uid": new_id(), "transfer_syntax_uid": "-", "profile": "-", "model_version": "-", "report": {},
    }  # fmt: skip
    with database.transaction() as session:
        session.add(photograph)
        session.flush()
        if destination is None:
            session.add(HeldResult(**made))
            return
        release = Release(id=new_id(), **made, released_by="gates")
        session.add(release)
        session.flush()
        session.add(Delivery(release_id=release.id, destination=destination, state=state))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"senders": ["A" * 17]}, f"The sender '{'A' * 17}': the AE title may have at most 16 characters."),
        ({"senders": ["A\\B"]}, "The sender 'A\\B': the AE title has a character that may not be there."),
        ({"senders": [" "]}, "The sender number 1: the AE title is missing."),
        ({"senders": ["UPLOAD"]}, "'UPLOAD' is the upload page's own title; no sender may use it."),
        ({"destinations": [{"name": "x"}], "routes": []}, "The destination 'x': the port is missing."),
        (
            {"destinations": [{"name": "x", "ae_title": "X", "host": "h", "port": "0"}], "routes": []},
            "The destination 'x': the port must be from 1 to 65535.",
        ),
        (
            {"destinations": [{"name": "x", "ae_title": "X", "host": "h", "port": "many"}], "routes": []},
            "The destination 'x': the port must be a whole number.",
        ),
        (
            {"destinations": [{"name": "x", "ae_title": "X", "host": "a b", "port": 1}], "routes": []},
            "The destination 'x': the host has a character that may not be there.",
        ),
        (
            {"destinations": CONSOLE["destinations"] * 2},
            "2 destinations have the name 'research'.",
        ),
        (
            {"destinations": [CONSOLE["destinations"][0] | {"name": "nowhere"}], "routes": []},
            "The configuration file defines the destination 'nowhere'; it can be changed only there.",
        ),
        (
            {"routes": [CONSOLE["routes"][0] | {"name": "all"}]},
            "The configuration file defines the route 'all'; it can be changed only there.",
        ),
        (
            {"destinations": []},
            "The route 'scans' names the destination 'research', which is not defined.",
        ),
        ({"routes": [{"name": "r", "destinations": []}]}, "The route 'r': the destinations are missing."),
        (
            {"routes": [CONSOLE["routes"][0] | {"preserve": ["ears"]}]},
            "The route 'scans': what is preserved must be 'mouth', 'nose' or 'eyes'.",
        ),
        (
            {"routes": [CONSOLE["routes"][0] | {"fallback_syntax": "jpeg-baseline"}]},
            "The route 'scans': the syntax of what cannot leave as it came must be 'explicit-little-endian', "
            "'jpeg-2000-lossless', 'jpeg-ls-lossless' or 'rle-lossless'.",
        ),
        (
            {"routes": [CONSOLE["routes"][0] | {"retain": ["full-dates", "modified-dates"]}]},
            "The route 'scans' retains dates either moved or in full, not both.",
        ),
        (
            {"routes": [CONSOLE["routes"][0] | {"texts": ["EOS\\90D"]}]},
            "The route 'scans': a text that may leave has a character that may not be there.",
        ),
        (
            {"routes": [CONSOLE["routes"][0] | {"views": ["EV99"]}]},
            "The route 'scans' names the view 'EV99', which is not an ADA-1100 code.",
        ),
        (
            {"routes": [CONSOLE["routes"][0] | {"sop_classes": ["1.2.3"]}]},
            "The route 'scans' names the SOP class '1.2.3', which this gateway does not receive.",
        ),
    ],
)
def test_each_problem_is_one_sentence(tmp_path: Path, sqlite_url: str, changes: dict[str, Any], sentence: str) -> None:
    """Whatever is wrong is named with the entry that it is wrong in, and nothing is saved."""
    database = Database(sqlite_url)
    live = Live(settings_for(tmp_path), database)

    with pytest.raises(NotSaved) as refused:
        save(live, database, 0, CONSOLE | changes, "Ada", "a reason")

    assert sentence in refused.value.problems
    assert rows(database, Configuration) == []
    database.close()


def test_every_problem_is_told_at_once(live: Live, database: Database) -> None:
    """Three mistakes are three sentences, so that nobody has to save three times to learn of them."""
    routes = [CONSOLE["routes"][0] | {"destinations": ["x", "y"], "views": ["IV99"]}]

    assert len(review(live, database, CONSOLE | {"routes": routes}).problems) == 3


def test_a_saved_change_is_on_record_by_name_alone(live: Live, database: Database) -> None:
    """The audit names who changed what and why; addresses stay in the history."""
    save(live, database, 0, CONSOLE, "Ada", " a scanner came ")

    (entry,) = rows(database, AuditEntry)
    assert (entry.action, entry.actor) == ("configuration.changed", "Ada")
    assert entry.details == {
        "version": 1,
        "reason": "a scanner came",
        "changes": ["sender SCANNER added", "destination research added", "route scans added"],
    }


def test_the_second_of_two_editors_is_told(live: Live, database: Database) -> None:
    """A change that was made on an older version is refused with the name of whoever came first."""
    save(live, database, 0, CONSOLE, "Ada", "first")

    with pytest.raises(Outdated, match="Version 1 was saved by Ada in the meantime"):
        save(live, database, 0, CONSOLE | {"senders": []}, "Bert", "second")

    assert len(rows(database, Configuration)) == 1


def test_of_many_editors_at_once_one_wins(live: Live, database: Database) -> None:
    """However many save the same next version together, there is one, and all others are told."""
    told: list[str] = []
    start = threading.Barrier(6)

    def edit(number: int) -> None:
        start.wait()
        try:
            save(live, database, 0, CONSOLE | {"senders": [f"SCANNER{number}"]}, f"editor {number}", "mine")
        except Outdated as outdated:
            told.append(str(outdated))

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(told) == 5
    assert len(rows(database, Configuration)) == 1


def test_what_changes_nothing_or_has_no_reason_is_not_saved(live: Live, database: Database) -> None:
    """The history holds changes, each with a reason."""
    with pytest.raises(NotSaved, match="needs a reason"):
        save(live, database, 0, CONSOLE, "Ada", "  ")
    save(live, database, 0, CONSOLE, "Ada", "why")
    with pytest.raises(NotSaved, match="Nothing was changed"):
        save(live, database, 1, CONSOLE, "Ada", "again")


def test_a_destination_that_something_is_on_its_way_to_stays(live: Live, database: Database) -> None:
    """Removing it is refused while a delivery waits for it; changing its address is how one mends it."""
    save(live, database, 0, CONSOLE, "Ada", "why")
    _photograph(database, destination="research")

    with pytest.raises(NotSaved, match="'research' cannot be removed while 1 delivery to it waits"):
        save(live, database, 1, CONSOLE | {"destinations": [], "routes": []}, "Ada", "gone")

    moved = [CONSOLE["destinations"][0] | {"host": "10.0.0.7"}]
    assert save(live, database, 1, CONSOLE | {"destinations": moved}, "Ada", "moved").problems == ()


def test_what_would_be_left_behind_is_said(live: Live, database: Database) -> None:
    """Held photographs of a route and parked deliveries do not forbid its removal, but are counted."""
    save(live, database, 0, CONSOLE, "Ada", "why")
    _photograph(database)
    _photograph(database, destination="research", state=DeliveryState.PARKED)

    warnings = review(live, database, CONSOLE | {"destinations": [], "routes": []}).warnings

    assert any(warning.startswith("1 parked delivery to 'research'") for warning in warnings)
    assert any(warning.startswith("1 held photograph took the route 'scans'") for warning in warnings)


def test_what_is_seldom_meant_is_said(live: Live, database: Database) -> None:
    """Titles that look alike, routes that wait for strangers, and routes behind one that takes everything."""
    routes = [CONSOLE["routes"][0] | {"calling_aes": ["GHOST"]}]

    warnings = review(live, database, CONSOLE | {"senders": ["CAMFRA"], "routes": routes}).warnings

    assert "The AE titles 'CAMERA' and 'CAMFRA' are easily taken for one another." in warnings
    assert "The route 'scans' waits for 'GHOST', which may not send." in warnings
    assert "The route 'scans' is never reached: 'all' takes everything before it." in warnings


def test_the_history_shows_each_change_field_by_field(live: Live, database: Database) -> None:
    """Newest first, with what each version changed from the one before."""
    save(live, database, 0, CONSOLE, "Ada", "first")
    routes = [CONSOLE["routes"][0] | {"preserve": [], "views": ["EV19"]}]
    save(live, database, 1, CONSOLE | {"routes": routes, "senders": []}, "Bert", "second")

    with database.read() as session:
        newest, first = history(session)

    assert (newest.number, newest.person, newest.reason) == (2, "Bert", "second")
    assert [str(change) for change in newest.changes] == ["sender SCANNER removed", "route scans changed"]
    assert [(f.name, f.before, f.after) for f in newest.changes[1].fields] == [
        ("preserve", "mouth", ""),
        ("views", "", "EV19"),
    ]
    assert [str(change) for change in first.changes][-1] == "route scans added"


def test_another_order_of_routes_is_a_change(live: Live, database: Database) -> None:
    """Since the first route that matches decides, their order is part of the history."""
    two = [CONSOLE["routes"][0], CONSOLE["routes"][0] | {"name": "later"}]
    save(live, database, 0, CONSOLE | {"routes": two}, "Ada", "first")
    save(live, database, 1, CONSOLE | {"routes": two[::-1]}, "Ada", "turned")

    with database.read() as session:
        assert [str(change) for change in history(session)[0].changes] == ["routes reordered"]


def test_an_old_version_comes_back_as_a_new_one(live: Live, database: Database) -> None:
    """Restoring adds a version with the old content, on record like any change, and to nothing at all as well."""
    save(live, database, 0, CONSOLE, "Ada", "first")
    save(live, database, 1, CONSOLE | {"senders": []}, "Ada", "second")

    restore(live, database, 2, 1, "Bert", "back")
    assert "SCANNER" in live.current().listener.accepted_calling_aes

    restore(live, database, 3, 0, "Bert", "all of it")
    assert live.current() == live.file
    assert live.version == 4


def test_deliveries_without_a_destination_are_counted(live: Live, database: Database) -> None:
    """What waits for a destination that is configured nowhere can be seen."""
    _photograph(database, destination="research")

    with database.read() as session:
        assert stranded(session, live.current()) == {"research": 1}
