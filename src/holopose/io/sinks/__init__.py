"""Owns where results go."""
