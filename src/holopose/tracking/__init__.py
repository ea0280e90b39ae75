"""Owns identities: who is who from frame to frame, and whom to keep."""
