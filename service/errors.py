"""What must happen next, as exceptions.

    VeraGateError
    ├── ConfigurationError   the operator mends a setting; the process does not start
    ├── Rejected             the sender is told no with a DIMSE status; nothing is kept
    ├── Retry                the same work is tried again later
    ├── Quarantined          a person decides; nothing leaves until then
    ├── IdentityReplaced     the same photograph is made anew at once, with the identity that the patient has now
    └── LeaseLost            another worker owns the row now; stop and write nothing

`service.listener` alone turns these into DIMSE statuses, `service.pipeline` alone into states.
Messages are shown to operators and written to logs: they never hold patient data.
"""

from service.states import Cause


class VeraGateError(Exception):
    """Base of every error that VeraGate raises on purpose."""


class ConfigurationError(VeraGateError):
    """A setting is missing or wrong; the message is one sentence that names it."""


class Rejected(VeraGateError):
    """The store is refused and nothing of it is kept.

    `status` is the C-STORE response status (PS3.4 B.2.3), such as 0xA700 out of resources.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Retry(VeraGateError):
    """The work can succeed later without anybody's help (peer down, database busy)."""


class Quarantined(VeraGateError):
    """The photograph is held for a person, with a cause from `service.states.Cause`."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(f"{cause.value}: {detail}" if detail else cause.value)
        self.cause = cause
        self.detail = detail


class IdentityReplaced(VeraGateError):
    """The patient was given another identity while this photograph was worked on with the one before."""


class LeaseLost(VeraGateError):
    """The fencing token no longer matches: the lease ran out and the row was claimed again."""
