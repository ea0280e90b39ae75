"""Owns drawing people over pictures."""
