"""Closing instructions, one folder a product: the page and the letter's block from one source.

Owns the guide files (`content/<id>/<language>.md`), what they may hold, which product a banner
speaks of, and the block that stands in a letter. Promises: a command is written once and is
byte-identical in every language; a value that goes into a command is typed; what a stranger's
server said never does. Pure: no Django, no sockets, no clock, no rows.
"""
