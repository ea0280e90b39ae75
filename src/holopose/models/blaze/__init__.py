"""Owns the blaze family: the networks of MediaPipe Holistic, for everybody in the picture."""
