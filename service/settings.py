"""One frozen settings object, read once from `veragate.toml`; the only reader of the environment.

Environment: VERAGATE_CONFIG (path of the file), VERAGATE_MASTER_SECRET_FILE, VERAGATE_DATABASE_URL,
VERAGATE_BROKER_URL. The last three win over the file, so that secrets need not stand in it.
"""

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from service.confidentiality import Option
from service.errors import ConfigurationError
from service.rights import Role

Region = Literal["mouth", "nose", "eyes"]
OnText = Literal["hold", "blank"]
OnFace = Literal["hold", "redact"]
Hair = Literal["renew", "keep", "cap"]
Backdrop = Literal["keep", "plain"]
Syntax = Literal["explicit-little-endian", "jpeg-2000-lossless", "jpeg-ls-lossless", "rle-lossless"]
AETitle = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[\x20-\x5b\x5d-\x7e]+$")
]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Host = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=r"^\S+$")]

Text = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f\\]+$")
]

VERIFICATION = "1.2.840.10008.1.1"
VL_PHOTOGRAPHIC = "1.2.840.10008.5.1.4.1.1.77.1.4"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListenerSettings(_Frozen):
    ae_title: AETitle = "VERAGATE"
    host: str = "127.0.0.1"
    port: Port = 11112
    accepted_calling_aes: frozenset[AETitle] = frozenset()
    max_associations: int = Field(default=16, ge=1)
    timeout_seconds: float = Field(default=30, gt=0)


class Limits(_Frozen):
    max_object_megabytes: int = Field(default=512, ge=1)
    max_megapixels: int = Field(default=50, ge=1)
    max_frames: int = Field(default=64, ge=1)
    max_total_megapixels: int = Field(default=150, ge=1)  # of all frames of one object
    min_free_disk_megabytes: int = Field(default=1024, ge=0)


class Destination(_Frozen):
    name: Name
    ae_title: AETitle
    host: Host
    port: Port
    calling_ae: AETitle | None = None  # what we call ourselves there; default: the listener's AE title


class Route(_Frozen):
    """The first route that matches decides. Empty conditions match everything."""

    name: Name
    calling_aes: frozenset[AETitle] = frozenset()
    called_aes: frozenset[AETitle] = frozenset()
    sop_classes: frozenset[str] = frozenset()
    views: frozenset[str] = frozenset()  # ADA-1100 view codes such as EV19
    preserve: frozenset[Region] = frozenset()
    preserve_by_view: dict[str, frozenset[Region]] = {}
    destinations: tuple[str, ...] = Field(min_length=1)
    segmentation: bool = False  # send the map of what is synthetic along, as a DICOM Segmentation
    text: OnText = "hold"  # what becomes of a picture in which text is found
    unreplaced: OnFace = "hold"  # what becomes of a face that cannot be replaced, such as a profile
    outline: bool = False  # a covered head keeps its outline on the side to which it looks
    # Whether hair gets the identity's place and tone; kept for photographs of the scalp, under a drawn surgical cap
    # where it must tell nothing.
    hair: Hair = "renew"
    backdrop: Backdrop = (
        "keep"  # what becomes of what lies behind the people; plain for rooms, posters and names on walls
    )
    fallback_syntax: Syntax = "explicit-little-endian"  # of pictures that cannot be written in the one they came in
    retain: frozenset[Option] = frozenset({Option.MODIFIED_DATES, Option.STRUCTURED_CONTENT})
    texts: frozenset[Text] = frozenset()  # the only free texts that may leave, under the options that keep some

    @model_validator(mode="after")
    def _one_kind_of_dates(self) -> "Route":
        if {Option.FULL_DATES, Option.MODIFIED_DATES} <= self.retain:
            raise ValueError(f"route '{self.name}' retains dates either moved or in full, not both")
        return self


class WorkSettings(_Frozen):
    workers: int = Field(default=1, ge=1)
    device: Literal["cpu", "cuda"] = "cpu"
    max_attempts: int = Field(default=5, ge=1)
    lease_seconds: float = Field(default=120, gt=0)
    poll_seconds: float = Field(default=0.2, gt=0)
    sweep_seconds: float = Field(default=5, gt=0)
    seal_seconds: float = Field(default=1, gt=0)


class OidcSettings(_Frozen):
    """Sign-in through the hospital's identity provider (OpenID Connect, authorisation code with PKCE)."""

    issuer: str
    client_id: str
    client_secret_file: Path
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"
    roles_claim: str = "roles"
    roles: dict[str, Role]  # a value of that claim, and the role that it means here


class ConsoleSettings(_Frozen):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 8042
    certificate: Path | None = None  # TLS: PEM files
    certificate_key: Path | None = None
    public_url: str | None = None  # how browsers reach it, when a proxy stands before it
    proxies: tuple[str, ...] = ("127.0.0.1", "::1")  # its addresses or networks: who says whom a request comes from
    idle_minutes: int = Field(default=30, ge=1)
    session_hours: int = Field(default=12, ge=1)
    four_eyes: bool = False  # a release needs a second reviewer
    upload_ae: AETitle = "UPLOAD"  # the calling AE title that routes see for pictures from the upload page
    open_metrics: bool = False  # /metrics without a token
    oidc: OidcSettings | None = None

    @model_validator(mode="after")
    def _encrypted_beyond_this_machine(self) -> "ConsoleSettings":
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key go together")
        proxied = (self.public_url or "").startswith("https://")
        if self.host not in ("127.0.0.1", "::1", "localhost") and self.certificate is None and not proxied:
            raise ValueError(f"a console at {self.host} needs a certificate, or a proxy with an https public_url")
        return self


