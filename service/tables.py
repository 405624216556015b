"""The database's tables. Rows hold what happened to a photograph; blobs hold the photographs.

Identifiers of patients appear only as keyed hashes. The original SOP Instance UID and Study
Instance UID stay in `photographs`, because deduplication and the linkage question need them:
the database is as sensitive as the archive it stands beside.
"""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    literal_column,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from service.states import DeliveryState, Item, PhotographState

INDEXED_DETAILS: Final = ("called_ae", "calling_ae", "destination", "pseudonym")  # auditors ask for these


def new_id() -> str:
    return uuid4().hex


def utc_now() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database (SQLite drops the zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    type_annotation_map = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON,
        list[str]: JSON,
        int: BigInteger().with_variant(Integer, "sqlite"),
    }


class Leased:
    """What makes a row a job: see `service.jobs`, which alone writes these columns after insertion."""

    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime] = mapped_column(default=utc_now)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    lease_token: Mapped[str | None] = mapped_column(String(32), default=None)


class Photograph(Leased, Base):
    """One received object. (original SOP Instance UID, digest) is unique: a resend adds no row."""

    __tablename__ = "photographs"
    __table_args__ = (
        UniqueConstraint("sop_instance_uid", "digest"),
        Index("ix_photographs_due", "state", "not_before"),
        Index("ix_photographs_study", "study_instance_uid"),
        Index("ix_photographs_study_alias", "study_alias"),
        Index("ix_photographs_patient", "patient_id", "received_at"),
        Index("ix_photographs_received", "received_at", "id"),
        Index("ix_photographs_state", "state", "received_at"),
        Index("ix_photographs_source", "calling_ae", "received_at"),
        Index("ix_photographs_view", "view", "received_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    state: Mapped[str] = mapped_column(String(16), default=PhotographState.RECEIVED)
    cause: Mapped[str | None] = mapped_column(String(40), default=None)
    cause_detail: Mapped[str | None] = mapped_column(String(500), default=None)

    sop_class_uid: Mapped[str] = mapped_column(String(64))
    sop_instance_uid: Mapped[str] = mapped_column(String(64), index=True)
    transfer_syntax_uid: Mapped[str] = mapped_column(String(64))
    study_instance_uid: Mapped[str | None] = mapped_column(String(64), default=None)
    study_alias: Mapped[str | None] = mapped_column(String(64), default=None)  # the study's UID outside
    patient_id: Mapped[str | None] = mapped_column(ForeignKey("patients.id"), default=None)
    view: Mapped[str | None] = mapped_column(String(64), default=None)
    instructions: Mapped[dict[str, Any] | None] = mapped_column(default=None)  # a person's: see service.instructions

    calling_ae: Mapped[str] = mapped_column(String(16))
    called_ae: Mapped[str] = mapped_column(String(16))
    peer: Mapped[str] = mapped_column(String(64))
    route: Mapped[str | None] = mapped_column(String(64), default=None)

    blob: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))  # SHA-256 of the received file, hex
    size: Mapped[int]

    received_at: Mapped[datetime] = mapped_column(default=utc_now)
    changed_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Finished:
    """A cleaned object and how it was made."""

    photograph_id: Mapped[str] = mapped_column(ForeignKey("photographs.id"), unique=True)
    blob: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    sop_class_uid: Mapped[str] = mapped_column(String(64))
    transfer_syntax_uid: Mapped[str] = mapped_column(String(64))
    profile: Mapped[str] = mapped_column(String(100))
    model_version: Mapped[str] = mapped_column(String(100))
    segmentation: Mapped[str | None] = mapped_column(String(64), default=None)  # digest of the map beside it, if any
    report: Mapped[dict[str, Any]]  # faces, distances, preserved digest, gates, timings; no patient data


class Release(Finished, Base):
    """What lets an object leave: the cleaned blob, how it was made, and which gates it passed."""

    __tablename__ = "releases"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sop_instance_uid: Mapped[str] = mapped_column(String(64), unique=True)
    released_by: Mapped[str] = mapped_column(String(100))  # "gates", or the person who released it
    released_at: Mapped[datetime] = mapped_column(default=utc_now)


class HeldResult(Finished, Base):
    """A finished object that a gate held back, in a store that the sender cannot read, until a person decides."""

    __tablename__ = "held_results"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    sop_instance_uid: Mapped[str] = mapped_column(String(64), index=True)


