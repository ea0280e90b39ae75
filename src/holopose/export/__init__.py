"""Owns conversion of models to other forms, with proof that they still say the same."""
