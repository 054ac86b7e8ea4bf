"""A pack: the records of a results folder as Parquet columns, which DuckDB queries.

It lies in RESULTS/.packed, can be deleted, and never answers for records that it does not hold: `manifest` says which
those are.
"""