class Delivery(Leased, Base):
    """One object of a release on its way to one destination: the photograph, or the map of what is synthetic in it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("release_id", "destination", "item"),
        Index("ix_deliveries_due", "state", "not_before"),
        Index("ix_deliveries_destination", "destination", "state", "changed_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    release_id: Mapped[str] = mapped_column(ForeignKey("releases.id"))
    destination: Mapped[str] = mapped_column(String(64))
    item: Mapped[str] = mapped_column(String(16), default=Item.PHOTOGRAPH)
    state: Mapped[str] = mapped_column(String(16), default=DeliveryState.PENDING)
    dimse_status: Mapped[int | None] = mapped_column(default=None)
    last_error: Mapped[str | None] = mapped_column(String(500), default=None)
    delivered_at: Mapped[datetime | None] = mapped_column(default=None)
    changed_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Patient(Base):
    """A person under a keyed hash; nothing here can be read back without the master secret."""

    __tablename__ = "patients"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64), unique=True)  # HMAC of (project, issuer, canonical Patient ID)
    pseudonym: Mapped[str] = mapped_column(String(32), unique=True)
    date_offset_days: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Identity(Base):
    """The synthetic identity of a patient for one generator version, sealed with AES-GCM."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("patient_id", "generator"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    patient_id: Mapped[str] = mapped_column(ForeignKey("patients.id"))
    generator: Mapped[str] = mapped_column(String(64))
    sealed_latent: Mapped[bytes] = mapped_column(LargeBinary)
    choices_left: Mapped[int] = mapped_column(server_default="0")  # how often it may be chosen again; 0: it stays
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class AuditEntry(Base):
    """One line of the audit. Rows are only ever inserted; a trigger refuses anything else."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_time", "occurred_at", "id"),
        Index("ix_audit_photograph", "photograph_id", "occurred_at", "id"),
        Index("ix_audit_action", "action", "outcome", "occurred_at", "id"),
        Index("ix_audit_actor", "actor", "action", "outcome", "occurred_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    occurred_at: Mapped[datetime] = mapped_column(default=utc_now)
    action: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(16))  # success, refused, failure
    actor: Mapped[str] = mapped_column(String(100))  # process, AE title or person
    photograph_id: Mapped[str | None] = mapped_column(String(32), default=None)
    details: Mapped[dict[str, Any]]


class DetailText(FunctionElement[str]):
    """The text under one key of an entry's details, spelled out as in the index on it so that the index serves."""

    type = String()
    inherit_cache = True

    def __init__(self, key: str) -> None:
        super().__init__(AuditEntry.details, literal_column(key))


@compiles(DetailText)
def _compile_detail(element: DetailText, compiler: SQLCompiler, **options: Any) -> str:
    column, key = element.clauses
    return f"({compiler.process(column, **options)} ->> '{key}')"


@compiles(DetailText, "sqlite")
def _compile_detail_sqlite(element: DetailText, compiler: SQLCompiler, **options: Any) -> str:
    column, key = element.clauses
    return f"json_extract({compiler.process(column, **options)}, '$.{key}')"


for _key in INDEXED_DETAILS:
    Index(
        f"ix_audit_{_key}",
        DetailText(_key),
        *(AuditEntry.actor, AuditEntry.action, AuditEntry.outcome, AuditEntry.occurred_at, AuditEntry.id),
        postgresql_where=DetailText(_key).is_not(None),
        sqlite_where=DetailText(_key).is_not(None),
    )


class AuditPending(Base):
    """An audit entry that waits to be sealed; inserted with the entry, removed when it has its leaf."""

    __tablename__ = "audit_pending"

    entry_id: Mapped[str] = mapped_column(String(32), primary_key=True)


class AuditLeaf(Base):
    """The place of one audit entry in the sealed log; positions are dense from 0."""

    __tablename__ = "audit_leaves"

    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entry_id: Mapped[str] = mapped_column(String(32), unique=True)
    leaf_hash: Mapped[str] = mapped_column(String(64))
    mac: Mapped[str] = mapped_column(String(64))  # keyed hash of position and leaf: no row can be forged or moved
    batch: Mapped[int] = mapped_column(index=True)


