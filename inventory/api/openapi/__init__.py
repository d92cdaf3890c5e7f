"""The OpenAPI 3.1 document, read off the app itself.

`document` walks the app's routes and turns each contract into an entry (`operations`): what comes
in is derived from the marshmallow schemas (`inputs`), what goes out is described in `answers`, what
can go wrong in `problem_types`, where answers lead in `links`, shared headers in `parameters`.
`wording` holds the sentences and examples that no schema can tell.
"""
