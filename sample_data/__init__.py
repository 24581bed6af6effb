"""Stability reports of invented scanners, and what makes years of them."""
