"""Derivatives: a graph in, a larger graph out."""
