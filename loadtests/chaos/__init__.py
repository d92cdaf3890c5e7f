"""Faults on purpose: the service sells while everything around it dies, and its books are checked.

proxy      a TCP proxy that can refuse, go silent, be slow, cut messages, swallow answers
stack      stores, two instances of the service and nginx; what dies is started again
faults     every fault: what it does, and what clients may notice of it
plan       from a seed to a schedule: every fault by itself, then more, alone and in pairs
clients    a process of shoppers, each request in the journal before it is sent
audit      what must be true in the end
run        one run, from the first purchase to the verdict
report     the report, for people and for machines
"""
