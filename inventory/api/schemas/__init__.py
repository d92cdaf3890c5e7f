"""What clients may send: strict marshmallow schemas, every bound from `limits`.

Shapes and bounds only; whether a product exists or a sku is taken is for the services to find out.
Schemas are instances, made once: building one costs more than using it.
"""
