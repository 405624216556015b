"""The DICOM node that photographs arrive at: admits associations, receives to disk, answers honestly.

0x0000 is said only when the object is durable and on record. The one place where what happened
becomes a DIMSE status (PS3.4 B.2.3, PS3.7 Annex C):

    0x0000  received, or received before with the same content
    0xA700  out of resources: disk, size cap, or database; the sender may try again
    0xA900  the data set is not of the SOP class that the command names
    0xC000  no data set, or a command that cannot be understood
    0x0110  anything else went wrong; nothing was kept
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, cast

from pynetdicom import AE, _config, evt
from pynetdicom.events import Event
from pynetdicom.transport import ThreadedAssociationServer

from service import audit
from service.audit import Action, Outcome
from service.errors import Rejected, Retry
from service.gateway import Gateway
from service.logs import get_logger
from service.objects import SYNTAXES
from service.reception import NOT_UNDERSTOOD, Origin, receive
from service.rules import SOP_CLASSES, called_titles
from service.settings import VERIFICATION
from service.spool import OUT_OF_RESOURCES, Spool, remove_older
from service.storage_classes import VIDEO

SUCCESS: Final = 0x0000
PROCESSING_FAILURE: Final = 0x0110
MAXIMUM_PDU: Final = 131_072
LONGEST_ASSOCIATION: Final = timedelta(hours=1)

_PERMANENT: Final = 0x01
_SERVICE_USER: Final = 0x01
_CALLING_UNKNOWN: Final = 0x03
_CALLED_UNKNOWN: Final = 0x07


class Listener:
    """The storage SCP of one process. `ring` is called after each new photograph and must not block."""

    def __init__(self, gateway: Gateway, ring: Callable[[], None]) -> None:
        settings = gateway.settings
        self._gateway = gateway
        self._ring = ring
        self._log = get_logger(process="listener")
        self._spool = Spool(
            settings.spool, settings.limits.max_object_megabytes, settings.limits.min_free_disk_megabytes
        )
        self._server: ThreadedAssociationServer | None = None

    def start(self) -> None:
        """Listen in background threads. Raises OSError when the port is taken."""
        listen = self._gateway.live.file.listener
        remove_older(self._spool.folder, LONGEST_ASSOCIATION)
        self._spool.install()
        _config.LOG_HANDLER_LEVEL = "none"  # pynetdicom's own handlers print whole PDUs, names included
        if not self._gateway.settings.listener.accepted_calling_aes:
            self._log.warning("listener.refuses_everyone", setting="listener.accepted_calling_aes")
        handlers: list[Any] = [
            (evt.EVT_REQUESTED, self._admit),
            (evt.EVT_REJECTED, self._overloaded),
            (evt.EVT_ACCEPTED, self._count_refused_contexts),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_CONN_CLOSE, _discard_half),
        ]
        server = _application_entity(self._gateway).start_server(
            (listen.host, listen.port), block=False, evt_handlers=handlers
        )
        self._server = server
        self._log.info("listener.ready", host=listen.host, port=listen.port, called_ae=listen.ae_title)

    def stop(self) -> None:
        """Close the port and abort what is still being received; nothing acknowledged is touched."""
        if self._server is not None:
            self._server.ae.shutdown()
            self._server = None

    def _admit(self, event: Event) -> None:
        """Refuse an association from a caller, or to a title, that is not configured (PS3.8 9.3.4)."""
        request, settings = _request(event), self._gateway.settings
        if request.called_ae_title not in called_titles(settings):
            self._refuse(event, _CALLED_UNKNOWN, "called AE title unknown")
        elif request.calling_ae_title not in settings.listener.accepted_calling_aes:
            self._refuse(event, _CALLING_UNKNOWN, "calling AE title unknown")

    def _refuse(self, event: Event, diagnostic: int, reason: str) -> None:
        self._record_refusal(event, reason)
        event.assoc.acse.send_reject(_PERMANENT, _SERVICE_USER, diagnostic)
        event.assoc.kill()

    def _overloaded(self, event: Event) -> None:
        self._record_refusal(event, "too many associations")

    def _count_refused_contexts(self, event: Event) -> None:
        refused = event.assoc.rejected_contexts
        video = any(context.abstract_syntax in VIDEO for context in refused)
        if refused:
            calling = event.assoc.requestor.ae_title
            self._log.info("contexts.refused", count=len(refused), calling_ae=calling)
        if video:
            self._record_refusal(event, "video is not taken")
        elif not event.assoc.accepted_contexts:
            self._record_refusal(event, "no SOP class and transfer syntax in common")

    def _record_refusal(self, event: Event, reason: str) -> None:
        request, peer = _request(event), str(event.assoc.requestor.address)
        self._log.warning("association.refused", calling_ae=request.calling_ae_title, peer=peer, reason=reason)
        self._record(Action.ASSOCIATION_REFUSED, Outcome.REFUSED, event, reason=reason)

    def _record(self, action: Action, outcome: Outcome, event: Event, **details: Any) -> None:
        """What the sender was told no to; without the database the log alone keeps it."""
        request = _request(event)
        about = {"called_ae": request.called_ae_title, "peer": str(event.assoc.requestor.address), **details}
        try:
            with self._gateway.database.transaction() as session:
                audit.record(session, action, actor=request.calling_ae_title, outcome=outcome, details=about)
        except Retry:
            self._log.error("audit.unavailable", action=action)

    def _store(self, event: Event) -> int:
        try:
            if self._receive(event):
                self._ring()
        except Rejected as refusal:
            self._log.warning("store.refused", status=refusal.status, reason=str(refusal))
            self._record(Action.STORE_REFUSED, Outcome.REFUSED, event, status=refusal.status, reason=str(refusal))
            return refusal.status
        except (Retry, OSError) as error:
            self._log.exception("store.failed", status=OUT_OF_RESOURCES)
            return self._failed(event, OUT_OF_RESOURCES, error)
        except Exception as error:
            self._log.exception("store.failed", status=PROCESSING_FAILURE)
            return self._failed(event, PROCESSING_FAILURE, error)
        return SUCCESS

    def _failed(self, event: Event, status: int, error: Exception) -> int:
        self._record(Action.STORE_REFUSED, Outcome.FAILURE, event, status=status, error=type(error).__name__)
        return status

    def _receive(self, event: Event) -> bool:
        if event.dataset_path is None:
            raise Rejected(NOT_UNDERSTOOD, "the store command came without a data set")
        return receive(self._gateway, self._spool.finish(event.dataset_path), _origin(event))


def _discard_half(event: Event) -> None:
    """Remove the object that a peer had sent half of; pynetdicom holds no message that is whole.

    Left to the last reference its file might stay: whoever keeps a logged exception keeps its frames, and with them it.
    """
    half = event.assoc.dimse.message
    if half is not None and half._data_set_file is not None:
        half._data_set_file.close()


def _application_entity(gateway: Gateway) -> AE:
    listen = gateway.settings.listener
    ae = AE(ae_title=listen.ae_title)
    ae.maximum_pdu_size = MAXIMUM_PDU
    ae.maximum_associations = listen.max_associations
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = listen.timeout_seconds
    ae.add_supported_context(VERIFICATION)
    for sop_class in SOP_CLASSES:
        ae.add_supported_context(sop_class, sorted(SYNTAXES))
    return ae


def _origin(event: Event) -> Origin:
    command, request = cast(Any, event.request), _request(event)
    return Origin(
        calling_ae=request.calling_ae_title,
        called_ae=request.called_ae_title,
        peer=str(event.assoc.requestor.address),
        sop_class_uid=str(command.AffectedSOPClassUID),
        sop_instance_uid=str(command.AffectedSOPInstanceUID),
        transfer_syntax_uid=str(event.context.transfer_syntax),
    )


def _request(event: Event) -> Any:
    """The peer's A-ASSOCIATE request (PS3.8 7.1.1)."""
    return event.assoc.requestor.primitive
