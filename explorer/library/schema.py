"""The tables of songs.db, and the ladder that brings an older file up to them."""

MIGRATIONS = (
    # The first three tables are those of the experiment this project grew out of, so that its
    # queries read our databases. STRICT knows no JSON type, hence only our own tables have it.
    """
    CREATE TABLE IF NOT EXISTS songs(
        id TEXT PRIMARY KEY,
        info JSON NOT NULL
    );
    CREATE TABLE IF NOT EXISTS songs_vectors(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        embedding BLOB NOT NULL
    );
    CREATE TABLE IF NOT EXISTS songs_genres(
        song_id TEXT NOT NULL REFERENCES songs(id) ON DELETE CASCADE,
        genre TEXT NOT NULL
    );
    CREATE INDEX songs_genres_by_song ON songs_genres(song_id);
    CREATE TABLE roots(
        id INTEGER PRIMARY KEY,
        path TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL
    ) STRICT;
    -- path is what os.fsencode gives: a file's name need not be valid text.
    CREATE TABLE files(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        root_id INTEGER NOT NULL REFERENCES roots(id),
        path BLOB NOT NULL,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        format TEXT NOT NULL,
        duration_s REAL NOT NULL,
        UNIQUE(root_id, path)
    ) STRICT;
    CREATE INDEX files_by_fingerprint ON files(fingerprint);
    CREATE TABLE failures(
        root_id INTEGER NOT NULL REFERENCES roots(id),
        path BLOB NOT NULL,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        reason TEXT NOT NULL,
        PRIMARY KEY(root_id, path)
    ) STRICT;
    -- One row of each: the model that made the vectors, and the map's revision.
    CREATE TABLE state(
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE projections(
        name TEXT PRIMARY KEY,
        parameters TEXT NOT NULL,
        quality TEXT NOT NULL
    ) STRICT;
    CREATE TABLE positions(
        projection TEXT NOT NULL REFERENCES projections(name) ON DELETE CASCADE,
        song_id TEXT NOT NULL REFERENCES songs(id) ON DELETE CASCADE,
        x REAL NOT NULL,
        y REAL NOT NULL,
        PRIMARY KEY(projection, song_id)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE clusters(
        number INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        anthem TEXT REFERENCES songs(id) ON DELETE SET NULL
    ) STRICT;
    CREATE TABLE song_clusters(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        cluster INTEGER NOT NULL REFERENCES clusters(number) ON DELETE CASCADE
    ) STRICT;
    """,
    # An int8 network depends on the songs it was calibrated on, so it belongs to their library.
    """
    CREATE TABLE networks(
        precision TEXT PRIMARY KEY,
        content BLOB NOT NULL
    ) STRICT;
    """,
)
