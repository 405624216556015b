"""The audit at ten million entries: how long an auditor waits for a page, and how fast and flat an export streams.

Each kind of question is asked many times with other values; p50 and p95 stand beside a look-up by primary key in the
same run. The database's pages are mostly cached, as on a server that has the memory for its indexes.
"""

import hashlib
import random
import resource
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

import psycopg
from sqlalchemy import select
from sqlalchemy.orm import Session

from benchmarks.figure import Figure
from benchmarks.ledger import ARCHIVES, CAMERAS, EACH, PEOPLE, SERVER, START, ledger
from service import audit
from service.exporting import export
from service.gateway import Gateway
from service.inquiries import Inquiry, search
from service.sealing import seal, verifier
from service.settings import Settings
from service.tables import AuditEntry
from service.verify_export import check

ENTRIES = 10_000_000
EXPORTED = 1_000_000
ROUNDS = 60
_RANDOM = random.Random(1)


def measure(entries: int = ENTRIES) -> Iterator[Figure]:
    try:
        psycopg.connect(SERVER + "postgres").close()
    except psycopg.OperationalError:
        yield Figure("audit queries (need PostgreSQL)", "ms")
        return
    with TemporaryDirectory(prefix="veragate-bench-") as folder:
        began = time.perf_counter()
        with ledger(entries, Path(folder)) as gateway:
            yield Figure(f"an audit of {entries} entries built", "s", time.perf_counter() - began)
            yield from _queries(gateway, entries // EACH)
            yield from _sealing(gateway)
            yield from _export(gateway.settings, min(EXPORTED, entries // 2))


def _queries(gateway: Gateway, photographs: int) -> Iterator[Figure]:
    peer = _times(gateway, lambda session, number: _by_key(session, number))
    yield _figure("peer: one entry by primary key", peer)
    every: list[float] = []
    for name, ask in _kinds(photographs).items():
        seconds = _times(gateway, lambda session, _, ask=ask: _page(session, ask()))
        every += seconds
        yield _figure(f"a page of 50 by {name}", seconds)
    middle = START + timedelta(seconds=16 * photographs // 2)
    deep = _times(gateway, lambda session, _: _second_page(session, Inquiry(actor="sender", until=middle)))
    yield _figure("two pages in the middle of a person's entries", deep)
    yield _figure("all pages of 50", every)
    yield Figure("p95 of all pages, ratio to the peer's", "x", _p95(every) / _p95(peer))


def _kinds(photographs: int) -> dict[str, Callable[[], Inquiry]]:
    """Each kind of question with values drawn anew; those named (never) have no answer, which is the hardest."""

    def any_photograph() -> int:
        return _RANDOM.randrange(photographs)

    def any_time() -> dict[str, object]:
        since = START + timedelta(seconds=16 * any_photograph())
        return {"since": since, "until": since + timedelta(hours=1)}

    camera = lambda: f"CAMERA{_RANDOM.randrange(CAMERAS)}"  # noqa: E731
    archive = lambda: f"ARCHIVE{_RANDOM.randrange(ARCHIVES)}"  # noqa: E731
    person = lambda: f"person{_RANDOM.randrange(PEOPLE)}"  # noqa: E731
    return {
        "nothing": lambda: Inquiry(),
        "an hour": lambda: Inquiry(**any_time()),
        "patient": lambda: Inquiry(patient=f"PATIENT{any_photograph() // 20}"),
        "study": lambda: Inquiry(study=f"1.2.4.{any_photograph() // 10}"),
        "study as sent": lambda: Inquiry(study=f"2.25.4{any_photograph() // 10}"),
        "SOP instance": lambda: Inquiry(sop_instance=f"1.2.3.{any_photograph()}"),
        "SOP instance as sent": lambda: Inquiry(sop_instance=f"2.25.3{any_photograph()}"),
        "patient and action": lambda: Inquiry(patient=f"PATIENT{any_photograph() // 20}", action="delivery.sent"),
        "process": lambda: Inquiry(actor="sender"),
        "person": lambda: Inquiry(actor=person()),
        "person and hour": lambda: Inquiry(actor=person(), **any_time()),
        "person and action (never)": lambda: Inquiry(actor="sender", action="photograph.received"),
        "action": lambda: Inquiry(action="photograph.released"),
        "outcome": lambda: Inquiry(outcome="failure"),
        "action and outcome (never)": lambda: Inquiry(action="delivery.sent", outcome="failure"),
        "AE title": lambda: Inquiry(ae=_RANDOM.choice([camera, archive, lambda: "VERAGATE"])()),
        "AE title and action": lambda: Inquiry(ae=archive(), action="delivery.retried"),
        "AE title and person (never)": lambda: Inquiry(ae="VERAGATE", actor="sender"),
        "AE title, outcome and hour": lambda: Inquiry(ae=archive(), outcome="failure", **any_time()),
    }


def _times(gateway: Gateway, ask: Callable[[Session, int], object]) -> list[float]:
    seconds = []
    for number in range(ROUNDS):
        began = time.perf_counter()
        with gateway.database.read() as session:
            ask(session, number)
        seconds.append(time.perf_counter() - began)
    return seconds


def _by_key(session: Session, number: int) -> None:
    session.scalars(select(AuditEntry).where(AuditEntry.id == hashlib.md5(b"e%d.0" % (number * 97)).hexdigest())).one()


def _page(session: Session, inquiry: Inquiry) -> None:
    search(session, inquiry)


def _second_page(session: Session, inquiry: Inquiry) -> None:
    search(session, inquiry, search(session, inquiry).after)


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


def _figure(what: str, seconds: list[float]) -> Figure:
    """p50, and as the range p50 to p95, in milliseconds."""
    p50 = 1000 * quantiles(seconds, n=2)[0]
    return Figure(f"{what} (p50, to p95)", "ms", p50, p50, 1000 * _p95(seconds))


def _sealing(gateway: Gateway) -> Iterator[Figure]:
    seal(gateway.database, gateway.keys, gateway.settings.checkpoints)  # writes the whole checkpoint file
    seconds = []
    for _ in range(10):
        with gateway.database.transaction() as session:
            audit.record(session, audit.Action.DELIVERY_SENT, actor="sender")
        began = time.perf_counter()
        seal(gateway.database, gateway.keys, gateway.settings.checkpoints)
        seconds.append(1000 * (time.perf_counter() - began))
    yield Figure.of("one entry sealed at the end of it", "ms", seconds)


def _export(settings: Settings, entries: int) -> Iterator[Figure]:
    for form in ("jsonl", "csv", "html"):
        with get_context("spawn").Pool(1) as pool:
            made, checked, grown = pool.apply(_export_once, (settings, form, entries))
        yield Figure(f"{entries} entries exported as {form}", "entries/s", entries / made)
        yield Figure(f"the same file checked ({form})", "entries/s", entries / checked)
        yield Figure(f"memory that export and check together grew by ({form})", "MB", grown)


def _export_once(settings: Settings, form: str, entries: int) -> tuple[float, float, float]:
    """Seconds to export, seconds to check, megabytes of growth between a small export and this one."""
    gateway = Gateway.open(settings)
    per_photograph = timedelta(seconds=16)
    file = settings.data_folder / "export"

    def once(count: int) -> tuple[float, float]:
        inquiry = Inquiry(since=START + per_photograph, until=START + (count // EACH + 1) * per_photograph)
        began = time.perf_counter()
        with file.open("wb") as out:
            for block in export(gateway, inquiry, "bench", form):
                out.write(block)
        made = time.perf_counter()
        with file.open("rb") as written:
            found = check(written, make_verify=verifier).entries
        if found != count:
            raise RuntimeError(f"{found} entries were exported and not {count}")
        return made - began, time.perf_counter() - made

    once(EACH * 2000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    made, checked = once(entries)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    file.unlink()
    return made, checked, grown
