"""Pages and verbs of the desk: each asks a query or one of the rooms' verbs, and shows."""
