"""The interactive part of a page."""
