"""Photographs as files, without a gateway: the same faces, the same cleaning, the same gates.

with subjects.stored(settings, "KEY") as subject:            # or subjects.own(), subjects.seeded(7)
    anonymizer = FileAnonymizer(settings, preserve, subject)
    outcome = anonymizer.anonymize(job)                      # `job` from planning.plan(inputs, out)
outcome.cause                                                # None: the file was written
"""
