"""openletter: from public databases to letters, replies and outcomes, in one straight line."""

__version__ = "0.1.0"
