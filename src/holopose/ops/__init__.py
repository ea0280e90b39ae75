"""Owns pure functions over arrays: boxes, crops, decoding, similarity."""
