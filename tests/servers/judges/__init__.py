"""Foreign judges of our letters, in a network of their own that leads nowhere.

OpenDKIM, Mail::DKIM and dkimpy say whether a signature holds; SpamAssassin and rspamd, with
Debian's stock rules, how much a letter looks like spam. Names are answered by an unbound of their
own from the records that the test hands over; nothing else exists there.
"""
