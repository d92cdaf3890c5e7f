"""Webhooks: sends events to whoever subscribed, signed, in order, until they are taken."""
