"""The coded words of audit messages: PS3.16 CID 400, 401 and 402, PS3.15 A.5.1.2."""

from typing import Final, NamedTuple


class Code(NamedTuple):
    value: str
    meaning: str
    system: str = "DCM"


APPLICATION_ACTIVITY: Final = Code("110100", "Application Activity")
AUDIT_LOG_USED: Final = Code("110101", "Audit Log Used")
BEGIN_TRANSFERRING: Final = Code("110102", "Begin Transferring DICOM Instances")
INSTANCES_ACCESSED: Final = Code("110103", "DICOM Instances Accessed")
INSTANCES_TRANSFERRED: Final = Code("110104", "DICOM Instances Transferred")
IMPORT: Final = Code("110107", "Import")
QUERY: Final = Code("110112", "Query")
SECURITY_ALERT: Final = Code("110113", "Security Alert")
USER_AUTHENTICATION: Final = Code("110114", "User Authentication")

APPLICATION_START: Final = Code("110120", "Application Start")
APPLICATION_STOP: Final = Code("110121", "Application Stop")
LOGIN: Final = Code("110122", "Login")
LOGOUT: Final = Code("110123", "Logout")
NODE_AUTHENTICATION: Final = Code("110126", "Node Authentication")
NETWORK_CONFIGURATION: Final = Code("110128", "Network Configuration")
RESTRICTED_FUNCTION: Final = Code("110132", "Use of Restricted Function")
OBJECT_SECURITY_CHANGED: Final = Code("110135", "Object Security Attributes Changed")
USER_SECURITY_CHANGED: Final = Code("110137", "User security Attributes Changed")

APPLICATION: Final = Code("110150", "Application")
DESTINATION_ROLE: Final = Code("110152", "Destination Role ID")
SOURCE_ROLE: Final = Code("110153", "Source Role ID")
SOURCE_MEDIA: Final = Code("110155", "Source Media")

STUDY_INSTANCE_UID: Final = Code("110180", "Study Instance UID")
NODE_ID: Final = Code("110182", "Node ID")
PATIENT_NUMBER: Final = Code("2", "Patient Number", "RFC-3881")
SEARCH_CRITERIA: Final = Code("10", "Search Criteria", "RFC-3881")
USER_IDENTIFIER: Final = Code("11", "User Identifier", "RFC-3881")
URI: Final = Code("12", "URI", "RFC-3881")
