"""Stability reports of invented scanners, and the generator that makes years of them."""
