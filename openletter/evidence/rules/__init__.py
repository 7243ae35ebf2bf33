"""Decisions about evidence: recognise a file, judge its rows, weigh what is said of an address.

Pure: frozen values in and out, `now` is an argument.
"""
