"""Tests, in folders that mirror the rooms and say what they need."""
