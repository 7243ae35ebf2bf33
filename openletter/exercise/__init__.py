"""The exercise: a made-up world on documentation addresses, and the play that walks it.

Owns the committed input in `world/` (real formats, invented content, written by `make_world`),
the mailbox owners' characters, the clock's moves and the demonstration's totals. Only `cli`
imports it. It refuses every address and mail domain that could belong to somebody.
"""
