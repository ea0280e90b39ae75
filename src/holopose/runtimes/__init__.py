"""Owns the engines that run networks: named arrays in, named arrays out."""
