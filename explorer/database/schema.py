"""The tables of songs.db, as a list of migrations.

Opening an older file runs the migrations that were added since it was written.
"""

from explorer.database.spelling import letters_as_sql, spelled_as_sql

_INDEX_NEW_TEXT = """
        INSERT INTO song_words(rowid, title, artist, album, genres)
        VALUES (new.number, new.title, new.artist, new.album, new.genres);"""
_UNINDEX_OLD_TEXT = """
        INSERT INTO song_words(song_words, rowid, title, artist, album, genres)
        VALUES ('delete', old.number, old.title, old.artist, old.album, old.genres);"""
_INSERT_TEXTS = """INSERT INTO song_texts(song_id, title, artist, album, genres)
        SELECT id, title, artist, album, genres FROM texts_of_songs"""
_UPDATE_GENRES = """UPDATE song_texts
        SET genres = coalesce((SELECT genres FROM genres_of_songs WHERE id = song_id), '')"""

_SPELLED_FIELDS = ("title", "artist", "album", "genres")
_SPELLED_COLUMNS = ", ".join((*_SPELLED_FIELDS, *(f"other_{field}" for field in _SPELLED_FIELDS)))


def _columns_of(row: str) -> str:
    return ", ".join(f"{row}.{column}" for column in _SPELLED_COLUMNS.split(", "))


_INSERT_SPELLINGS = f"""
        INSERT INTO song_spellings(number, {_SPELLED_COLUMNS})
        SELECT number, {_SPELLED_COLUMNS} FROM spellings_of_songs WHERE number = new.number;"""
_DELETE_SPELLINGS = """
        DELETE FROM song_spellings WHERE number = old.number;"""

