"""Audit messages on their way to repositories: a real rsyslog over mutual TLS, and servers that misbehave."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select, update

from service.audit import Action, record, seal
from service.database import Database
from service.errors import LeaseLost, Retry
from service.messages import transmissions, transport
from service.messages.reporter import Reporter
from service.secrets import Keys
from service.settings import AuditRepository, Settings
from service.tables import AuditCheckpoint, AuditEntry, AuditTransmission, utc_now
from tests.support import repositories
from tests.support.auditschema import parse
from tests.support.certificates import Authority, Pair
from tests.support.gateways import settings_for
from tests.support.repositories import Manner, badly_behaved, repository
from tests.support.rsyslog import Rsyslog

KEYS = Keys(b"k" * 32)

Write = Callable[..., None]


@pytest.fixture(scope="module", name="authority")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module", name="server")
def _server(authority: Authority) -> Pair:
    return authority.issue("repository", "localhost", "127.0.0.1")


@pytest.fixture(scope="module", name="client")
def _client(authority: Authority) -> Pair:
    return authority.issue("gateway")


@pytest.fixture(name="rsyslog")
def _rsyslog(tmp_path: Path, authority: Authority, server: Pair) -> Iterator[Rsyslog]:
    with Rsyslog(tmp_path / "rsyslog", authority.certificate, server) as running:
        yield running


@pytest.fixture(name="opened")
def _opened(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture(name="write")
def _write(opened: Database, tmp_path: Path) -> Write:
    """Record deliveries and seal them as one batch."""
    return partial(_sealed, opened, tmp_path)


def _sealed(database: Database, folder: Path, count: int, **details: object) -> None:
    with database.transaction() as session:
        for number in range(count):
            record(session, Action.DELIVERY_SENT, actor="sender", details={"count": number, **details})
    seal(database, KEYS, folder / "checkpoints.jsonl")


def reporter(database: Database, to: AuditRepository, folder: Path, **options: int) -> Reporter:
    settings: Settings = settings_for(folder)
    return Reporter(lambda: settings, database, to, **options)


def row(database: Database) -> AuditTransmission:
    with database.read() as session:
        return session.scalars(select(AuditTransmission)).one()


def no_more_pause(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(AuditTransmission).values(lease_until=None))


def actions(database: Database) -> list[str]:
    with database.read() as session:
        query = select(AuditEntry.action).where(AuditEntry.action.like("repository.%"))
        return list(session.scalars(query.order_by(AuditEntry.occurred_at)))


def entry_ids(messages: list[str]) -> list[str]:
    """Which entries valid audit messages tell of, in order."""
    roots = [parse(text.partition("\ufeff")[2].encode()) for text in messages if "IHE+RFC-3881" in text]
    return [root[-1].get("ParticipantObjectID").rpartition("/")[2] for root in roots]


@pytest.mark.integration
@pytest.mark.needs("rsyslog")
def test_everything_arrives_in_order_and_whole(
    opened: Database, write: Write, rsyslog: Rsyslog, authority: Authority, client: Pair, tmp_path: Path
) -> None:
    """Every entry arrives once, valid and in order, the largest unshortened, and each checkpoint after its batch."""
    write(120)
    write(1, distances=[number / 7 for number in range(4000)])
    to = reporter(opened, repository(rsyslog.port, authority, client), tmp_path, batch=50)

    covered = [to.send_due() for _ in range(4)]
    messages = rsyslog.wait_for(123)

    assert covered == [50, 50, 21, 0]
    with opened.read() as session:
        expected = list(session.scalars(select(AuditEntry.id).order_by(AuditEntry.occurred_at, AuditEntry.id)))
        signatures = list(session.scalars(select(AuditCheckpoint.signature).order_by(AuditCheckpoint.batch)))
    assert entry_ids(messages) == expected
    assert max(map(len, messages)) > 50_000
    assert ["VERAGATE-CHECKPOINT" in text for text in messages] == [False] * 120 + [True, False, True]
    assert signatures[0] in messages[120]
    assert row(opened).position == 121


@pytest.mark.integration
@pytest.mark.needs("rsyslog")
def test_a_repository_that_was_down_gets_the_rest_from_where_it_stood(
    opened: Database, write: Write, rsyslog: Rsyslog, authority: Authority, client: Pair, tmp_path: Path
) -> None:
    """While it is down nothing is lost and the failure is on record once; afterwards exactly what it missed comes."""
    write(3)
    to = reporter(opened, repository(rsyslog.port, authority, client, checkpoints=False), tmp_path)
    assert to.send_due() == 3
    rsyslog.wait_for(3)
    rsyslog.stop()

    write(4)
    for _ in range(3):
        assert to.send_due() == 0
        no_more_pause(opened)
    assert row(opened).position == 3
    assert "refuses connections" in str(row(opened).last_error)

    rsyslog.start()
    assert to.send_due() == 4
    write(1)  # and what was recorded about it
    assert to.send_due() == 3
    assert len(set(entry_ids(rsyslog.wait_for(8)))) == len(rsyslog.messages()) == 8
    assert actions(opened) == [Action.REPOSITORY_UNREACHABLE, Action.REPOSITORY_REACHABLE]
    assert (row(opened).failing_since, row(opened).last_error) == (None, None)


@pytest.mark.integration
@pytest.mark.needs("rsyslog")
def test_a_gateway_with_a_strange_certificate_is_refused(
    opened: Database, write: Write, rsyslog: Rsyslog, authority: Authority, tmp_path: Path
) -> None:
    """A repository that does not accept our certificate gets nothing, and what waits goes on waiting."""
    stranger = Authority(tmp_path / "elsewhere", "elsewhere").issue("gateway")
    write(2)

    assert reporter(opened, repository(rsyslog.port, authority, stranger), tmp_path).send_due() == 0
    assert row(opened).position == 0
    assert "may not accept our certificate" in str(row(opened).last_error)
    rsyslog.stop()
    assert rsyslog.messages() == []


@pytest.mark.parametrize(
    ("manner", "sentence"),
    [
        (repositories.talks_http, "does not speak TLS"),
        (repositories.hangs, "does not answer in time"),
        (repositories.never_ends, "does not answer in time"),
        (repositories.reads_a_little, "ended the connection before it had read everything"),
        (repositories.closes_after_the_handshake, "ended the connection before it had read everything"),
        (repositories.answers_garbage, "does not speak TLS as agreed"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_server_that_misbehaves_has_received_nothing(
    authority: Authority, server: Pair, client: Pair, manner: Manner, sentence: str
) -> None:
    """A server that talks garbage, hangs, or ends early is named with what it did, and counts as not reached."""
    frames = [b"5 hello"] * 2000
    with (
        badly_behaved(manner, server) as port,
        pytest.raises(Retry, match=rf"repository hospital at 127.0.0.1:{port} .*{sentence}"),
    ):
        transport.send(repository(port, authority, client), frames, seconds=0.5)


def test_a_server_with_a_wrong_certificate_is_not_spoken_to(authority: Authority, client: Pair, tmp_path: Path) -> None:
    """A name that is not in the certificate, another authority, and an ended certificate: each is said."""
    others = Authority(tmp_path / "others", "others")
    cases = [
        (authority.issue("elsewhere", "elsewhere.example"), "address mismatch"),
        (others.issue("repository", "127.0.0.1"), "unable to get local issuer certificate"),
        (authority.issue("old", "127.0.0.1", days=-1), "certificate has expired"),
    ]
    for pair, sentence in cases:
        with badly_behaved(repositories.hangs_up_politely, pair) as port, pytest.raises(Retry, match=sentence):
            transport.send(repository(port, authority, client), [b"5 hello"], seconds=5)


def test_the_name_in_the_certificate_can_be_said(authority: Authority, client: Pair) -> None:
    """Where the repository's certificate has another name than the host, `server_name` names it."""
    pair = authority.issue("syslog", "syslog.hospital.example")
    with badly_behaved(repositories.hangs_up_politely, pair) as port:
        transport.send(repository(port, authority, client, server_name="syslog.hospital.example"), [b"5 hello"])
        assert "not accepted" in str(transport.check(repository(port, authority, client)))


