"""Owns where frames come from."""
