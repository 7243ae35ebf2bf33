"""Who runs what: campaigns, partners, members, waves, exclusions, the pause switch, the timeline.

Promises: every change leaves a timeline row (append-only, chained by hash), pausing stops all
that leaves us before the next claim, and only this room knows an exercise's clock.
"""
