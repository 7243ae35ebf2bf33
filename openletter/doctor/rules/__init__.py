"""What records, servers and a returned letter mean, and what to do about it. Pure."""
