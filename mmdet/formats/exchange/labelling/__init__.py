"""Formats of tools that people draw with."""
