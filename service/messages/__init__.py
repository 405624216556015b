"""The audit in the standard's words: DICOM audit messages (PS3.15 A.5, IHE ITI-20), sent to audit repositories.

    events                 what each action of the audit is called there, and which actions stay here
    participants, things   who took part in it, and what it was about
    occasions, facts       an entry, and what it alone does not say: pseudonym, study, SOP class, addresses
    document               the message as XML
    syslog                 the message as a frame on the wire (RFC 5424, RFC 5425)
    transport              a batch of frames to one repository over TLS
    reporter               which entries were sent, kept in the database

The sealed log itself is the spool: nothing is queued twice, and a repository that was away for a day
gets that day from where it stood.
"""
