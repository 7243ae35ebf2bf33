"""The decisions of this room, pure: refuse, rank, scope, language, holder, responsible partner.

Read `rank.py` first. Every decision comes with `Reason`s, and the same facts give the same one.
"""
