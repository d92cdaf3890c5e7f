"""The only rooms that know Flask and HTTP: blueprints, schemas, errors, documentation.

A view reads as a line of a table: its `contract` says what comes in and what may come out, checks
the former and documents both; the body makes one call to a service and presents the result.
"""
