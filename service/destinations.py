"""DICOM associations to destinations: opening, sending one stored file as it is, and what the answer means.

Statuses are those of PS3.4 B.2.3 and PS3.7 Annex C; association rejections those of PS3.8 9.3.4.
"""

import socket
import time
from collections.abc import Callable, Set
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from pynetdicom import AE, _config, build_context

from service.errors import VeraGateError
from service.settings import VERIFICATION, Destination, Settings

ASSOCIATE_SECONDS: Final = 15
IDLE_SECONDS: Final = 8
ALREADY_THERE: Final = 0x0111
_PERMANENT: Final = 0x01
_OVERLOADED_OR_BROKEN: Final = frozenset({0x0110, 0x0210, 0x0213})


class Verdict(StrEnum):
    DELIVERED = "delivered"
    LATER = "later"
    NEVER = "never"


class Answer(NamedTuple):
    """What became of one attempt; `reason` is a sentence for the operator, empty when all went well."""

    verdict: Verdict
    status: int | None = None
    reason: str = ""


class Context(NamedTuple):
    """What an object needs from the peer: both UIDs exactly as stored, since nothing is transcoded."""

    sop_class_uid: str
    transfer_syntax_uid: str


class Unreachable(VeraGateError):
    """No association: `forever` when the peer refuses on principle, else it may work later."""

    def __init__(self, reason: str, forever: bool = False) -> None:
        super().__init__(reason)
        self.forever = forever


def judge(status: int) -> Answer:
    """Sort a C-STORE status: warnings are deliveries with a note, shortage passes, a refusal stays."""
    if status == 0x0000:
        return Answer(Verdict.DELIVERED, status)
    if status == ALREADY_THERE:
        return Answer(Verdict.DELIVERED, status, "the destination had it already")
    if status & 0xF000 == 0xB000 or status == 0x0001:
        return Answer(Verdict.DELIVERED, status, f"stored with warning 0x{status:04X}")
    if status & 0xFF00 == 0xA700 or status in _OVERLOADED_OR_BROKEN:
        return Answer(Verdict.LATER, status, f"the destination answered 0x{status:04X}")
    return Answer(Verdict.NEVER, status, f"the destination refused with 0x{status:04X}")


class Peer:
    """One destination with a standing association that grows with what has to be sent and ends when idle."""

    def __init__(self, settings: Settings, destination: Destination, clock: Callable[[], float] = time.monotonic):
        _config.STORE_SEND_CHUNKED_DATASET = True
        _config.LOG_HANDLER_LEVEL = "none"
        self.destination = destination
        self._clock = clock
        self._ae = _application_entity(settings, destination)
        self._association: Any = None
        self._offered: frozenset[Context] = frozenset()
        self._used_at = 0.0

    def connect(self, contexts: Set[Context]) -> None:
        """Have an association that offered all these contexts. Raises Unreachable."""
        if self._alive() and contexts <= self._offered:
            return
        wanted = self._offered | contexts
        self.close()
        self._association = _associate(self._ae, self.destination, wanted)
        self._offered = wanted
        self._used_at = self._clock()

    def send(self, path: Path) -> Answer:
        """C-STORE the file's bytes in its own transfer syntax."""
        try:
            response = self._association.send_c_store(path)
        except ValueError:
            return Answer(Verdict.NEVER, reason="the destination does not accept this SOP class in this syntax")
        except RuntimeError:
            return Answer(Verdict.LATER, reason="the association was lost")
        self._used_at = self._clock()
        if "Status" not in response:
            self.close()
            return Answer(Verdict.LATER, reason="the association was lost while sending")
        return judge(int(response.Status))

    def rest(self) -> None:
        """Release the association when it has been idle; destinations have few to give."""
        if self._association is not None and (not self._alive() or self._clock() - self._used_at > IDLE_SECONDS):
            self.close()

    def close(self) -> None:
        if self._alive():
            self._association.release()
        self._association = None
        self._offered = frozenset()

    def _alive(self) -> bool:
        return self._association is not None and bool(self._association.is_established)


def echo(settings: Settings, destination: Destination) -> str | None:
    """C-ECHO a destination; None when it answered, else why not."""
    try:
        verification = Context(VERIFICATION, "1.2.840.10008.1.2")
        association = _associate(_application_entity(settings, destination), destination, {verification})
    except Unreachable as problem:
        return str(problem)
    try:
        response = association.send_c_echo()
        return None if response and response.Status == 0 else "the destination did not answer the C-ECHO"
    except ValueError:
        return "the destination does not accept C-ECHO"
    finally:
        association.release()


def keep_responses(association: Any) -> None:
    """Leave responses to the thread that waits for them.

    On a busy machine pynetdicom's own thread can take a response for an unexpected request and drop it, and the
    sender waits for its time-out (3.0: `Association._run_reactor` and `send_c_store` agree on a pause by polling).
    A requestor serves no requests, so that thread has nothing to fetch.
    """
    fetch = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: fetch(block=True) if block else (None, None)


def _application_entity(settings: Settings, destination: Destination) -> AE:
    ae = AE(ae_title=destination.calling_ae or settings.listener.ae_title)
    ae.connection_timeout = ae.acse_timeout = ASSOCIATE_SECONDS
    ae.dimse_timeout = ae.network_timeout = settings.listener.timeout_seconds
    return ae


def _associate(ae: AE, destination: Destination, contexts: Set[Context]) -> Any:
    proposed = [build_context(c.sop_class_uid, c.transfer_syntax_uid) for c in sorted(contexts)]
    association: Any = ae.associate(
        destination.host, destination.port, contexts=proposed, ae_title=destination.ae_title
    )
    if association.is_established:
        # Nagle's algorithm against the peer's delayed acknowledgement costs 40 ms for each object.
        association.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        keep_responses(association)
        return association
    if association.is_rejected:
        answer = association.acceptor.primitive
        raise Unreachable(
            f"association rejected: {answer.reason_str.rstrip('.').lower()}", forever=answer.result == _PERMANENT
        )
    if association.rejected_contexts:
        raise Unreachable("the destination accepts none of the SOP classes and syntaxes offered", forever=True)
    raise Unreachable("no association: the destination does not answer")
