"""One patient, one identity (invariant I3), and what a stolen database is worth."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from threading import Thread

import numpy as np
import pytest
from sqlalchemy import func, select, update

from service.database import Database
from service.errors import Retry, VeraGateError
from service.identities import Identities, Latent
from service.pseudonyms import Pseudonyms, find_or_create_patient
from service.secrets import Keys
from service.tables import AuditPending, Identity, Patient

KEYS = Keys(b"k" * 32)
PROCESSES, THREADS = 8, 8
GENERATOR = "linear-prior-1"


def some_latent() -> Latent:
    return np.frombuffer(secrets.token_bytes(1024), np.uint8).astype(np.float32)


def never() -> Latent:
    raise AssertionError("no second proposal is asked for")


def new_patient(database: Database, patient_id: str = "patient-1") -> Patient:
    with database.transaction() as session:
        return find_or_create_patient(session, Pseudonyms(KEYS, "ortho"), patient_id, "clinic")


def meet_patient(database: Database, barrier: Barrier) -> tuple[str, bytes]:
    """What a worker does with a photograph of a patient whom nobody has seen; a busy database is tried again."""
    barrier.wait(60)
    while True:
        try:
            patient = new_patient(database)
            made = lambda session: session.add(AuditPending(entry_id=secrets.token_hex(16)))  # noqa: E731
            latent = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent, made)
            return patient.id, latent.tobytes()
        except Retry:
            continue


def run_workers(url: str, barrier: Barrier, results: "Queue[tuple[str, bytes]]") -> None:
    database = Database(url)
    with ThreadPoolExecutor(THREADS) as pool:
        for future in [pool.submit(meet_patient, database, barrier) for _ in range(THREADS)]:
            results.put(future.result())
    database.close()


def test_64_workers_make_one_patient_and_one_identity(database_url: str) -> None:
    """Of 64 workers in 8 processes that meet a new patient at once, all get the same row and the same face."""
    context = get_context("spawn")
    barrier, results = context.Barrier(PROCESSES * THREADS), context.Queue()
    workers = [context.Process(target=run_workers, args=(database_url, barrier, results)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    answers = {results.get(timeout=120) for _ in range(PROCESSES * THREADS)}
    for worker in workers:
        worker.join()
    assert len(answers) == 1
    database = Database(database_url)
    with database.read() as session:
        counts = [
            session.scalar(select(func.count()).select_from(table)) for table in (Patient, Identity, AuditPending)
        ]
    assert counts == [1, 1, 1]
    database.close()


def test_an_identity_lasts(database: Database) -> None:
    """Later visits get the stored latent bit for bit, and nothing is drawn again."""
    patient, latent = new_patient(database), some_latent()
    first = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, lambda: latent)
    again = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, never)
    assert first.dtype == again.dtype == np.float32
    assert latent.tobytes() == first.tobytes() == again.tobytes()


def test_patients_and_generators_have_their_own(database: Database) -> None:
    """Another patient, or the same one under another generator, gets an identity of its own."""
    one, other = new_patient(database), new_patient(database, "patient-2")
    identities = Identities(KEYS)
    latents = [
        identities.get_or_create(database, patient.id, generator, some_latent).tobytes()
        for patient, generator in ((one, "a"), (one, "b"), (other, "a"))
    ]
    assert len(set(latents)) == 3
    with database.read() as session:
        assert identities.get(session, other.id, "b") is None


def settle(database: Database, patient: Patient, latent: Latent) -> bool:
    with database.transaction() as session:
        return Identities(KEYS).settle(session, patient.id, GENERATOR, latent)


def choose_again(database: Database, patient: Patient, failed: Latent, propose: Callable[[], Latent]) -> bool:
    """As a worker does; each change leaves an entry."""
    made = lambda session: session.add(AuditPending(entry_id=secrets.token_hex(16)))  # noqa: E731
    return Identities(KEYS).choose_again(database, patient.id, GENERATOR, failed, propose, made)


def stored(database: Database, patient: Patient) -> bytes:
    with database.read() as session:
        latent = Identities(KEYS).get(session, patient.id, GENERATOR)
    assert latent is not None
    return latent.tobytes()


def changes(database: Database) -> int | None:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(AuditPending))


def test_what_nobody_has_seen_is_chosen_again_twice_at_most(database: Database) -> None:
    """An identity that failed makes room for another, which is then the stored one; the third one stays."""
    patient = new_patient(database)
    latents = [
        Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent),
        some_latent(),
        some_latent(),
    ]

    assert choose_again(database, patient, latents[0], lambda: latents[1])
    assert stored(database, patient) == latents[1].tobytes()
    assert choose_again(database, patient, latents[1], lambda: latents[2])
    assert not choose_again(database, patient, latents[2], never)

    assert stored(database, patient) == latents[2].tobytes()
    assert changes(database) == 2


def test_a_settled_identity_stays(database: Database) -> None:
    """Once something that may leave shows it, no photograph has it chosen again, and nothing is drawn for that."""
    patient = new_patient(database)
    latent = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent)

    assert settle(database, patient, latent)
    assert settle(database, patient, latent)
    assert not choose_again(database, patient, latent, never)

    assert stored(database, patient) == latent.tobytes()


def test_only_the_stored_identity_can_be_settled(database: Database) -> None:
    """An object that shows the identity before this one does not get out."""
    patient = new_patient(database)
    before = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent)
    assert choose_again(database, patient, before, some_latent)

    assert not settle(database, patient, before)
    assert choose_again(database, patient, np.frombuffer(stored(database, patient), np.float32), some_latent)


def test_of_two_that_choose_again_one_decides(database: Database) -> None:
    """Of two workers whom one identity failed the second learns that there is another one, and changes nothing."""
    patient, first = new_patient(database), some_latent()
    failed = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent)

    def overtaken() -> Latent:
        assert choose_again(database, patient, failed, lambda: first)
        return some_latent()

    assert choose_again(database, patient, failed, overtaken)
    assert choose_again(database, patient, failed, never)

    assert stored(database, patient) == first.tobytes()
    assert changes(database) == 1


def test_a_release_while_another_identity_is_drawn_wins(database: Database) -> None:
    """What was settled between the failure and the change is not replaced."""
    patient = new_patient(database)
    latent = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent)

    def released() -> Latent:
        assert settle(database, patient, latent)
        return some_latent()

    assert not choose_again(database, patient, latent, released)
    assert stored(database, patient) == latent.tobytes()
    assert changes(database) == 0


@pytest.mark.parametrize("release_first", [True, False])
def test_a_release_and_a_change_that_overlap_wait_for_each_other(database: Database, release_first: bool) -> None:
    """Whichever transaction touches the identity first is followed: never both a release of the old and a new one."""
    patient, other = new_patient(database), some_latent()
    latent = Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent)
    answers: dict[str, bool] = {}

    def release() -> None:
        answers["released"] = settle(database, patient, latent)

    def change() -> None:
        answers["changed"] = choose_again(database, patient, latent, lambda: other)

    late = Thread(target=change if release_first else release)

    def meet(_: object) -> None:
        late.start()
        late.join(1)
        assert late.is_alive()

    if release_first:
        with database.transaction() as session:
            answers["released"] = Identities(KEYS).settle(session, patient.id, GENERATOR, latent)
            session.flush()
            meet(session)
    else:
        answers["changed"] = Identities(KEYS).choose_again(database, patient.id, GENERATOR, latent, lambda: other, meet)
    late.join()

    assert answers == {"released": release_first, "changed": not release_first}
    assert stored(database, patient) == (latent if release_first else other).tobytes()


def test_a_failed_transaction_leaves_no_identity(database: Database) -> None:
    """When the entry that goes with a new identity cannot be written, there is no identity either."""
    patient = new_patient(database)

    def fails(_: object) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent, fails)
    with database.read() as session:
        assert Identities(KEYS).get(session, patient.id, GENERATOR) is None


def test_the_database_alone_shows_no_identity(database: Database) -> None:
    """The stored bytes do not contain the latent, and sealing the same latent twice gives different bytes."""
    one, other, latent = new_patient(database), new_patient(database, "patient-2"), some_latent()
    for patient in (one, other):
        Identities(KEYS).get_or_create(database, patient.id, GENERATOR, lambda: latent)
    with database.read() as session:
        first, second = session.scalars(select(Identity.sealed_latent)).all()
    assert latent.tobytes()[:64] not in first
    assert first[12:] != second[12:]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]), id="one bit changed"),
        pytest.param(lambda sealed: sealed[:20], id="cut off"),
        pytest.param(lambda _: b"", id="emptied"),
        pytest.param(lambda sealed: b"x" * 12 + sealed[12:], id="other nonce"),
    ],
)
def test_an_altered_identity_does_not_open(database: Database, damage: Callable[[bytes], bytes]) -> None:
    """A changed, shortened or emptied row is an error and never another face."""
    patient = new_patient(database)
    Identities(KEYS).get_or_create(database, patient.id, GENERATOR, some_latent)
    with database.transaction() as session:
        sealed = session.scalars(select(Identity.sealed_latent)).one()
        session.execute(update(Identity).values(sealed_latent=damage(sealed)))
    with database.read() as session, pytest.raises(VeraGateError, match="altered"):
        Identities(KEYS).get(session, patient.id, GENERATOR)


def test_an_identity_does_not_open_for_another_patient(database: Database) -> None:
    """A row that was moved to another patient, or read under another secret, is an error."""
    one, other = new_patient(database), new_patient(database, "patient-2")
    Identities(KEYS).get_or_create(database, one.id, GENERATOR, some_latent)
    with database.read() as session, pytest.raises(VeraGateError, match="secret"):
        Identities(Keys(b"l" * 32)).get(session, one.id, GENERATOR)
    with database.transaction() as session:
        session.execute(update(Identity).values(patient_id=other.id))
    with database.read() as session, pytest.raises(VeraGateError, match="altered"):
        Identities(KEYS).get(session, other.id, GENERATOR)


@pytest.mark.parametrize("latent", [np.zeros((2, 2)), np.array([np.nan]), np.array([np.inf]), np.zeros(0)])
def test_only_rows_of_finite_numbers_are_identities(database: Database, latent: Latent) -> None:
    """A proposal that is no row of finite numbers is refused before it is stored."""
    patient = new_patient(database)
    with pytest.raises(ValueError, match="finite"):
        Identities(KEYS).get_or_create(database, patient.id, GENERATOR, lambda: latent)