class AuditRepository(_Frozen):
    """Where DICOM audit messages go: syslog over TLS with certificates on both sides (RFC 5425)."""

    name: str = Field(min_length=1, max_length=64)
    host: str
    port: Port = 6514
    authority: Path  # PEM: who signed the repository's certificate
    certificate: Path  # PEM: ours
    certificate_key: Path
    server_name: str | None = None  # the name in its certificate, where it is not `host`
    checkpoints: bool = True  # send signed checkpoints too


class AuditSettings(_Frozen):
    source: str = Field(default="veragate", min_length=1, max_length=64)  # Audit Source ID
    site: str | None = None  # Audit Enterprise Site ID
    copy_folder: Path | None = None  # a second folder, best on another machine, for the signed checkpoints
    copy_minutes: float = Field(default=15, gt=0)
    stalled_seconds: float = Field(default=60, gt=0)  # entries that wait longer for a seal are an alarm
    repositories: tuple[AuditRepository, ...] = ()


class Settings(_Frozen):
    mode: Literal["embedded", "scaled"] = "embedded"
    project: str = Field(default="default", min_length=1)
    data_folder: Path = Path("data")
    database_url: str | None = None
    broker_url: str | None = None
    master_secret_file: Path | None = None
    traces: str | None = Field(default=None, pattern=r"^https?://\S+$")  # OTLP/HTTP: http://collector:4318/v1/traces
    recognition_threshold: float = Field(default=0.6, ge=0.6, le=1.2)  # models.likeness; below it: still recognised
    listener: ListenerSettings = ListenerSettings()
    limits: Limits = Limits()
    work: WorkSettings = WorkSettings()
    console: ConsoleSettings = ConsoleSettings()
    audit: AuditSettings = AuditSettings()
    destinations: tuple[Destination, ...] = ()
    routes: tuple[Route, ...] = ()

    @model_validator(mode="after")
    def _names_exist(self) -> "Settings":
        names = [d.name for d in self.destinations]
        if len(set(names)) != len(names):
            raise ValueError("two destinations have the same name")
        if len({route.name for route in self.routes}) != len(self.routes):
            raise ValueError("two routes have the same name")
        if self.console.upload_ae in self.listener.accepted_calling_aes:
            raise ValueError(f"'{self.console.upload_ae}' is the upload page's own title; no sender may use it")
        for route in self.routes:
            for name in route.destinations:
                if name not in names:
                    raise ValueError(f"route '{route.name}' names the destination '{name}', which is not defined")
        if self.mode == "scaled":
            for key in ("database_url", "broker_url", "master_secret_file"):
                if getattr(self, key) is None:
                    raise ValueError(f"mode 'scaled' needs {key}")
        return self

    @property
    def url(self) -> str:
        """The database's URL; in embedded mode a SQLite file in the data folder."""
        return self.database_url or f"sqlite:///{(self.data_folder / 'veragate.sqlite').absolute()}"

    @property
    def secret_file(self) -> Path:
        return self.master_secret_file or self.data_folder / "master.secret"

    @property
    def originals(self) -> Path:
        """Received objects: nothing on the sending side ever reads this folder."""
        return self.data_folder / "originals"

    @property
    def releases(self) -> Path:
        """Cleaned objects: the only store that the sender reads."""
        return self.data_folder / "releases"

    @property
    def held(self) -> Path:
        """Cleaned objects that a gate held back, until a person releases or rejects them."""
        return self.data_folder / "held"

    @property
    def maps(self) -> Path:
        """Maps of what is synthetic and what was preserved, one beside each cleaned object."""
        return self.data_folder / "maps"

    @property
    def spool(self) -> Path:
        """Objects while they are being received; same file system as `originals`."""
        return self.data_folder / "spool"

    @property
    def staged(self) -> Path:
        """Uploaded pictures until a person has chosen their views; an hour at most."""
        return self.data_folder / "staged"

    @property
    def checkpoints(self) -> Path:
        """The signed checkpoints of the audit; keep copies of this file somewhere else."""
        return self.data_folder / "audit-checkpoints.jsonl"

    @property
    def checkpoint_copy(self) -> Path | None:
        """Where the signed checkpoints are copied to, if anywhere."""
        return None if self.audit.copy_folder is None else self.audit.copy_folder / self.checkpoints.name

    def destination(self, name: str) -> Destination:
        return next(d for d in self.destinations if d.name == name)


def config_path(path: Path | None = None) -> Path:
    """The configuration file that is meant: the one named, else $VERAGATE_CONFIG, else ./veragate.toml."""
    return path or Path(os.environ.get("VERAGATE_CONFIG", "veragate.toml"))


def load_settings(path: Path | None = None) -> Settings:
    """Read and check the configuration; every problem becomes one ConfigurationError sentence."""
    path = config_path(path)
    if not path.is_file():
        raise ConfigurationError(f"There is no configuration file {path}; `veragate init` writes one to start from.")
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is not valid TOML: {error}.") from error
    return parse_settings(values | _from_environment(), source=str(path))


def parse_settings(values: dict[str, Any], source: str = "settings") -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        what = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{source}: {where + ': ' if where else ''}{what}.") from error


def _from_environment() -> dict[str, Any]:
    names = ("master_secret_file", "database_url", "broker_url")
    return {name: os.environ[key] for name in names if (key := f"VERAGATE_{name.upper()}") in os.environ}
