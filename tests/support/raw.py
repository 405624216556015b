"""A sender that puts any bytes on the wire, as a broken or hostile one would."""

import socket
import struct
from io import BytesIO
from types import TracebackType
from typing import Any

from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, build_context
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE

from service.settings import VL_PHOTOGRAPHIC, Settings

CONTEXT_ID = 1


class RawSender:
    """One association that offers VL Photographic in Explicit VR Little Endian."""

    def __init__(self, settings: Settings, calling: str = "CAMERA") -> None:
        ae = AE(calling)
        contexts = [build_context(VL_PHOTOGRAPHIC, ExplicitVRLittleEndian)]
        title = settings.listener.ae_title
        self._association: Any = ae.associate("127.0.0.1", settings.listener.port, contexts=contexts, ae_title=title)

    def __enter__(self) -> "RawSender":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._association.is_established:
            self._association.release()

    def store(self, data: bytes, uid: str, sop_class: str = VL_PHOTOGRAPHIC) -> int:
        """Send `data` as the data set of a store command for `uid`; the status that comes back."""
        self._association._reactor_checkpoint.clear()
        self._association.dimse.send_msg(_command(data, uid, sop_class), CONTEXT_ID)
        _, response = self._association.dimse.get_msg(block=True)
        self._association._reactor_checkpoint.set()
        return int(response.Status)

    def send_half(self, data: bytes, uid: str) -> None:
        """Send the command and the first half of the data set, and stop there."""
        message = C_STORE_RQ()
        message.primitive_to_message(_command(data, uid, VL_PHOTOGRAPHIC))
        fragments = list(message.encode_msg(CONTEXT_ID, 16382))
        for fragment in fragments[: len(fragments) // 2]:
            self._association.dul.send_pdu(fragment)

    def vanish(self) -> None:
        """Reset the connection without a word, as a machine does that loses its power."""
        connection = self._association.dul.socket.socket
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.shutdown(socket.SHUT_RDWR)


def _command(data: bytes, uid: str, sop_class: str) -> C_STORE:
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = sop_class, uid
    request.DataSet = BytesIO(data)
    return request
