"""Template tags of the site alone."""
