"""Columns: what has to be done with millions of rows at once. Pure: files in, tables out.

The engine is DuckDB (docs/adr/0007). It reads and writes inside one folder and nowhere else, loads
no extension, opens no address, and spills to that folder when memory is short. What a row *means*
is not decided here: `evidence` judges.
"""
