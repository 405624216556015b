"""A batch of syslog frames to one audit repository over TLS with certificates on both sides (RFC 5425).

Syslog has no acknowledgement. What counts as delivered is a connection that both sides ended in order: everything was
written, our close_notify too, and the repository ended the connection after it had read that far. With TLS 1.3 this
is also the first moment at which a refusal of our certificate is sure to be seen. Some repositories (rsyslog) end with
TCP alone, see `_was_read`.
"""

import fcntl
import socket
import ssl
import struct
import termios
import time
from collections.abc import Iterable
from typing import Final

from service.errors import Retry
from service.settings import AuditRepository

SECONDS: Final = 10.0  # for each step: to connect, to shake hands, to write a frame, to end
BATCH_SECONDS: Final = 120.0  # for all frames; a lease on the repository lasts longer
_CLOSE_WAIT: Final = 8  # TCP state (linux/tcp_states.h): the other side has closed, ours stands


def send(repository: AuditRepository, frames: Iterable[bytes], seconds: float = SECONDS) -> None:
    """Deliver all frames, or raise Retry with a sentence that says what went wrong; some may have arrived then."""
    try:
        context = _context(repository)
        with (
            socket.create_connection((repository.host, repository.port), seconds) as plain,
            context.wrap_socket(plain, server_hostname=repository.server_name or repository.host) as connection,
        ):
            until = time.monotonic() + BATCH_SECONDS
            for frame in frames:
                if time.monotonic() > until:
                    raise TimeoutError
                connection.sendall(frame)
            _end(connection, seconds)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise Retry(_sentence(repository, error)) from error


def _context(repository: AuditRepository) -> ssl.SSLContext:
    """Read anew for each connection, so that a renewed certificate counts at once."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(cafile=repository.authority)
    context.load_cert_chain(repository.certificate, repository.certificate_key)
    return context


def _end(connection: ssl.SSLSocket, seconds: float) -> None:
    try:
        connection.unwrap().close()
    except ssl.SSLEOFError:
        if not _was_read(connection, seconds):
            raise


def _was_read(connection: ssl.SSLSocket, seconds: float) -> bool:
    """Whether a repository that closed without a close_notify had read everything.

    A machine resets a connection that a program closes with bytes unread, or that gets bytes afterwards (RFC 1122
    4.2.2.13). An orderly end after which all our bytes stand acknowledged therefore says that the program had them.
    """
    deadline = time.monotonic() + seconds
    while connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == _CLOSE_WAIT:
        (unacknowledged,) = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))
        if unacknowledged == 0:
            return True
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return False


def check(repository: AuditRepository) -> str | None:
    """Shake hands with a repository and part again; None when that went well, else why not."""
    try:
        send(repository, ())
    except Retry as error:
        return str(error)
    return None


def _sentence(repository: AuditRepository, error: Exception) -> str:
    return f"The audit repository {repository.name} at {repository.host}:{repository.port} {_problem(error)}."


def _problem(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"shows a certificate that is not accepted: {error.verify_message}"
        case FileNotFoundError() | PermissionError() | IsADirectoryError():
            return "cannot be reached without the files of its settings: authority, certificate, certificate_key"
        case TimeoutError():
            return "does not answer in time"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError() | ConnectionResetError() | BrokenPipeError():
            return "ended the connection before it had read everything; it may not accept our certificate"
        case ssl.SSLError() if error.reason:
            return f"does not speak TLS as agreed: {error.reason.lower().replace('_', ' ')}"
        case ConnectionRefusedError():
            return "refuses connections"
        case socket.gaierror():
            return "has a host name that nobody knows"
        case OSError() if error.strerror:
            return f"cannot be reached: {error.strerror}"
    return f"cannot be reached: {type(error).__name__}"