MIGRATIONS = (
    # The first three tables are the same as in the original experiment, so that its queries also work on a
    # library. They are not STRICT, because STRICT tables have no JSON type; all other tables are STRICT.
    # The column `anthem` holds the representative of a cluster: the song nearest its centre.
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
    -- path is a BLOB from os.fsencode, because a file name may not be valid text.
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
    -- Single values such as the model that made the vectors and the map's revision.
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
    # The library stores its int8 network: the network depends on the songs that it was calibrated with.
    """
    CREATE TABLE networks(
        precision TEXT PRIMARY KEY,
        content BLOB NOT NULL
    ) STRICT;
    """,
    # near: how many of the ten songs with the most similar vectors lie near the song on the map.
    """
    ALTER TABLE positions ADD COLUMN near INTEGER;
    """,
    # The start of the preview in seconds: the start of the most typical window.
    """
    ALTER TABLE files ADD COLUMN preview_start_s REAL;
    """,
    # Searching 100,000 songs needs a full-text index. Triggers on songs and songs_genres update it, even
    # when other programs write into these tables. song_texts has an integer primary key, `number`: without
    # one, VACUUM could renumber its rows. A genre that is stored twice for a song counts once. A genre that
    # is not text is ignored. Older libraries may have an index without genres, which is dropped first.
    f"""
    DROP TRIGGER IF EXISTS songs_added;
    DROP TRIGGER IF EXISTS songs_changed;
    DROP TRIGGER IF EXISTS songs_removed;
    DROP VIEW IF EXISTS texts_of_songs;
    DROP VIEW IF EXISTS readable_songs;
    DROP TABLE IF EXISTS song_words;
    DROP TABLE IF EXISTS song_texts;
    CREATE TABLE song_texts(
        number INTEGER PRIMARY KEY,
        song_id TEXT NOT NULL UNIQUE REFERENCES songs(id) ON DELETE CASCADE,
        title TEXT NOT NULL,
        artist TEXT NOT NULL,
        album TEXT NOT NULL,
        genres TEXT NOT NULL DEFAULT ''
    ) STRICT;
    CREATE VIRTUAL TABLE song_words USING fts5(
        title, artist, album, genres,
        content = 'song_texts', content_rowid = 'number',
        tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
    );
    CREATE VIEW readable_songs AS
        SELECT id, iif(json_valid(info), info, '{{}}') AS info FROM songs;
    CREATE VIEW genres_of_songs AS
        SELECT id,
            coalesce(
                (
                    SELECT group_concat(genre, ', ')
                    FROM (
                        SELECT genre FROM songs_genres
                        WHERE song_id = songs.id AND typeof(genre) = 'text'
                        GROUP BY genre ORDER BY min(rowid)
                    )
                ),
                ''
            ) AS genres
        FROM songs;
    CREATE VIEW texts_of_songs AS
        SELECT id,
            coalesce(info ->> '$.name', '') AS title,
            coalesce(
                (
                    SELECT group_concat(iif(type = 'object', value ->> '$.name', value), ', ')
                    FROM json_each(iif(json_type(info, '$.artists') = 'array', info, '{{}}'), '$.artists')
                ),
                ''
            ) AS artist,
            coalesce(
                info ->> '$.album.name', iif(json_type(info, '$.album') = 'text', info ->> '$.album', ''), ''
            ) AS album,
            genres
        FROM readable_songs JOIN genres_of_songs USING (id);
    CREATE TRIGGER song_texts_added AFTER INSERT ON song_texts BEGIN {_INDEX_NEW_TEXT} END;
    CREATE TRIGGER song_texts_removed AFTER DELETE ON song_texts BEGIN {_UNINDEX_OLD_TEXT} END;
    CREATE TRIGGER song_texts_changed AFTER UPDATE OF genres ON song_texts
    WHEN old.genres <> new.genres BEGIN {_UNINDEX_OLD_TEXT} {_INDEX_NEW_TEXT} END;
    CREATE TRIGGER songs_added AFTER INSERT ON songs BEGIN
        DELETE FROM song_texts WHERE song_id = new.id; -- INSERT OR REPLACE fires no delete trigger.
        {_INSERT_TEXTS} WHERE id = new.id;
    END;
    CREATE TRIGGER songs_changed AFTER UPDATE OF id, info ON songs BEGIN
        DELETE FROM song_texts WHERE song_id IN (old.id, new.id);
        {_INSERT_TEXTS} WHERE id = new.id;
    END;
    -- The foreign key would do this, but some programs do not enforce foreign keys.
    CREATE TRIGGER songs_removed AFTER DELETE ON songs BEGIN
        DELETE FROM song_texts WHERE song_id = old.id;
    END;
    CREATE TRIGGER genres_added AFTER INSERT ON songs_genres BEGIN
        {_UPDATE_GENRES} WHERE song_id = new.song_id;
    END;
    CREATE TRIGGER genres_changed AFTER UPDATE ON songs_genres BEGIN
        {_UPDATE_GENRES} WHERE song_id IN (old.song_id, new.song_id);
    END;
    CREATE TRIGGER genres_removed AFTER DELETE ON songs_genres BEGIN
        {_UPDATE_GENRES} WHERE song_id = old.song_id;
    END;
    {_INSERT_TEXTS};
    """,
    # One row per index run: the speed of embedding can be measured only during a run.
    """
    CREATE TABLE runs(
        id INTEGER PRIMARY KEY,
        started TEXT NOT NULL,
        seconds REAL NOT NULL,
        indexed INTEGER NOT NULL,
        copied INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        audio_seconds REAL NOT NULL
    ) STRICT;
    """,
    # The source of a folder's genres that the user chose; NULL if the user chose none.
    """
    ALTER TABLE roots ADD COLUMN genres_from TEXT;
    """,
    # audio_fingerprint does not depend on the tags; it is NULL if it was not computed. gone_since is the time
    # when the file was first found gone; it is NULL while the file exists. A gone song stays in the library
    # until the command `prune` deletes it.
    """
    ALTER TABLE files ADD COLUMN audio_fingerprint TEXT;
    ALTER TABLE files ADD COLUMN gone_since TEXT;
    CREATE INDEX files_by_audio ON files(audio_fingerprint);
    CREATE INDEX files_gone ON files(gone_since) WHERE gone_since IS NOT NULL;
    -- Without this index, deleting or renaming one song would scan every row of positions.
    CREATE INDEX positions_by_song ON positions(song_id);
    """,
    # track, start_s and end_s: a file with a cue sheet holds several songs. track is 0, and end_s NULL, for a
    # song that is a whole file. note: what was unusual about decoding the file. read_version: the version of
    # this program's reading of files; an index run reads files of older versions again. sheets_state: a text
    # that changes if a cue sheet in the file's folder does; NULL if the file was read without cue sheets.
    # scan_options: JSON of the options that decide which of a root's files are songs.
    """
    CREATE TABLE files_with_tracks(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        root_id INTEGER NOT NULL REFERENCES roots(id),
        path BLOB NOT NULL,
        track INTEGER NOT NULL DEFAULT 0,
        start_s REAL NOT NULL DEFAULT 0,
        end_s REAL,
        size_bytes INTEGER NOT NULL,
        modified_ns INTEGER NOT NULL,
        fingerprint TEXT NOT NULL,
        audio_fingerprint TEXT,
        format TEXT NOT NULL,
        duration_s REAL NOT NULL,
        preview_start_s REAL,
        note TEXT NOT NULL DEFAULT '',
        read_version INTEGER NOT NULL DEFAULT 1,
        sheets_state TEXT DEFAULT '',
        gone_since TEXT,
        UNIQUE(root_id, path, track)
    ) STRICT;
    INSERT INTO files_with_tracks(
        song_id, root_id, path, size_bytes, modified_ns, fingerprint, audio_fingerprint, format, duration_s,
        preview_start_s, gone_since
    ) SELECT
        song_id, root_id, path, size_bytes, modified_ns, fingerprint, audio_fingerprint, format, duration_s,
        preview_start_s, gone_since
    FROM files;
    DROP TABLE files;
    ALTER TABLE files_with_tracks RENAME TO files;
    CREATE INDEX files_by_fingerprint ON files(fingerprint);
    CREATE INDEX files_by_audio ON files(audio_fingerprint);
    CREATE INDEX files_gone ON files(gone_since) WHERE gone_since IS NOT NULL;
    ALTER TABLE failures ADD COLUMN read_version INTEGER NOT NULL DEFAULT 1;
    ALTER TABLE roots ADD COLUMN scan_options TEXT NOT NULL DEFAULT '{}';
    """,
    # The index holds two spellings of each text: see `spelling.py`. Triggers update both.
    f"""
    DROP TRIGGER song_texts_added;
    DROP TRIGGER song_texts_removed;
    DROP TRIGGER song_texts_changed;
    DROP TABLE song_words;
    CREATE TABLE letters(
        letter TEXT PRIMARY KEY,
        plain TEXT NOT NULL,
        other TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    INSERT INTO letters VALUES {letters_as_sql()};
    CREATE TABLE song_spellings(
        number INTEGER PRIMARY KEY,
        {_SPELLED_COLUMNS.replace(",", " TEXT NOT NULL,")} TEXT NOT NULL
    ) STRICT;
    CREATE VIEW spellings_of_songs AS
        SELECT number, {",".join(map(spelled_as_sql, _SPELLED_FIELDS))}
        FROM song_texts;
    INSERT INTO song_spellings(number, {_SPELLED_COLUMNS})
        SELECT number, {_SPELLED_COLUMNS} FROM spellings_of_songs;
    CREATE VIRTUAL TABLE song_words USING fts5(
        {_SPELLED_COLUMNS},
        content = 'song_spellings', content_rowid = 'number',
        tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
    );
    INSERT INTO song_words(song_words) VALUES ('rebuild');
    CREATE TRIGGER song_texts_added AFTER INSERT ON song_texts BEGIN {_INSERT_SPELLINGS} END;
    CREATE TRIGGER song_texts_removed AFTER DELETE ON song_texts BEGIN {_DELETE_SPELLINGS} END;
    CREATE TRIGGER song_texts_changed AFTER UPDATE OF genres ON song_texts
    WHEN old.genres <> new.genres BEGIN {_DELETE_SPELLINGS} {_INSERT_SPELLINGS} END;
    CREATE TRIGGER song_spellings_added AFTER INSERT ON song_spellings BEGIN
        INSERT INTO song_words(rowid, {_SPELLED_COLUMNS})
        VALUES (new.number, {_columns_of("new")});
    END;
    CREATE TRIGGER song_spellings_removed AFTER DELETE ON song_spellings BEGIN
        INSERT INTO song_words(song_words, rowid, {_SPELLED_COLUMNS})
        VALUES ('delete', old.number, {_columns_of("old")});
    END;
    """,
    # link_target: where a file is, if links led out of its root when it was indexed; else NULL.
    """
    ALTER TABLE files ADD COLUMN link_target BLOB;
    """,
    # coarse_vectors: vectors of a few windows of each song, from the first look at a library. While the state
    # `shown_vectors` is "coarse", the map is made of them; songs_vectors fills meanwhile. asked_songs: songs
    # that somebody has played or looked at and that have no full vector; these are embedded first.
    """
    CREATE TABLE coarse_vectors(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        embedding BLOB NOT NULL
    ) STRICT;
    CREATE TABLE asked_songs(
        number INTEGER PRIMARY KEY,
        song_id TEXT NOT NULL UNIQUE REFERENCES songs(id) ON DELETE CASCADE
    ) STRICT;
    """,
    # song_windows: the windows of each song as components in the basis of window_basis, 64 bytes each: int8
    # codes times `scale`. raw_windows: float16 embeddings of the first songs, which wait for the basis.
    # song_features: tempo, key, energy, loudness and brightness; beats and curves are float32 arrays.
    """
    CREATE TABLE window_basis(
        number INTEGER PRIMARY KEY,
        mean BLOB NOT NULL,
        axes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE song_windows(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        step_s REAL NOT NULL,
        scale REAL NOT NULL,
        codes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE raw_windows(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        step_s REAL NOT NULL,
        frames BLOB NOT NULL
    ) STRICT;
    CREATE TABLE song_features(
        song_id TEXT PRIMARY KEY REFERENCES songs(id) ON DELETE CASCADE,
        version INTEGER NOT NULL,
        tempo_bpm REAL,
        tempo_confidence REAL NOT NULL,
        musical_key TEXT,
        key_confidence REAL NOT NULL,
        energy REAL,
        loudness_lufs REAL,
        brightness_hz REAL,
        beats BLOB NOT NULL,
        loudness BLOB NOT NULL,
        brightness BLOB NOT NULL
    ) STRICT;
    """,
)
