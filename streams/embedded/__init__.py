"""The embedded shell: one process and one data directory, no broker and no database server."""
