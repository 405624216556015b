"""A sealed audit of any size on PostgreSQL: a clinic's year, written by COPY in minutes.

For every photograph five entries: received from one of 40 cameras, de-identified, sent to one of 4 archives,
forwarded, and one of what happens now and then. Leaves, roots, chain and signatures are those of the gateway.
"""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from uuid import uuid4

import psycopg

from service.checkpoints import fields
from service.gateway import Gateway
from service.merkle import Tree, leaf_hash
from service.schema import migrate
from service.sealing import GENESIS, chain_hash, leaf_mac, signed_bytes, signing_key
from service.secrets import Label
from service.settings import parse_settings
from service.tables import AuditCheckpoint

SERVER = "postgresql://postgres@127.0.0.1:5432/"
START = datetime(2025, 1, 1, tzinfo=UTC)
EACH = 5  # entries for a photograph
BATCH = 128
CAMERAS, ARCHIVES, PEOPLE = 40, 4, 30
_RARE = (
    ("photograph.viewed", "success", "person{}", "{{}}"),
    ("delivery.retried", "failure", "sender", '{{"destination":"ARCHIVE{}","reason":"no answer"}}'),
    ("photograph.quarantined", "refused", "worker", '{{"cause":"no_face_found"}}'),
    ("photograph.released", "success", "person{}", '{{"reason":"looked at"}}'),
)
_INDEXES = """
SELECT 'DROP INDEX ' || indexname, indexdef FROM pg_indexes
WHERE tablename IN ('audit_entries', 'audit_leaves', 'photographs') AND indexname ~ '^ix'
UNION ALL
SELECT format('ALTER TABLE %s DROP CONSTRAINT %s', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid))
FROM pg_constraint WHERE conrelid IN ('audit_entries'::regclass, 'audit_leaves'::regclass) AND contype IN ('p', 'u')
"""
_PATIENTS = """
INSERT INTO patients (id, key, pseudonym, date_offset_days, created_at)
SELECT md5('patient' || n), 'k' || n, 'PATIENT' || n, -1, now() FROM generate_series(0, {patients} - 1) n
"""
_PHOTOGRAPHS = """
INSERT INTO photographs (id, state, sop_class_uid, sop_instance_uid, transfer_syntax_uid, study_instance_uid,
    study_alias, patient_id, view, calling_ae, called_ae, peer, route, blob, digest, size, received_at, changed_at,
    attempts, not_before)
SELECT md5('p' || n), 'FORWARDED', '1.2.840.10008.5.1.4.1.1.77.1.4', '1.2.3.' || n, '1.2.840.10008.1.2.4.50',
    '1.2.4.' || n / 10, '2.25.4' || n / 10, md5('patient' || n / 20), 'EV01', 'CAMERA' || n % {cameras}, 'VERAGATE',
    '10.0.0.1', 'all', md5('b' || n), md5('d' || n), 1000000, '2025-01-01'::timestamptz + n * interval '16 s',
    '2025-01-01'::timestamptz + n * interval '16 s', 1, '2025-01-01'::timestamptz
FROM generate_series(0, {photographs} - 1) n;
INSERT INTO releases (id, sop_instance_uid, released_by, released_at, photograph_id, blob, digest, size,
    sop_class_uid, transfer_syntax_uid, profile, model_version, report)
SELECT md5('r' || n), '2.25.3' || n, 'gates', '2025-01-01'::timestamptz, md5('p' || n), 'b', 'd', 1, '1', '1', 'p',
    'm', '{{}}' FROM generate_series(0, {photographs} - 1) n;
"""


