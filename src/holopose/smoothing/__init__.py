"""Owns what makes motion steady: live filters, offline smoothing, gaps, exchanged sides, bone lengths, optical flow."""
