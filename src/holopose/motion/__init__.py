"""Owns what motion means: which frames show some, and later angles, repetitions and scores."""
