"""Owns the weight files: cards, fetching, checking, loading."""