@contextmanager
def ledger(entries: int, folder: Path) -> Iterator[Gateway]:
    """A gateway on a database of its own, dropped at the end."""
    name = f"veragate_bench_{uuid4().hex}"
    with psycopg.connect(SERVER + "postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            migrate(SERVER + name)
            gateway = Gateway.open(parse_settings({"data_folder": str(folder), "database_url": SERVER + name}))
            _fill(gateway, SERVER + name, entries // EACH)
            yield gateway
            gateway.close()
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def _fill(gateway: Gateway, url: str, photographs: int) -> None:
    """Tables first and their indexes after, which is many times as fast."""
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(_INDEXES).fetchall()
        for drop, _ in indexes:
            connection.execute(drop.encode())
        connection.execute(_PATIENTS.format(patients=photographs // 20 + 1).encode())
        with ThreadPoolExecutor(1) as pool:
            rows = pool.submit(_execute, url, _PHOTOGRAPHS.format(photographs=photographs, cameras=CAMERAS))
            _copy(gateway, url, photographs)
            rows.result()
        connection.execute("SET maintenance_work_mem = '1GB'")
        for _, make in indexes:
            connection.execute(make.encode())
        connection.execute("VACUUM ANALYZE")


def _execute(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def _copy(gateway: Gateway, url: str, photographs: int) -> None:
    """Entries, leaves and checkpoints, batch by batch, over a connection each."""
    key, signer = gateway.keys.derive(Label.AUDIT_LEAF), signing_key(gateway.keys)
    tables = ("audit_entries", "audit_leaves", "audit_checkpoints")
    position, chain = 0, GENESIS
    with (
        psycopg.connect(url) as first,
        psycopg.connect(url) as second,
        psycopg.connect(url) as third,
        first.cursor().copy(f"COPY {tables[0]} FROM STDIN".encode()) as entries,
        second.cursor().copy(f"COPY {tables[1]} FROM STDIN".encode()) as leaves,
        third.cursor().copy(f"COPY {tables[2]} FROM STDIN".encode()) as checkpoints,
    ):
        stream, number = _entries(photographs), -1
        while batch := list(islice(stream, BATCH)):
            number += 1
            hashes = [leaf_hash(data) for _, _, data in batch]
            entries.write("".join(row for _, row, _ in batch))
            leaves.write(
                "".join(
                    f"{at}\t{entry_id}\t{leaf.hex()}\t{leaf_mac(key, at, number, leaf)}\t{number}\n"
                    for at, ((entry_id, _, _), leaf) in enumerate(zip(batch, hashes, strict=True), start=position)
                )
            )
            root = Tree(hashes).root.hex()
            chain = chain_hash(chain, number, position, position + len(batch), root)
            sealed = AuditCheckpoint(
                batch=number, first_position=position, size=position + len(batch), root=root, chain=chain,
                sealed_at=START + timedelta(seconds=position),
            )  # fmt: skip
            sealed.signature = signer.sign(signed_bytes(sealed)).hex()
            values = fields(sealed) | {"signature": sealed.signature}
            order = ("batch", "first_position", "size", "root", "chain", "signature", "sealed_at")
            checkpoints.write("\t".join(str(values[name]) for name in order) + "\n")
            position += len(batch)


def _entries(photographs: int) -> Iterator[tuple[str, str, bytes]]:
    """(id, line for COPY, canonical JSON) of each entry, in the order of time."""
    for number in range(photographs):
        photograph = hashlib.md5(b"p%d" % number).hexdigest()
        when = START + timedelta(seconds=16 * number)
        archive, person = number % ARCHIVES, number % PEOPLE
        action, outcome, actor, details = _RARE[number % 7 % len(_RARE)]
        happened = (
            (
                "photograph.received",
                "success",
                f"CAMERA{number % CAMERAS}",
                '{"called_ae":"VERAGATE","peer":"10.0.0.1"}',
            ),
            ("photograph.deidentified", "success", "worker", '{"duration_ms":1234,"faces":1}'),
            ("delivery.sent", "success", "sender", f'{{"destination":"ARCHIVE{archive}","status":0}}'),
            ("photograph.forwarded", "success", "sender", "{}"),
            (action, outcome, actor.format(person), details.format(archive)),
        )
        for at, (action, outcome, actor, details) in enumerate(happened):
            entry_id = hashlib.md5(b"e%d.%d" % (number, at)).hexdigest()
            moment = (when + timedelta(seconds=at)).isoformat(timespec="microseconds")
            row = f"{entry_id}\t{moment}\t{action}\t{outcome}\t{actor}\t{photograph}\t{details}\n"
            data = (
                f'{{"action":"{action}","actor":"{actor}","details":{details},"id":"{entry_id}","occurred_at":"{moment}",'
                f'"outcome":"{outcome}","photograph_id":"{photograph}"}}'
            )
            yield entry_id, row, data.encode()
