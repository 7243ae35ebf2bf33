"""What an incoming mail is, decided purely: envelope, reports, headers, prose, persons.

Hostile mail is the normal case: nothing here raises on what a peer may send, and every pattern
takes time linear in the text. Below its confidence a verdict goes to a person.
"""
