"""Requests that nobody thought of, made by Schemathesis from the service's own OpenAPI document.

    engine     sends calls until there are enough, and gathers what the checks found
    excuses    complaints of the checks that are wrong about this API, each with its reason
    report     what people read of it
    run        a service of its own, the calls, and its books afterwards

Knows the OpenAPI document and Schemathesis; what an operation means it learns from the document.
"""
