"""The only rooms that know MongoDB. Documents, ObjectIds and driver errors never leave them."""
