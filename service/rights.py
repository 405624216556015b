"""Who may do what in the console and over its API: four roles, each with its rights, none with all.

The duties are separated: whoever runs the service cannot look at photographs, whoever decides about photographs
cannot change where they go, and nobody can edit the audit, for which there is no right.
"""

from enum import StrEnum
from typing import Final


class Right(StrEnum):
    """One thing that may be done; also the scope of an API token."""

    SEE_OVERVIEW = "overview:read"
    SEE_PHOTOGRAPHS = "photographs:read"  # states, history, gates; no pictures
    SEE_RESULTS = "results:read"  # pictures that were released, and the map of what is synthetic in them
    SEE_ORIGINALS = "originals:read"  # pictures as received and results that are held; each look is audited
    DECIDE = "photographs:decide"
    RETRY = "deliveries:retry"
    UPLOAD = "photographs:upload"
    QUERY_AUDIT = "audit:read"
    EXPORT_AUDIT = "audit:export"
    LOOK_UP_PATIENTS = "patients:look-up"  # from an original Patient ID to its pseudonym; audited
    SEE_CONFIGURATION = "configuration:read"
    CHANGE_CONFIGURATION = "configuration:write"
    MANAGE_ACCOUNTS = "accounts:manage"
    SEE_METRICS = "metrics:read"


class Role(StrEnum):
    OPERATOR = "operator"
    REVIEWER = "reviewer"
    COMPLIANCE = "compliance"
    ADMIN = "admin"


RIGHTS: Final[dict[Role, frozenset[Right]]] = {
    Role.OPERATOR: frozenset(
        {Right.SEE_OVERVIEW, Right.SEE_PHOTOGRAPHS, Right.SEE_RESULTS, Right.RETRY, Right.UPLOAD}
        | {Right.SEE_CONFIGURATION, Right.SEE_METRICS}
    ),
    Role.REVIEWER: frozenset(
        {Right.SEE_OVERVIEW, Right.SEE_PHOTOGRAPHS, Right.SEE_RESULTS, Right.SEE_ORIGINALS, Right.DECIDE}
    ),
    Role.COMPLIANCE: frozenset(
        {Right.SEE_OVERVIEW, Right.SEE_PHOTOGRAPHS, Right.SEE_RESULTS, Right.QUERY_AUDIT, Right.EXPORT_AUDIT}
        | {Right.LOOK_UP_PATIENTS, Right.SEE_CONFIGURATION}
    ),
    Role.ADMIN: frozenset(
        {Right.SEE_OVERVIEW, Right.SEE_CONFIGURATION, Right.CHANGE_CONFIGURATION, Right.MANAGE_ACCOUNTS}
        | {Right.SEE_METRICS}
    ),
}
