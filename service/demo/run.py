"""The demonstration from beginning to end."""

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from pydicom.dataset import FileDataset
from pydicom.uid import JPEGBaseline8Bit
from pynetdicom import AE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service import audit
from service.database import Database
from service.demo.embedded import CAMERA, gateway
from service.demo.outcome import Outcome, collect, progress_of
from service.demo.pacs import Pacs
from service.demo.patients import PATIENTS
from service.demo.series import Shot, series_of
from service.demo.showing import before_after, contact_sheet, shortcomings, table
from service.errors import VeraGateError
from service.secrets import Keys
from service.settings import VL_PHOTOGRAPHIC, Settings

QUIET_SECONDS = 150.0  # without any photograph getting farther, after which no more is waited
SHOTS = 5 * len(PATIENTS)

Sent = list[tuple[Shot, FileDataset]]


def run(out: Path, console: Console) -> int:
    """Run everything, write contact-sheet.png, before-after.jpg and received/ to `out`; count the promises not kept.

    The gateway's own data stays in `out`/gateway until the next run, so that the console can be opened on it.

    Raises VeraGateError when the gateway does not start or refuses a photograph.
    """
    began = time.monotonic()
    for left_over in (out / "received").glob("*.dcm"):
        left_over.unlink()
    home = _emptied(out / "gateway")
    with Pacs(out / "received") as pacs:
        with gateway(home, pacs.port) as settings:
            sent = _journey(settings, console)
        outcomes, verification = _look_at(settings, sent, pacs)
    contact_sheet(outcomes, out / "contact-sheet.png")
    before_after(outcomes, out / "before-after.jpg")
    problems = list(shortcomings(outcomes, settings.recognition_threshold))
    problems += [verification.problem] if verification.problem else []
    console.print(table(outcomes))
    console.print(f"Contact sheet: {(out / 'contact-sheet.png').resolve()}", soft_wrap=True)
    console.print(f"At the destination: {pacs.folder.resolve()}", soft_wrap=True)
    console.print(f"Audit: {'OK' if verification.ok else 'NOT OK'}, {verification.entries} entries, all sealed")
    for problem in problems:
        console.print(f"[red]Fell short:[/] {problem}", soft_wrap=True)
    console.print(f"{time.monotonic() - began:.0f} seconds.")
    command = Path(sys.executable).with_name("veragate")
    config = home / "veragate.toml"
    console.print(f"Look at it in the console: {_short(command)} console --config {_short(config)}", soft_wrap=True)
    return len(problems)


def _emptied(folder: Path) -> Path:
    """The folder of this run's gateway; what an earlier run left in it goes, anything else is not ours to remove."""
    if (folder / "veragate.toml").exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder.resolve()


def _short(path: Path) -> Path:
    """The path as somebody in the working folder would type it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _journey(settings: Settings, console: Console) -> Sent:
    """Photograph, send, and wait until everything reached its end or nothing moves any more."""
    columns = (TextColumn("{task.description:<14}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        tasks = [progress.add_task(name, total=SHOTS) for name in ("photographed", "sent", "de-identified", "arrived")]
        studies: dict[tuple[str, int], str] = {}
        sent: Sent = []
        for patient in PATIENTS:
            for shot in series_of(patient):
                sent.append((shot, shot.to_dicom(studies)))
                progress.advance(tasks[0])
        _send(settings, sent, lambda: progress.advance(tasks[1]))
        _wait(settings, lambda moved, ended: _show(progress, tasks, moved, ended))
    return sent


def _send(settings: Settings, sent: Sent, advance: Callable[[], None]) -> None:
    camera = AE(CAMERA)
    camera.add_requested_context(VL_PHOTOGRAPHIC, JPEGBaseline8Bit)
    listener = settings.listener
    association = camera.associate(listener.host, listener.port, ae_title=listener.ae_title)
    if not association.is_established:
        raise VeraGateError("The gateway refused the association.")
    for _, ds in sent:
        answer = association.send_c_store(ds)
        if answer.get("Status") != 0:
            raise VeraGateError(f"The gateway answered {answer.get('Status')} to a photograph.")
        advance()
    association.release()


def _wait(settings: Settings, show: Callable[[int, int], None]) -> None:
    # A slow or busy machine is no failure: time is up only when nothing has moved for long.
    database = Database(settings.url)
    seen, since = (0, 0), time.monotonic()
    while seen[1] < SHOTS and time.monotonic() - since < QUIET_SECONDS:
        if (now := progress_of(database)) != seen:
            seen, since = now, time.monotonic()
        show(*seen)
        time.sleep(0.2)
    database.close()


def _show(progress: Progress, tasks: list[TaskID], moved: int, ended: int) -> None:
    progress.update(tasks[2], completed=moved)
    progress.update(tasks[3], completed=ended)


def _look_at(settings: Settings, sent: Sent, pacs: Pacs) -> tuple[list[Outcome], audit.Verification]:
    database = Database(settings.url)
    outcomes = collect(database, sent, pacs.folder)
    verification = audit.verify(database, Keys.load(settings), settings.checkpoints)
    database.close()
    return outcomes, verification
