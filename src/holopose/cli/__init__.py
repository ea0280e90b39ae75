"""Owns the command line: one file per command; it translates and computes nothing."""
