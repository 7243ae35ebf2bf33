"""The face for whoever got a letter: is it real, what is wrong, what to do, whom to ask.

Owns the public pages and the pages behind a letter's and a case's link. Promises: reading changes
nothing (scanners follow links); every change is a POST that may be repeated and taken back; no
cookie, no script, no address of a server on a public page. Refuses to dial: it imports no network.
"""
