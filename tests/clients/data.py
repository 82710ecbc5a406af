"""Makes the files that the clients read, and says what is in them: a table as CSV, as JSON and as a
Parquet file of several row groups, so that reading one column of a few rows needs only parts of it.

    data.py FOLDER
"""

import pathlib
import sys

import duckdb

folder = pathlib.Path(sys.argv[1])
duckdb.sql("""
    CREATE TABLE mesures AS
    SELECT i AS id,
           ['Girona', 'L''Hospitalet', 'Θεσσαλονίκη', 'Αθήνα'][i % 4 + 1] AS municipi,
           (i % 1000) / 8 AS valor,
           TIMESTAMP '2026-01-01' + INTERVAL (i) MINUTE AS quan,
           md5(i::VARCHAR) AS signatura
    FROM range(60000) t(i)
""")
for name, options in [("mesures.csv", "HEADER"), ("mesures.json", "ARRAY true"),
                      ("mesures.parquet", "FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE 4096")]:
    duckdb.sql(f"COPY mesures TO '{folder / name}' ({options})")
    print(f"{name}: {(folder / name).stat().st_size:,} bytes")
