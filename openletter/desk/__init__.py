"""The face for those who carry a campaign: the line at a glance, campaigns, cases, inbox, letters.

Owns pages, no rows. Promises: a row is reached only through the viewer's partners (a stranger gets
the sign-in, a member of another partner "no such page"), every change is a POST that leaves a
timeline entry, and every figure is counted in the database when the page is made.
"""
