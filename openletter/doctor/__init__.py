"""Looks, before a real campaign, whether letters would arrive and answers come back; and tells."""
