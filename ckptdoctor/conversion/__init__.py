"""Remedies → an ordered, checked, editable plan."""
