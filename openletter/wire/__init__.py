"""Protocols and formats, pure: bytes in, values out. No sockets, clock, files or framework."""
