"""Postgres and Valkey from Python wheels, so that a laptop needs neither root, nor Docker, nor a database.

Each is replaced by setting one URL (`DATABASE_URL`, `REDIS_URL`). Nothing here imports Django: the servers must run
before its settings, which name them, are read.
"""
