"""Owns what crosses the border to files."""
