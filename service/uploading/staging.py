"""Pictures that were uploaded and wait for their views: bare, in a folder of 0700, for an hour at most.

    with staging.draft(account_id) as draft:      # gone again unless it ends well: a browser may break off
        draft.add(data)
    staged = staging.find(draft.id, account_id)   # its owner's alone
    with staging.claimed(staged): ...             # to send it: once, whoever presses twice; gone afterwards

Folders are renamed from one stage to the next, which happens once: `<id>.part`, `<id>`, `<id>.sending`.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image

from service.errors import VeraGateError
from service.guessing import Guess, guess_views
from service.icc import read_space, written
from service.pixels import Look, Viewer
from service.settings import Limits
from service.tables import new_id
from service.uploading.arriving import Arrived, NotTaken, arrive, preview

MOST_PICTURES: Final = 40
KEPT: Final = timedelta(hours=1)
_ID: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_PREVIEW_SIDE: Final = 320


@dataclass(frozen=True)
class StagedPicture:
    """`problem` is a sentence for a file that was not taken; then there is nothing else."""

    number: int
    problem: str | None = None
    is_jpeg: bool = True
    lossy_ratio: float | None = None
    guess: str = ""
    sure: bool = False


@dataclass(frozen=True)
class Staged:
    id: str
    account_id: str
    pictures: tuple[StagedPicture, ...]

    @property
    def taken(self) -> tuple[StagedPicture, ...]:
        return tuple(picture for picture in self.pictures if picture.problem is None)


class Gone(VeraGateError):
    """The pictures are not staged (any more)."""


@dataclass
class Draft:
    """An upload that is coming in."""

    id: str
    _folder: Path
    _limits: Limits
    _viewer: Viewer
    _pictures: list[StagedPicture] = field(default_factory=list)
    _looks: dict[int, Look] = field(default_factory=dict)

    @property
    def incoming(self) -> Path:
        """Where the file that is just arriving is written to."""
        return self._folder / "incoming"

    @property
    def count(self) -> int:
        return len(self._pictures)

    def add(self, data: bytes) -> None:
        """Check a whole file and keep its picture, or why it is not taken."""
        number = len(self._pictures) + 1
        if number > MOST_PICTURES:
            raise VeraGateError(f"At most {MOST_PICTURES} pictures can be uploaded at once; nothing was kept.")
        try:
            self._keep(number, arrive(data, self._limits))
        except NotTaken as reason:
            self._pictures.append(StagedPicture(number, problem=str(reason)))

    def refuse(self, sentence: str) -> None:
        """A file that did not even arrive as a whole."""
        self._pictures.append(StagedPicture(len(self._pictures) + 1, problem=sentence))

    def _keep(self, number: int, arrived: Arrived) -> None:
        seen = preview(arrived)
        self._looks[number] = self._viewer.look(seen)
        _write(self._folder / f"{number}.picture", arrived.data)
        if arrived.space is not None:
            _write(self._folder / f"{number}.profile", written(arrived.space))
        small = Image.fromarray(seen)
        small.thumbnail((_PREVIEW_SIDE, _PREVIEW_SIDE))
        small.save(self._folder / f"{number}.preview", "JPEG", quality=80)
        self._pictures.append(StagedPicture(number, None, arrived.is_jpeg, arrived.lossy_ratio))

    def finish(self, account_id: str) -> None:
        guesses = dict(zip(self._looks, guess_views(list(self._looks.values())), strict=True))
        pictures = [_with(picture, guesses.get(picture.number)) for picture in self._pictures]
        told: dict[str, Any] = {"account_id": account_id, "pictures": [asdict(picture) for picture in pictures]}
        _write(self._folder / "upload.json", json.dumps(told).encode())
        self._folder.rename(self._folder.with_suffix(""))


class Staging:
    """The folder of staged uploads, shared by the processes of one machine."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._limits = limits
        self._viewer = Viewer()

    @contextmanager
    def draft(self, account_id: str) -> Iterator[Draft]:
        remove_old(self._folder)
        draft_id = new_id()
        folder = self._folder / f"{draft_id}.part"
        folder.mkdir(mode=0o700)
        try:
            draft = Draft(draft_id, folder, self._limits, self._viewer)
            yield draft
            if not draft.count:
                raise VeraGateError("Choose the pictures first; no file arrived.")
            draft.finish(account_id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def find(self, upload_id: str, account_id: str) -> Staged:
        """Raises Gone for what is not staged, and in the same words for what somebody else staged."""
        try:
            if not _ID.fullmatch(upload_id):
                raise FileNotFoundError
            told = json.loads((self._folder / upload_id / "upload.json").read_bytes())
        except (FileNotFoundError, NotADirectoryError) as error:
            raise Gone(_GONE) from error
        if told["account_id"] != account_id:
            raise Gone(_GONE)
        return Staged(upload_id, account_id, tuple(StagedPicture(**picture) for picture in told["pictures"]))

    def preview(self, staged: Staged, number: int) -> bytes:
        """A small JPEG of one picture; raises Gone."""
        if number not in {picture.number for picture in staged.taken}:
            raise Gone(_GONE)
        try:
            return (self._folder / staged.id / f"{number}.preview").read_bytes()
        except FileNotFoundError as error:
            raise Gone(_GONE) from error

    @contextmanager
    def claimed(self, staged: Staged) -> Iterator[Path]:
        """The folder, for this caller alone and for the last time. Raises Gone for the second of two."""
        folder = self._folder / f"{staged.id}.sending"
        try:
            (self._folder / staged.id).rename(folder)
        except FileNotFoundError as error:
            raise Gone(_GONE) from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def discard(self, staged: Staged) -> None:
        shutil.rmtree(self._folder / staged.id, ignore_errors=True)

    def is_staged(self, upload_id: str) -> bool:
        return (self._folder / upload_id).is_dir()

    def is_sending(self, upload_id: str) -> bool:
        return (self._folder / f"{upload_id}.sending").is_dir()


_GONE: Final = "These pictures are not here any more: they were sent or given up, or an hour has passed."


def arrived(folder: Path, picture: StagedPicture) -> Arrived:
    """One picture of a claimed folder."""
    profile = folder / f"{picture.number}.profile"
    space = read_space(profile.read_bytes()) if profile.exists() else None
    return Arrived((folder / f"{picture.number}.picture").read_bytes(), picture.is_jpeg, picture.lossy_ratio, space)


def remove_old(folder: Path, age: timedelta = KEPT) -> int:
    """Remove whatever was staged longer than `age` ago and nobody sent; also what a crash left."""
    if not folder.is_dir():
        return 0
    oldest = time.time() - age.total_seconds()
    old = [path for path in folder.iterdir() if path.stat().st_mtime < oldest]
    for path in old:
        shutil.rmtree(path, ignore_errors=True)
    return len(old)


def _with(picture: StagedPicture, guess: Guess | None) -> StagedPicture:
    if guess is None:
        return picture
    return StagedPicture(picture.number, None, picture.is_jpeg, picture.lossy_ratio, guess.code, guess.sure)


def _write(path: Path, data: bytes) -> None:
    path.touch(mode=0o600, exist_ok=False)
    path.write_bytes(data)
