"""What counts of file and console, and who follows it: on SQLite and on PostgreSQL."""

import threading
from pathlib import Path
from typing import Any

import pytest

from service.configuration import Content, Live, merge
from service.configuring.changes import save
from service.couriers import Couriers, Rounds
from service.database import Database
from service.errors import ConfigurationError, Retry
from service.listener import Listener
from service.settings import Settings
from service.tables import Configuration
from tests.support import photographs
from tests.support.gateways import CALLING, Archive, open_gateway, rows, settings_for, store, wait_for

CONSOLE: dict[str, Any] = {
    "senders": ["SCANNER"],
    "destinations": [{"name": "research", "ae_title": "RESEARCH", "host": "127.0.0.1", "port": 104}],
    "routes": [{"name": "scans", "calling_aes": ["SCANNER"], "preserve": ["mouth"], "destinations": ["research"]}],
}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 2
        return self.now


def _save(live: Live, database: Database, base: int = 0, **changes: Any) -> None:
    save(live, database, base, CONSOLE | changes, "Ada", "a reason")


def test_the_file_stands_first_and_wins_by_name(tmp_path: Path) -> None:
    """Entries of the console follow those of the file, and one that has a name of the file's is left out."""
    file = settings_for(tmp_path)
    same = CONSOLE["destinations"][0] | {"name": "nowhere", "port": 105}
    content = Content.model_validate(CONSOLE | {"destinations": [same, *CONSOLE["destinations"]]})

    merged = merge(file, content)

    assert [route.name for route in merged.routes] == ["all", "scans"]
    assert [(d.name, d.port) for d in merged.destinations] == [
        ("nowhere", file.destinations[0].port),
        ("research", 104),
    ]
    assert merged.listener.accepted_calling_aes == {CALLING, "SCANNER"}


def test_what_does_not_fit_the_file_is_refused(tmp_path: Path) -> None:
    """A route of the console whose destination nobody defines is an error, never a route to somewhere else."""
    content = Content.model_validate(CONSOLE | {"destinations": []})

    with pytest.raises(ConfigurationError, match="names the destination 'research', which is not defined"):
        merge(settings_for(tmp_path), content)


def test_a_process_follows_what_another_one_saved(tmp_path: Path, database: Database) -> None:
    """A version that somebody else saves counts at the next look, and so does the one after it."""
    file = settings_for(tmp_path)
    follower, author = Live(file, database, Clock()), Live(file, database)
    assert follower.current() == file

    _save(author, database)
    assert follower.current().destination("research").port == 104

    _save(author, database, 1, senders=["SCANNER", "SCANNER2"])
    assert "SCANNER2" in follower.current().listener.accepted_calling_aes


def test_it_looks_once_a_second_however_often_it_is_asked(tmp_path: Path, database: Database) -> None:
    """Between two looks the settings in hand are given out without a query."""
    clock = Clock()
    live = Live(settings_for(tmp_path), database, lambda: clock.now)
    _save(Live(live.file, database), database)

    assert live.current() == live.file
    clock.now = 1.5
    assert live.current() != live.file


def test_the_last_good_settings_count_while_the_database_is_away(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that does not answer changes nothing, and is looked at again."""
    live = Live(settings_for(tmp_path), database, Clock())
    _save(live, database)
    good = live.current()

    def away() -> None:
        raise Retry("The database does not answer.")

    monkeypatch.setattr(database, "read", away)
    assert live.current() is good


def test_a_version_that_does_not_fit_leaves_the_file_alone(tmp_path: Path, database: Database) -> None:
    """Where the console's version cannot be used, the file counts by itself and the reason is at hand."""
    file = settings_for(tmp_path)
    with database.transaction() as session:
        session.add(Configuration(version=1, content=CONSOLE | {"destinations": []}, person="Ada", reason="why"))

    live = Live(file, database)

    assert live.current() == file
    assert "which is not defined" in str(live.problem)


def test_a_new_sender_may_send_without_a_restart(tmp_path: Path, database_url: str) -> None:
    """The listener refuses a stranger, and accepts it as soon as the console allows it."""
    gateway = open_gateway(settings_for(tmp_path, database_url=database_url))
    listener = Listener(gateway, lambda: None)
    listener.start()
    ds = photographs.photograph(photographs.teeth(), photographs.INTRAORAL)
    try:
        assert store(gateway.settings, ds, calling="SCANNER") == []
        _save(gateway.live, gateway.database)
        assert store(gateway.settings, ds, calling="SCANNER") == [0x0000]
        assert store(gateway.settings, ds, calling="STRANGER") == []
    finally:
        listener.stop()
        gateway.close()


def test_couriers_come_and_go_with_the_destinations(tmp_path: Path, database: Database) -> None:
    """A new destination gets a courier, a changed one another, and one that is gone none."""
    live = Live(settings_for(tmp_path), database)
    couriers = Couriers(live, database)
    assert couriers.named("research") is None

    _save(live, database)
    first = couriers.named("research")
    assert first is not None
    assert couriers.named("research") is first

    moved = [CONSOLE["destinations"][0] | {"port": 105}]
    _save(live, database, 1, destinations=moved)
    assert couriers.named("research") not in (None, first)

    _save(live, database, 2, destinations=[], routes=[])
    assert couriers.named("research") is None


def test_rounds_begin_and_end_with_the_destinations(tmp_path: Path, database: Database) -> None:
    """The embedded sender has a thread for each destination of the day, and none when told to end."""
    live = Live(settings_for(tmp_path, Archive()), database)
    walking: list[threading.Event] = []

    def repeat(stop: threading.Event, step: Any) -> None:
        walking.append(stop)
        stop.wait()
        walking.remove(stop)

    rounds = Rounds(Couriers(live, database), repeat)
    rounds.follow()
    wait_for(lambda: len(walking) == 1)

    _save(live, database)
    rounds.follow()
    wait_for(lambda: len(walking) == 2)

    _save(live, database, 1, destinations=[], routes=[])
    rounds.follow()
    wait_for(lambda: len(walking) == 1)

    rounds.end()
    assert walking == []


def test_versions_are_only_ever_added(tmp_path: Path, database: Database) -> None:
    """Each change leaves the version before it as it was."""
    live = Live(settings_for(tmp_path), database)
    _save(live, database)
    _save(live, database, 1, senders=[])

    kept: list[Configuration] = sorted(rows(database, Configuration), key=lambda row: row.version)
    assert [row.content["senders"] for row in kept] == [["SCANNER"], []]
    assert isinstance(live.current(), Settings)
