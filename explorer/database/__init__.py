"""songs.db: its tables, its queries and the records that they return."""