class AuditCheckpoint(Base):
    """One sealed batch: its Merkle root, chained to the batch before, signed with Ed25519."""

    __tablename__ = "audit_checkpoints"

    batch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_position: Mapped[int]
    size: Mapped[int]  # entries in the log up to and with this batch
    root: Mapped[str] = mapped_column(String(64))
    chain: Mapped[str] = mapped_column(String(64))
    signature: Mapped[str] = mapped_column(String(128))
    sealed_at: Mapped[datetime] = mapped_column(default=utc_now)


class AuditTransmission(Base):
    """How far the audit was sent to one audit repository; `position` is the next one to send."""

    __tablename__ = "audit_transmissions"

    repository: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None] = mapped_column(default=None)
    lease_token: Mapped[str | None] = mapped_column(String(32), default=None)
    sent_at: Mapped[datetime | None] = mapped_column(default=None)
    failing_since: Mapped[datetime | None] = mapped_column(default=None)
    last_error: Mapped[str | None] = mapped_column(String(500), default=None)


class Account(Base):
    """A person who may sign in, with one role; `password_hash` is empty for people of the identity provider."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("oidc_issuer", "oidc_subject"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    password_hash: Mapped[str | None] = mapped_column(String(200), default=None)
    must_change: Mapped[bool] = mapped_column(default=False)
    sealed_totp: Mapped[bytes | None] = mapped_column(LargeBinary, default=None)
    totp_step: Mapped[int | None] = mapped_column(default=None)  # the last time step used: none serves twice
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(default=None)
    disabled: Mapped[bool] = mapped_column(default=False)
    oidc_issuer: Mapped[str | None] = mapped_column(String(200), default=None)
    oidc_subject: Mapped[str | None] = mapped_column(String(200), default=None)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class SignIn(Base):
    """A browser that somebody signed in with, under the hash of its cookie."""

    __tablename__ = "sign_ins"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    stage: Mapped[str] = mapped_column(String(16))  # full, or what is still missing: totp, password
    csrf: Mapped[str] = mapped_column(String(64))
    address: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]


class ApiToken(Base):
    """A program's key to the REST API: some of its owner's rights until it expires, under its hash."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None] = mapped_column(default=None)
    revoked_at: Mapped[datetime | None] = mapped_column(default=None)


class SetUpLink(Base):
    """The one-time link that makes the first account, under the hash of its token."""

    __tablename__ = "set_up_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime]


class Proposal(Base):
    """A decision that waits for a second person, where the four-eyes rule holds."""

    __tablename__ = "proposals"

    photograph_id: Mapped[str] = mapped_column(ForeignKey("photographs.id"), primary_key=True)
    decision: Mapped[str] = mapped_column(String(16))
    person: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(500))
    instructions: Mapped[dict[str, Any] | None] = mapped_column(default=None)
    proposed_at: Mapped[datetime] = mapped_column(default=utc_now)


class Configuration(Base):
    """One version of what the console configures: senders, destinations, routes. The newest one counts."""

    __tablename__ = "configurations"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    content: Mapped[dict[str, Any]]  # as in veragate.toml: senders, destinations, routes
    person: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Process(Base):
    """A process of the gateway that says every few seconds that it lives; an orderly end removes the row."""

    __tablename__ = "processes"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    role: Mapped[str] = mapped_column(String(32))
    host: Mapped[str] = mapped_column(String(64))
    pid: Mapped[int]
    device: Mapped[str | None] = mapped_column(String(64), default=None)  # of a worker: cpu, or the GPU's name
    started_at: Mapped[datetime] = mapped_column(default=utc_now)
    seen_at: Mapped[datetime] = mapped_column(default=utc_now)


class Tally(Base):
    """How often something happened in one hour; one row per process that counts, so that none waits for another."""

    __tablename__ = "tallies"

    hour: Mapped[datetime] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    label: Mapped[str] = mapped_column(String(64), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int] = mapped_column(default=0)
    total: Mapped[float] = mapped_column(default=0.0)  # of what was measured, such as seconds


class Upload(Base):
    """Pictures that one person brought in through the console as one study."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class UploadedPicture(Base):
    """One picture of an upload: the photograph that it became, or why it became none."""

    __tablename__ = "uploaded_pictures"

    upload_id: Mapped[str] = mapped_column(ForeignKey("uploads.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    view: Mapped[str | None] = mapped_column(String(16), default=None)
    photograph_id: Mapped[str | None] = mapped_column(ForeignKey("photographs.id"), default=None)
    problem: Mapped[str | None] = mapped_column(String(200), default=None)