def test_missing_files_and_hosts_are_said(authority: Authority, client: Pair) -> None:
    """A certificate that is not there, or a host that nobody knows, is a sentence and no traceback."""
    lost = repository(1, authority, client, certificate=Path("/nowhere.pem"))
    assert "files of its settings" in str(transport.check(lost))
    assert "nobody knows" in str(transport.check(repository(1, authority, client, host="nowhere.invalid")))


def test_two_processes_never_both_send(database: Database, tmp_path: Path) -> None:
    """A turn excludes others until it is given back; one whose lease ran out can move nothing any more."""
    _sealed(database, tmp_path, 3)
    now = utc_now()
    first = transmissions.take(database, "hospital", now)
    assert first is not None
    assert transmissions.take(database, "hospital", now) is None

    second = transmissions.take(database, "hospital", now + transmissions.LEASE)
    assert second is not None
    with pytest.raises(LeaseLost):
        transmissions.succeed(database, first, 3, spoken=True)
    transmissions.succeed(database, second, 3, spoken=True)
    assert transmissions.take(database, "hospital", now + transmissions.LEASE) is None


def test_the_pause_grows_with_the_failure(database: Database, tmp_path: Path) -> None:
    """A repository is tried again after seconds first, and never less often than once a minute."""
    _sealed(database, tmp_path, 1)
    start, waited, pauses = utc_now(), timedelta(0), []
    for _ in range(8):
        turn = transmissions.take(database, "hospital", start + waited)
        assert turn is not None
        pause = transmissions.fail(database, turn, "down", start + waited)
        assert transmissions.take(database, "hospital", start + waited + pause / 2) is None
        pauses.append(pause)
        waited += pause

    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (transmissions.SHORTEST_PAUSE, transmissions.LONGEST_PAUSE)
    assert actions(database) == [Action.REPOSITORY_UNREACHABLE]


def test_entries_that_stay_here_move_the_position_without_a_connection(
    opened: Database, authority: Authority, client: Pair, tmp_path: Path
) -> None:
    """What no message tells of is passed over, even while the repository is down."""
    with opened.transaction() as session:
        record(session, Action.IDENTITY_CREATED, actor="worker")
    seal(opened, KEYS, tmp_path / "checkpoints.jsonl")

    to = reporter(opened, repository(1, authority, client, checkpoints=False), tmp_path)
    assert (to.send_due(), to.send_due()) == (1, 0)
    assert (row(opened).position, row(opened).sent_at) == (1, None)
