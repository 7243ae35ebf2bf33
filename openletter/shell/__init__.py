"""Composition only: settings, URLs, WSGI, the queue, the embedded PostgreSQL."""
