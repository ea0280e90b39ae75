"""Owns the model families: pre-processing and decoding around a runtime."""
