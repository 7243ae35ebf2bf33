"""Whom to write to and why: registries, ranking, language, suppression, the ladder."""
