"""Owns the networks as torch modules, tensor by tensor as their makers published them; loaded where one is used."""
